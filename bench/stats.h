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

struct bench_base {
	double min, median;
};

/*
 * One row: minimum, median, 90th percentile, maximum; with a base also the
 * ratios of the medians and of the minima, which noise touches least.
 */
static inline struct bench_base
bench_row(const char *name, double *x, size_t n, const struct bench_base *base)
{
	struct bench_base b = {.min = bench_quantile(x, n, 0),
			       .median = bench_quantile(x, n, 50)};

	printf("%-36s %9.1f %9.1f %9.1f %9.1f", name, b.min, b.median,
	       bench_quantile(x, n, 90), bench_quantile(x, n, 100));
	if (base)
		printf(" %7.2f %7.2f", b.median / base->median,
		       b.min / base->min);
	putchar('\n');
	return b;
}

static inline void
bench_head(const char *what)
{
	printf("%-36s %9s %9s %9s %9s %7s %7s\n", what, "min us", "median",
	       "p90", "max", "ratio", "of min");
}

#endif
