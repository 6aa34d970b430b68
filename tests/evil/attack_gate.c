/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A worker that says it is confined and is not: what a worker can spoil of
 * what the gate reads.
 */
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "evil.h"
#include "fds.h"
#include "filter.h"

static int
no_filter(const struct filter_prog *f)
{
	return 0;
}

static int
two_filters(const struct filter_prog *f)
{
	return __real_filter_install(&filter_outer_net) == 0
		       ? __real_filter_install(f)
		       : ERR_LOCK;
}

static int
dumpable(const struct filter_prog *f)
{
	if (prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) != 0)
		_exit(EVIL_DUD);
	return __real_filter_install(f);
}

static int
wait_for_ever(void *unused)
{
	while (!unused)
		syscall(SYS_pause);
	return 0;
}

/*
 * It is outside the inner filter: that is installed for one thread alone.  It
 * is made before the limit on processes.
 */
static void
second_thread(struct worker *w)
{
	static char stack[65536] __attribute__((aligned(16)));

	if (clone(wait_for_ever, stack + sizeof(stack),
		  CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND |
			  CLONE_THREAD | CLONE_SYSVSEM,
		  NULL) < 0)
		_exit(EVIL_DUD);
}

static void
extra_descriptor(struct worker *w)
{
	if (dup(STDIN_FILENO) < 0)
		_exit(EVIL_DUD);
}

/* The number's remainder by 64 is a descriptor that must be there. */
static void
high_descriptor(struct worker *w)
{
	if (dup2(STDIN_FILENO, 64) < 0)
		_exit(EVIL_DUD);
}

static void
missing_descriptor(struct worker *w)
{
	close(STDIN_FILENO);
}

/* LOCKED is said and the ready pipe closed: nothing of it was done. */
static void
no_lock(struct worker *w)
{
	if (w->desc->seat != SEAT_BROKER && w->desc->seat != SEAT_KEEPER)
		evil_frame(&w->broker, MSG_LOCKED, NULL, 0);
	close(FD_READY);
	for (;;)
		pause();
}

const struct attack attacks_gate[] = {
	{.name = "no-inner-filter", .filter = no_filter},
	/* without no_new_privs neither it nor Landlock is to be had */
	{.name = "no-privs", .filter = no_filter, .no_landlock = true},
	{.name = "two-inner-filters", .filter = two_filters},
	{.name = "dumpable", .filter = dumpable},
	{.name = "thread", .early = second_thread},
	{.name = "extra-descriptor", .early = extra_descriptor},
	{.name = "high-descriptor", .early = high_descriptor},
	{.name = "missing-descriptor", .early = missing_descriptor},
	{.name = "no-lock", .lie = no_lock},
	{.name = NULL},
};
