/* SPDX-License-Identifier: Apache-2.0 */
#include "seats.h"

#include <string.h>
#include <unistd.h>

#include "config.h"
#include "fds.h"

#define ROOTS	    SP_LIBEXECDIR "/root/"
#define FD(n)	    (UINT64_C(1) << (n))
#define FDS(a, b)   (((UINT64_C(1) << ((b) - (a) + 1)) - 1) << (a))
#define FD_STD	    (FD(0) | FD(1) | FD(2) | FD(FD_BROKER))
#define LAST_WORKER (FD_WORKERS + SEAT_UNSEAL - SEAT_RESOLVE)

static const struct {
	const char *name; /* program is ROOTS name/sallyport-name */
	const char *word[2];
	enum conf_key uid;
	uint64_t fds;
	bool net;
} seats[SEAT_COUNT] = {
	[SEAT_BROKER] = {"broker",
			 {NULL},
			 CONF_UID_BROKER,
			 FD_STD | FDS(FD_WORKERS, LAST_WORKER),
			 false},
	[SEAT_RESOLVE] = {"resolve", {NULL}, CONF_UID_RESOLVE, FD_STD, true},
	[SEAT_FETCH] = {"https",
			{"fetch"},
			CONF_UID_HTTPS,
			FD_STD | FDS(FD_HTTPS_ROOTS, FD_HTTPS_EVENTLOG),
			true},
	[SEAT_STORE0] = {"https",
			 {"store", "0"},
			 CONF_UID_HTTPS,
			 FD_STD | FDS(FD_HTTPS_ROOTS, FD_HTTPS_EVENTLOG),
			 true},
	[SEAT_STORE1] = {"https",
			 {"store", "1"},
			 CONF_UID_HTTPS,
			 FD_STD | FDS(FD_HTTPS_ROOTS, FD_HTTPS_EVENTLOG),
			 true},
	[SEAT_STORE2] = {"https",
			 {"store", "2"},
			 CONF_UID_HTTPS,
			 FD_STD | FDS(FD_HTTPS_ROOTS, FD_HTTPS_EVENTLOG),
			 true},
	[SEAT_STORE3] = {"https",
			 {"store", "3"},
			 CONF_UID_HTTPS,
			 FD_STD | FDS(FD_HTTPS_ROOTS, FD_HTTPS_EVENTLOG),
			 true},
	[SEAT_VERIFY] = {"verify", {NULL}, CONF_UID_VERIFY, FD_STD, false},
	[SEAT_TPM] = {"tpm",
		      {NULL},
		      CONF_UID_TPM,
		      FD_STD | FDS(FD_TPM_DEV, FD_TPM_INIT_IN),
		      false},
	[SEAT_RENDER] = {"prepare",
			 {"render"},
			 CONF_UID_PREPARE,
			 FD_STD | FDS(FD_RENDER_TEMPLATE, FD_RENDER_IN),
			 false},
	[SEAT_TLS] = {"prepare",
		      {"tls"},
		      CONF_UID_PREPARE,
		      FD_STD | FDS(FD_TLS_CERT, FD_TLS_IN),
		      false},
	[SEAT_LOOK] = {"control",
		       {"look"},
		       CONF_UID_CONTROL,
		       FD_STD | FD(FD_CTL_SERVER),
		       false},
	[SEAT_INIT] = {"control",
		       {"init"},
		       CONF_UID_CONTROL,
		       FD_STD | FDS(FD_CTL_SERVER, FD_CTL_SEALED),
		       false},
	[SEAT_UNSEAL] = {"control",
			 {"unseal"},
			 CONF_UID_CONTROL,
			 FD_STD | FDS(FD_CTL_SERVER, FD_CTL_SEALED),
			 false},
	[SEAT_SERVER] = {NULL, {NULL}, CONF_UID_SERVER, 0, true},
};

/* resolve's root has empty files where these are put. */
static const struct bind_mount resolver_binds[] = {
	{"/etc/resolv.conf", false, false, -1, "/etc/resolv.conf"},
	{"/etc/hosts", false, false, -1, "/etc/hosts"},
	{"/etc/nsswitch.conf", false, false, -1, "/etc/nsswitch.conf"},
};

uint64_t
seat_fds(enum seat seat)
{
	return seats[seat].fds;
}

const char *
seat_program(enum seat seat)
{
	return seats[seat].name;
}

uid_t
seat_uid(const struct sup *s, enum seat seat)
{
	return seats[seat].uid ? conf_num(s->conf, seats[seat].uid) : 0;
}

static char *
path_of(enum seat seat, bool program)
{
	static char root[SEAT_COUNT][PATH_MAX], prog[SEAT_COUNT][PATH_MAX];
	const char *name = seats[seat].name;

	snprintf(root[seat], PATH_MAX, ROOTS "%s", name);
	snprintf(prog[seat], PATH_MAX, ROOTS "%s/sallyport-%s", name, name);
	return program ? prog[seat] : root[seat];
}

/* Only files that exist on this machine are put into resolve's root. */
static void
bind_resolver(const struct sup *s, struct spawn *sp)
{
	static struct bind_mount have[3];
	unsigned n = 0;

	if (!s->full) {
		sp->root = NULL; /* held by Landlock instead, root.c */
		return;
	}
	for (size_t i = 0; i < 3; i++)
		if (access(resolver_binds[i].from, F_OK) == 0)
			have[n++] = resolver_binds[i];
	sp->binds = have;
	sp->bind_count = n;
}

void
seat_spawn(const struct sup *s, enum seat seat, struct spawn *out)
{
	static char tz[] = "TZ=UTC0";

	spawn_init(s, out, seat);
	out->program = path_of(seat, true);
	out->root = path_of(seat, false);
	out->argv[0] = path_of(seat, true) + sizeof(ROOTS) - 1 +
		       strlen(seats[seat].name) + 1;
	for (int i = 0; i < 2; i++)
		out->argv[i + 1] = (char *)(uintptr_t)seats[seat].word[i];
	out->envp[0] = tz;
	out->outer = seats[seat].net ? &filter_outer_net : &filter_outer;
	out->netns = seats[seat].net ? -1 : s->netns_empty;
	if (seat == SEAT_RESOLVE)
		bind_resolver(s, out);
}
