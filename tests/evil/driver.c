/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hostile workers against their confinement (tests/tables/evil.tbl).  For each
 * seat and each line:
 *
 *   with everything		the try comes out as the table says, refused
 *   without all that stop it	it succeeds: it is a try
 *   with each of them alone	it is refused: that is one that stops it
 *
 * and for what may not be said: an honest peer ends the session, one that
 * believes everything goes on.
 *
 * usage: driver TABLE PROGRAMS PROFILE SEAT
 *        driver --show TRY PROGRAMS PROFILE SEAT
 */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "stage.h"

#define TRIES_MIN  60
#define LINE_BYTES 512

static const char *const layers[LAYER_COUNT] = {
	[LAYER_INNER] = "inner",       [LAYER_OUTER] = "outer",
	[LAYER_LANDLOCK] = "landlock", [LAYER_RLIMIT] = "rlimit",
	[LAYER_MDWE] = "mdwe",	       [LAYER_IDS] = "ids",
	[LAYER_BOX] = "box",	       [LAYER_NET] = "net",
};

/* Those of try_say.c that have names of their own. */
static const char *const frames[] = {
	"frame-magic",	    "frame-version",	   "frame-type",
	"frame-flags",	    "frame-fds",	   "frame-reserved",
	"frame-gap",	    "frame-high-sequence", "frame-longer",
	"frame-huge",	    "frame-cut",	   "frame-one-byte",
	"frame-trailing",   "frame-empty",	   "frame-oversize",
	"frame-descriptor", "frame-replay",	   "after-result",
	"result-twice",
};

static struct stage stage;
static const struct actor *actor;
static unsigned ran, failed, tries, shown;

static void
report(bool well, const char *name, const char *what, const char *seen)
{
	ran++;
	failed += !well;
	if (well)
		printf("ok %u - %s.%s\n", ran, actor->name, name);
	else
		printf("# %s: %s: %s\nnot ok %u - %s.%s\n", name, what, seen,
		       ran, actor->name, name);
	fflush(stdout);
}

/* "SIGSYS" and the like; anything that is no plain refusal is a failure. */
static bool
refused(const char *outcome)
{
	return outcome[0] == 'E' || strcmp(outcome, "SIGSYS") == 0 ||
	       strcmp(outcome, "SIGXFSZ") == 0 ||
	       strcmp(outcome, "SIGSEGV") == 0;
}

/* A plain chroot has no user namespaces for anybody, root included. */
static bool
user_namespaces(void)
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(unshare(CLONE_NEWUSER) == 0 ? 0 : 1);
	return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

/* The kernel was built without it, or gives it to nobody here. */
static bool
absent(const char *name, const char *outcome)
{
	if (strcmp(name, "clone-user-namespace") == 0 ||
	    strcmp(name, "unshare-user") == 0)
		return strcmp(outcome, "EPERM") == 0 && !user_namespaces();
	return strcmp(outcome, "ENOSYS") == 0 ||
	       strcmp(outcome, "EAFNOSUPPORT") == 0 ||
	       strcmp(outcome, "EPROTONOSUPPORT") == 0;
}

/*
 * SECURITY.md, "Honest limits": in the container profile resolve keeps the
 * machine's root, and Landlock looks neither at stat(2) nor at the connect to
 * a unix socket that everybody may use.
 */
static bool
is_limit(const char *name)
{
	return !stage.full && actor->seat == SEAT_RESOLVE &&
	       (strcmp(name, "stat") == 0 || strcmp(name, "unix-path") == 0);
}

