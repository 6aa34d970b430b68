/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The test-only supervisor: sallyport's own objects, in which one property of
 * one child is spoilt as the environment says.
 */
#include <cap-ng.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "spoil.h"
#include "sup.h"
#include "wait.h"

int __real_server_check(const struct sup *s);
int __wrap_server_check(const struct sup *s);
int __real_wait_exits(struct sup *s, uint32_t seats, unsigned seconds);
int __wrap_wait_exits(struct sup *s, uint32_t seats, unsigned seconds);
bool __real_child_alive(const struct child *c);
bool __wrap_child_alive(const struct child *c);

int __real_capng_apply(capng_select_t set);
int __wrap_capng_apply(capng_select_t set);

static bool readable, early, bounds;

static const struct {
	const char *name;
	enum spoil spoil;
} words[] = {
	{"nothing", SPOIL_NOTHING},
	{"uid", SPOIL_UID},
	{"gid", SPOIL_GID},
	{"groups", SPOIL_GROUPS},
	{"inheritable", SPOIL_INHERITABLE},
	{"bounding", SPOIL_BOUNDING},
	{"ambient", SPOIL_AMBIENT},
	{"no-new-privs", SPOIL_PRIVS},
	{"outer", SPOIL_OUTER},
	{"all-filters", SPOIL_ALL},
	{"extra", SPOIL_EXTRA},
	{"missing", SPOIL_MISSING},
	{"readable", SPOIL_SERVER},
	{"early", SPOIL_EARLY},
};

__attribute__((constructor)) static void
read_order(void)
{
	const char *order = getenv("EVIL_SPOIL"), *what;
	unsigned seat = 0;

	if (!order || !(what = strchr(order, ' ')))
		return;
	while (seat < SEAT_COUNT &&
	       strncmp(seat_name(seat), order, (size_t)(what - order)) != 0)
		seat++;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(words[i].name, what + 1) == 0) {
			readable = words[i].spoil == SPOIL_SERVER;
			early = words[i].spoil == SPOIL_EARLY;
			bounds = words[i].spoil == SPOIL_INHERITABLE ||
				 words[i].spoil == SPOIL_BOUNDING ||
				 words[i].spoil == SPOIL_AMBIENT;
			spoil_set(words[i].spoil, (enum seat)seat);
			return;
		}
	fprintf(stderr, "EVIL_SPOIL: no such property\n");
	abort();
}

/* Its own bounding set would leave its children nothing to keep. */
int
__wrap_capng_apply(capng_select_t set)
{
	return __real_capng_apply(bounds ? CAPNG_SELECT_CAPS : set);
}

int
__wrap_server_check(const struct sup *s)
{
	return readable ? 0 : __real_server_check(s);
}

/* P1 broken: wave 2 begins with https alive. */
int
__wrap_wait_exits(struct sup *s, uint32_t seats, unsigned seconds)
{
	const uint32_t attest = SEAT_BIT(SEAT_FETCH) | SEAT_BIT(SEAT_VERIFY);

	if (early && seats == attest) {
		int r = __real_wait_exits(s, SEAT_BIT(SEAT_VERIFY), seconds);

		s->child[SEAT_FETCH].code = EXIT_F_BUNDLE;
		return r;
	}
	return __real_wait_exits(s, seats, seconds);
}

/* Nor does its own last check see it. */
bool
__wrap_child_alive(const struct child *c)
{
	return early && c->state == CHILD_LOCKED && c->code == EXIT_F_BUNDLE
		       ? false
		       : __real_child_alive(c);
}
