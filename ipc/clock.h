/* SPDX-License-Identifier: Apache-2.0 */
/* A clock as one number.  Answered by the vDSO: no filter sees it (vdso(7)). */
#ifndef SP_CLOCK_H
#define SP_CLOCK_H

#include <stdint.h>
#include <time.h>

#include "err.h"

/* Nanoseconds of CLOCK_MONOTONIC, CLOCK_BOOTTIME or CLOCK_REALTIME, of which
 * clock_gettime(2) has no error. */
static inline uint64_t
clock_ns(clockid_t which)
{
	struct timespec t;

	BUG_ON(clock_gettime(which, &t) != 0);
	return (uint64_t)t.tv_sec * UINT64_C(1000000000) + (uint64_t)t.tv_nsec;
}

/* The same in milliseconds, rounded down. */
static inline uint64_t
clock_ms(clockid_t which)
{
	return clock_ns(which) / 1000000;
}

#endif
