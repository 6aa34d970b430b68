/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where tries are made: namespaces of the driver's own, a server to attack,
 * files and listeners, and hostile workers started by the supervisor's own
 * code (parent/spawn.c, confine.c, seats.c).
 */
#ifndef SP_TEST_EVIL_STAGE_H
#define SP_TEST_EVIL_STAGE_H

#include <stdbool.h>

#include "evil.h"
#include "sup.h"

struct stage {
	struct sup sup;
	bool full;	      /* profile */
	const char *programs; /* directory of the evil-* programs */
	char dir[32];
	pid_t server;
	int server_fd;
	int memfd, file, stream, seq, pipe; /* for the seats' descriptors */
};

/* A seat as the table names it: "tainted" is the tpm with its key. */
struct actor {
	const char *name;
	enum seat seat;
	bool tainted;
};

extern const struct actor actors[];
extern const size_t actor_count;

/* Ends the program with a message when it cannot be set up. */
void stage_open(struct stage *st, bool full, const char *programs);
void stage_close(struct stage *st);

/*
 * Makes one try; the outcome is "done", "SIGSYS" (or another signal), an
 * errno's name, or what went wrong.
 */
const char *stage_try(struct stage *st, const struct actor *a, const char *name,
		      unsigned without);

/*
 * Says one thing to an honest peer (the broker; to a broker: resolve), or,
 * naive, to one that believes everything.  The outcome is "done" when the
 * peer goes on and ends well, "PROTOCOL" when it ends the session.
 */
const char *stage_say(struct stage *st, const struct actor *a, const char *name,
		      bool naive);

/* --- shared by stage.c and stage_say.c */

struct child_spec {
	const struct actor *actor;
	const char *program; /* NULL: the installed, honest one */
	const char *order;   /* the variable EVIL; NULL: none */
	unsigned without;
	int broker;	    /* its socket to the broker, or the go pipe */
	const int *workers; /* broker: its ends of the workers' sockets */
	const int *told;    /* keeper: where it says its words */
};

/* It has a go pipe in the place of a socket to the broker. */
bool stage_has_go(enum seat seat);
/* stage_say() of a keeper: its peer is the supervisor's own code. */
const char *stage_say_keeper(struct stage *st, const struct actor *a,
			     const char *name, bool naive);
/* Starts it; the child is st->sup.child[seat].  Returns 0 or -1. */
int stage_spawn(struct stage *st, const struct child_spec *c);
/* Waits until it is locked; false: it is gone, or 10 s have passed. */
bool stage_locked(struct stage *st, enum seat seat);
/* Waits for its end; returns the wait status, -1: killed after 10 s. */
int stage_reap(struct stage *st, enum seat seat);
/* The order for one try. */
void stage_order(const struct stage *st, const struct actor *a,
		 const char *name, unsigned without, char *out, size_t cap);

#endif
