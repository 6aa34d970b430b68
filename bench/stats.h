/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the benchmarks share: a clock, and the order statistics of a series.
 * Everything that is compared is run in turn in one process, so that the
 * machine's noise falls on all of it; figures are ratios of medians.
 */
#ifndef SP_BENCH_STATS_H
#define SP_BENCH_STATS_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* CLOCK_MONOTONIC in microseconds. */
static inline double
bench_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static inline int
bench_cmp(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* Sorts the series; returns its quantile q, 0 to 100. */
static inline double
bench_quantile(double *x, size_t n, unsigned q)
{
	qsort(x, n, sizeof(*x), bench_cmp);
	return x[(n - 1) * q / 100];
}

/* One row: median, p10, p90 and the median's ratio to `base` (0: none). */
static inline double
bench_row(const char *name, double *x, size_t n, double base)
{
	double median = bench_quantile(x, n, 50);

	printf("%-44s %9.1f %9.1f %9.1f", name, median,
	       bench_quantile(x, n, 10), bench_quantile(x, n, 90));
	if (base > 0)
		printf(" %7.2f", median / base);
	putchar('\n');
	return median;
}

static inline void
bench_head(const char *what)
{
	printf("%-44s %9s %9s %9s %7s\n", what, "median us", "p10", "p90",
	       "ratio");
}

#endif