/* One line of the table, for this seat. */
static void
check_try(const char *name, const char *with, unsigned stop, unsigned sure)
{
	const char *seen = stage_try(&stage, actor, name, 0);
	char text[64];

	if (is_limit(name)) {
		report(strcmp(seen, "done") == 0, name, "a limit no more",
		       seen);
		return;
	}
	tries++;
	if (stage.full ? strcmp(seen, with) != 0 : !refused(seen)) {
		report(false, name, "with everything", seen);
		return;
	}
	if (!stage.full) { /* its layers are others: the first line holds */
		report(true, name, "", "");
		return;
	}
	seen = stage_try(&stage, actor, name, stop);
	if (absent(name, seen)) {
		printf("# %s: there is no such thing here (%s)\n", name, seen);
		report(true, name, "", "");
		return;
	}
	if (strcmp(seen, "done") != 0) {
		report(false, name, "without what stops it", seen);
		return;
	}
	shown++;
	for (unsigned l = 0; l < LAYER_COUNT; l++) {
		unsigned others = stop & ~LAYER_BIT(l);

		if ((sure & LAYER_BIT(l)) == 0 || others == 0)
			continue;
		seen = stage_try(&stage, actor, name, others);
		if (refused(seen))
			continue;
		snprintf(text, sizeof(text), "%s alone does not stop it",
			 layers[l]);
		report(false, name, text, seen);
		return;
	}
	report(true, name, "", "");
}

static const char *
say(const char *name, bool naive)
{
	return actor->seat == SEAT_KEEPER
		       ? stage_say_keeper(&stage, actor, name, naive)
		       : stage_say(&stage, actor, name, naive);
}

static void
check_say(const char *name)
{
	const char *seen;

	seen = say(name, false);
	tries++;
	if (strcmp(seen, "PROTOCOL") != 0) {
		report(false, name, "to an honest peer", seen);
		return;
	}
	seen = say(name, true);
	shown += strcmp(seen, "done") == 0;
	report(strcmp(seen, "done") == 0, name, "to a naive peer", seen);
}

/* The other end, and who is tainted from its START on. */
static bool
may_say(const struct msg_row *row, size_t bytes)
{
	bool broker = actor->seat == SEAT_BROKER;
	bool tainted = actor->tainted || actor->seat == SEAT_TLS ||
		       actor->seat == SEAT_INIT || actor->seat == SEAT_UNSEAL;

	return broker ? row->type == MSG_START && bytes == 0
		      : msg_allowed(row->type, actor->seat, SEAT_BROKER, bytes,
				    tainted) == 0;
}

/* A keeper has no channel: none of them, and no byte at all. */
static void
check_keeper(void)
{
	static const char *const told[] = {"told-asked", "told-held",
					   "told-often"};
	char name[64];

	for (size_t i = 0; i < msg_row_count; i++) {
		snprintf(name, sizeof(name), "say-%s", msg_rows[i].name);
		check_say(name);
	}
	for (size_t i = 0; i < sizeof(told) / sizeof(told[0]); i++)
		check_say(told[i]);
}

/* Every row of messages.def: what is not its own, or not so long. */
static void
check_messages(void)
{
	char name[64];

	for (size_t i = 0; i < msg_row_count; i++) {
		const struct msg_row *row = &msg_rows[i];

		snprintf(name, sizeof(name), "say-%s", row->name);
		if (!may_say(row, row->min)) {
			check_say(name);
			continue;
		}
		if (row->min > 0) {
			snprintf(name, sizeof(name), "short-%s", row->name);
			check_say(name);
		}
		if (row->max < MSG_BODY_MAX) {
			snprintf(name, sizeof(name), "long-%s", row->name);
			check_say(name);
		}
		/* an echo is due each time that something was given to store */
		if (row->type == MSG_EVENT || row->type == MSG_NOTE) {
			snprintf(name, sizeof(name), "often-%s", row->name);
			check_say(name);
		}
	}
	for (size_t i = 0; i < sizeof(frames) / sizeof(frames[0]); i++) {
		/* nobody reads what the broker says behind START */
		if (actor->seat == SEAT_BROKER &&
		    strcmp(frames[i], "frame-replay") == 0)
			continue;
		/* it looks like a hang-up, which a store seat may */
		if ((SEATS_STORE & SEAT_BIT(actor->seat)) &&
		    strcmp(frames[i], "frame-empty") == 0)
			continue;
		check_say(frames[i]);
	}
}

