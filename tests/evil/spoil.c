/* SPDX-License-Identifier: Apache-2.0 */
#include "spoil.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <linux/securebits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "filter.h"
#include "spawn.h"

#define OTHER_ID 64 /* added to an id: one that nobody has */
#define NO_AMBIENT                                                             \
	((unsigned long)(SECBIT_NO_CAP_AMBIENT_RAISE |                         \
			 SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED))

static enum spoil spoil;
static enum seat spoilt_seat = SEAT_COUNT;
static bool child, dropped; /* in the child; its ids were to be given up */
static bool outer_passes;   /* its outer filter is one that lets pass */
static gid_t own_gid;	    /* of the child, as it should be */
static uid_t said_uid;
static gid_t said_gid;
static unsigned long said_bits;

static const struct sock_filter pass[] = {
	BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
};
static const struct filter_prog filter_pass = {"pass", pass, 1};

int __real_prctl(int option, ...);
long __real_syscall(long number, ...);
int __real_setresuid(uid_t r, uid_t e, uid_t s);
int __real_setresgid(gid_t r, gid_t e, gid_t s);
int __real_setgroups(size_t n, const gid_t *list);
int __real_getresuid(uid_t *r, uid_t *e, uid_t *s);
int __real_getresgid(gid_t *r, gid_t *e, gid_t *s);
int __real_getgroups(int n, gid_t *list);
int __real_filter_install(const struct filter_prog *f);
int __real_close_range(unsigned first, unsigned last, int flags);
_Noreturn void __real_confine_and_exec(const struct sup *s,
				       const struct spawn *sp, int program);

int __wrap_prctl(int option, ...);
long __wrap_syscall(long number, ...);
int __wrap_setresuid(uid_t r, uid_t e, uid_t s);
int __wrap_setresgid(gid_t r, gid_t e, gid_t s);
int __wrap_setgroups(size_t n, const gid_t *list);
int __wrap_getresuid(uid_t *r, uid_t *e, uid_t *s);
int __wrap_getresgid(gid_t *r, gid_t *e, gid_t *s);
int __wrap_getgroups(int n, gid_t *list);
int __wrap_filter_install(const struct filter_prog *f);
int __wrap_close_range(unsigned first, unsigned last, int flags);
_Noreturn void __wrap_confine_and_exec(const struct sup *s,
				       const struct spawn *sp, int program);

void
spoil_set(enum spoil what, enum seat seat)
{
	spoil = what;
	spoilt_seat = seat;
}

void
spoil_outer(bool passes)
{
	outer_passes = passes;
}

static bool
is(enum spoil what)
{
	return child && spoil == what;
}

_Noreturn void
__wrap_confine_and_exec(const struct sup *s, const struct spawn *sp,
			int program)
{
	child = spoilt_seat == SEAT_COUNT || sp->seat == spoilt_seat;
	own_gid = sp->uid;
	__real_confine_and_exec(s, sp, program);
}

static void
must(int r)
{
	if (r != 0)
		_exit(99);
}

static int
caps(uint32_t permitted, uint32_t inheritable)
{
	struct __user_cap_header_struct h = {
		.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct d[2] = {{.permitted = permitted,
					       .effective = permitted,
					       .inheritable = inheritable}};

	return (int)__real_syscall(SYS_capset, &h, d);
}

/* While everything is still there: what the spoilt child keeps to its end. */
static void
before_bounding(void)
{
	static bool done;
	const uint32_t all = 1u << CAP_SETPCAP | 1u << CAP_SETUID |
			     1u << CAP_SETGID | 1u << CAP_KILL;

	if (done)
		return;
	done = true;
	if (is(SPOIL_INHERITABLE) || is(SPOIL_AMBIENT))
		must(caps(all, 1u << CAP_KILL));
	if (is(SPOIL_PRIVS)) {
		must(__real_filter_install(&filter_pass));
		must(__real_filter_install(&filter_pass));
	}
}

/* Returns true when the real call is not to be made; *r is its answer. */
static bool
spoilt_prctl(int option, unsigned long a, int *r)
{
	bool keeps = is(SPOIL_IDS);

	*r = 0;
	switch (option) {
	case PR_CAPBSET_READ:
		if (a == 0)
			before_bounding();
		return keeps || (is(SPOIL_BOUNDING) && a == CAP_KILL);
	case PR_SET_SECUREBITS:
		said_bits = a;
		if (is(SPOIL_AMBIENT))
			must(__real_prctl(PR_SET_SECUREBITS, a & ~NO_AMBIENT, 0,
					  0, 0));
		return keeps || is(SPOIL_AMBIENT);
	case PR_GET_SECUREBITS:
		*r = (int)said_bits;
		return keeps || is(SPOIL_AMBIENT);
	case PR_SET_NO_NEW_PRIVS:
		return spoil == SPOIL_PRIVS && (child || !dropped);
	case PR_GET_NO_NEW_PRIVS:
		*r = 1;
		return is(SPOIL_PRIVS);
	default:
		return false;
	}
}

int
__wrap_prctl(int option, ...)
{
	unsigned long a[4];
	va_list ap;
	int r;

	va_start(ap, option);
	for (int i = 0; i < 4; i++)
		a[i] = va_arg(ap, unsigned long);
	va_end(ap);
	if (spoilt_prctl(option, a[0], &r))
		return r;
	return __real_prctl(option, a[0], a[1], a[2], a[3]);
}

/* capset(2) alone is spoilt. */
static long
spoilt_capset(const struct __user_cap_data_struct *d, long r)
{
	bool back = d->permitted != 0; /* the try for the way back */

	if (is(SPOIL_IDS))
		return back ? -1 : 0;
	if (back)
		return r;
	if (is(SPOIL_INHERITABLE))
		return caps(0, 1u << CAP_KILL);
	if (is(SPOIL_AMBIENT)) {
		must(caps(1u << CAP_KILL, 1u << CAP_KILL));
		return __real_prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE,
				    CAP_KILL, 0, 0);
	}
	return r;
}

