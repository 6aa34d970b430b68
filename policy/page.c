/* SPDX-License-Identifier: Apache-2.0 */
/* What of a page is the same for supervisor, workers and exec (page.h). */
#include "page.h"

#include <sys/resource.h>

uint64_t
page_fds(const struct page *p, enum seat seat, bool locked)
{
	uint64_t set = 0;

	for (size_t i = 0; i < p->fd_count; i++) {
		const struct page_fd *f = &p->fds[i];

		if (!(f->seats & SEAT_BIT(seat)) || (locked && f->until_locked))
			continue;
		for (int fd = f->first; fd <= f->last; fd++)
			set |= UINT64_C(1) << fd;
	}
	return set;
}

/* poll(2) refuses numbers of descriptors at or above the limit. */
static rlim_t
highest(const struct page *p, enum seat seat)
{
	uint64_t set = page_fds(p, seat, false);

	return set ? 64 - (rlim_t)__builtin_clzll(set) : 0;
}

int
page_limits(const struct page *p, enum seat seat)
{
	for (size_t i = 0; i < p->limit_count; i++) {
		const struct page_limit *l = &p->limits[i];
		rlim_t value = l->value;
		struct rlimit have;

		if (l->from_fds)
			value += highest(p, seat);
		if (getrlimit((__rlimit_resource_t)l->resource, &have) != 0)
			return ERR_LOCK;
		if (value > have.rlim_max)
			value = have.rlim_max;
		have.rlim_cur = have.rlim_max = value;
		if (setrlimit((__rlimit_resource_t)l->resource, &have) != 0)
			return ERR_LOCK;
	}
	return 0;
}