/* "all", "offline", "net", "SEAT", each with "!" in front to take it out. */
static bool
names_seat(char *list)
{
	bool net = actor->seat == SEAT_RESOLVE || actor->seat == SEAT_FETCH ||
		   actor->seat == SEAT_KEEPER ||
		   (SEATS_STORE & SEAT_BIT(actor->seat));
	bool in = false;

	for (char *word; (word = strsep(&list, ",")) != NULL;) {
		bool out = word[0] == '!';
		const char *w = word + out;

		if (strcmp(w, "all") == 0 || strcmp(w, actor->name) == 0 ||
		    (net && strcmp(w, "net") == 0) ||
		    (!net && strcmp(w, "offline") == 0))
			in = !out;
	}
	return in;
}

/*
 * "inner,outer,+ids": the set, and which of them are tested alone.  A plus:
 * whether it stops it depends on the machine's settings.
 */
static unsigned
layer_set(char *list, unsigned *out_alone)
{
	unsigned set = 0;

	*out_alone = 0;

	for (char *word; (word = strsep(&list, ",")) != NULL;) {
		bool sure = word[0] != '+';
		unsigned l = 0;

		word += !sure;
		while (l < LAYER_COUNT && strcmp(layers[l], word) != 0)
			l++;
		if (l == LAYER_COUNT) {
			printf("Bail out! no such layer: %s\n", word);
			exit(1);
		}
		set |= LAYER_BIT(l);
		*out_alone |= sure ? LAYER_BIT(l) : 0;
	}
	return set;
}

static void
check_table(const char *path)
{
	FILE *f = fopen(path, "re");
	char line[LINE_BYTES];

	if (!f) {
		printf("Bail out! %s\n", path);
		exit(1);
	}
	while (fgets(line, sizeof(line), f)) {
		char name[64], seats[128], with[32], stop[128];
		unsigned set, alone;

		if (line[0] == '#' || line[0] == '\n')
			continue;
		if (sscanf(line, "%63s %127s %31s %127s", name, seats, with,
			   stop) != 4) {
			printf("Bail out! %s: %s", path, line);
			exit(1);
		}
		if (names_seat(seats)) {
			set = layer_set(stop, &alone);
			check_try(name, with, set, alone);
		}
	}
	fclose(f);
}

/* What each layer alone does to a try: for who writes the table. */
static void
show(const char *name)
{
	const unsigned all = LAYER_BIT(LAYER_COUNT) - 1;

	printf("%s %s with=%s", name, actor->name,
	       stage_try(&stage, actor, name, 0));
	printf(" stop=");
	for (unsigned l = 0; l < LAYER_COUNT; l++)
		if (strcmp(stage_try(&stage, actor, name, all & ~LAYER_BIT(l)),
			   "done") != 0)
			printf("%s,", layers[l]);
	printf(" without=%s\n", stage_try(&stage, actor, name, all));
}

static const struct actor *
find_actor(const char *name)
{
	for (size_t i = 0; i < actor_count; i++)
		if (strcmp(actors[i].name, name) == 0)
			return &actors[i];
	return NULL;
}

int
main(int argc, char **argv)
{
	bool showing = argc == 6 && strcmp(argv[1], "--show") == 0;
	char **args = argv + (showing ? 1 : 0);

	if ((argc != 5 && !showing) || !(actor = find_actor(args[4]))) {
		fprintf(stderr, "usage: driver [--show] TABLE|TRY PROGRAMS "
				"full|container SEAT\n");
		return 2;
	}
	stage_open(&stage, strcmp(args[3], "full") == 0, args[2]);
	if (showing) {
		show(args[1]);
		stage_close(&stage);
		return 0;
	}
	check_table(args[1]);
	if (stage.full && actor->seat == SEAT_KEEPER)
		check_keeper();
	else if (stage.full)
		check_messages();
	stage_close(&stage);
	printf("# %s, %s: %u tries, %u shown to succeed without what stops "
	       "them, %u lines failed\n",
	       actor->name, args[3], tries, shown, failed);
	report(tries >= TRIES_MIN, "at-least-60-tries", "too few tries", "");
	printf("1..%u\n", ran);
	return failed == 0 ? 0 : 1;
}