long
__wrap_syscall(long number, ...)
{
	bool mine = number == SYS_capset && child &&
		    (spoil == SPOIL_IDS || spoil == SPOIL_INHERITABLE ||
		     spoil == SPOIL_AMBIENT);
	long a[6];
	va_list ap;

	va_start(ap, number);
	for (int i = 0; i < 6; i++)
		a[i] = va_arg(ap, long);
	va_end(ap);
	if (mine) {
		const struct __user_cap_data_struct *d = (void *)a[1];
		long r = 0;

		if (spoil != SPOIL_IDS && d->permitted != 0)
			r = __real_syscall(number, a[0], a[1]);
		return spoilt_capset(d, r);
	}
	return __real_syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

int
__wrap_setresuid(uid_t r, uid_t e, uid_t s)
{
	if (r != 0) {
		said_uid = r;
		dropped = true;
	}
	if (is(SPOIL_IDS))
		return r == 0 ? -1 : 0;
	if (is(SPOIL_UID) && r != 0)
		r = e = s = r + OTHER_ID;
	return __real_setresuid(r, e, s);
}

int
__wrap_setresgid(gid_t r, gid_t e, gid_t s)
{
	if (r != 0)
		said_gid = r;
	if (is(SPOIL_IDS))
		return r == 0 ? -1 : 0;
	if (is(SPOIL_GID) && r != 0)
		r = e = s = r + OTHER_ID;
	return __real_setresgid(r, e, s);
}

int
__wrap_setgroups(size_t n, const gid_t *list)
{
	const gid_t other = 1;

	if (is(SPOIL_IDS))
		return dropped ? -1 : 0;
	if (is(SPOIL_GROUPS) && !dropped)
		return __real_setgroups(1, &other);
	/* a server of another gid still reads its configuration */
	if (is(SPOIL_GID) && !dropped)
		return __real_setgroups(1, &own_gid);
	return __real_setgroups(n, list);
}

int
__wrap_getresuid(uid_t *r, uid_t *e, uid_t *s)
{
	if (!is(SPOIL_IDS) && !is(SPOIL_UID))
		return __real_getresuid(r, e, s);
	*r = *e = *s = said_uid;
	return 0;
}

int
__wrap_getresgid(gid_t *r, gid_t *e, gid_t *s)
{
	if (!is(SPOIL_IDS) && !is(SPOIL_GID))
		return __real_getresgid(r, e, s);
	*r = *e = *s = said_gid;
	return 0;
}

int
__wrap_getgroups(int n, gid_t *list)
{
	if (is(SPOIL_IDS) || is(SPOIL_GROUPS) || is(SPOIL_GID))
		return 0;
	return __real_getgroups(n, list);
}

int
__wrap_filter_install(const struct filter_prog *f)
{
	if (is(SPOIL_OUTER) || is(SPOIL_PRIVS) || spoil == SPOIL_ALL)
		return 0;
	return __real_filter_install(child && outer_passes ? &filter_pass : f);
}

/* The last of the descriptors' step. */
int
__wrap_close_range(unsigned first, unsigned last, int flags)
{
	int r = __real_close_range(first, last, flags);

	if (is(SPOIL_EXTRA) && dup(STDIN_FILENO) < 0)
		return -1;
	if (is(SPOIL_MISSING))
		close(STDIN_FILENO);
	return r;
}
