/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One life of one worker: the supervisor's own code starts it (parent/spawn.c,
 * confine.c, gate.c, session.c), this side plays broker and peers on its
 * sockets.  Each call returns 0, or a negative enum err after which the life
 * is over and r->why may hold a sentence; rig_failed() makes a finding of it.
 */
#ifndef SP_CHECK_RIG_H
#define SP_CHECK_RIG_H

#include <limits.h>

#include "channel.h"
#include "fixture.h"
#include "kill.h"
#include "report.h"
#include "session.h"
#include "spawn.h"
#include "sup.h"

#define LIFE_S 60u /* seconds that one life may take, on a slow machine too */

struct rig {
	struct sup s; /* first: the supervisor's hooks get this alone */
	struct conf conf;
	struct session x;
	struct fixture f;
	struct traced *traced;
	int log_fd;	 /* memfd: the log lines of all that runs here */
	size_t log_at;	 /* read so far */
	uint64_t end_ns; /* when this life must be over */
	enum seat seat;
	bool open; /* a session is */
	bool let_speak;
	const char *step;     /* where in its life the worker is */
	const char *did;      /* what a role that passed did; NULL: as always */
	bool dns;	      /* a name server of ours answers */
	char why[300];	      /* what was wrong, if it is known */
	char note[256];	      /* the last NOTE of the worker */
	struct channel ch;    /* the broker's end */
	int give[SPAWN_FDS];  /* what the child gets as n; -1: nothing */
	bool ours[SPAWN_FDS]; /* and whether we close it after the spawn */
	uint8_t packet[MSG_MAX];
};

/* Makes the session; rig_give() comes after it and before rig_start(). */
CHECKED int rig_open(struct rig *r, enum seat seat);
/* Descriptor n of the child; ours: closed here after the spawn. */
void rig_give(struct rig *r, int n, int fd, bool ours);
/* Spawns it, passes it through the gate, says START. */
CHECKED int rig_start(struct rig *r);
/* Names the step that begins now. */
void rig_step(struct rig *r, const char *step);
/* Says something to the worker as the broker. */
CHECKED int rig_send(struct rig *r, unsigned type, const void *body,
		     size_t bytes);
/* Waits for a message to the broker; NOTEs and EVENTs are passed over. */
CHECKED int rig_expect(struct rig *r, unsigned type, struct frame *out);
/* The same for whatever comes (RESULT is an end: ERR_EOF). */
CHECKED int rig_any(struct rig *r, struct frame *out);
/* From now on until the end, what the worker says is passed over. */
void rig_let_speak(struct rig *r);
/* Waits for the worker's end with that code, and closes the session. */
CHECKED int rig_end(struct rig *r, int code);

/*
 * Plays tpm for a receiver: takes its public key, seals plain to it.
 */
CHECKED int rig_seal(struct rig *r, enum direct d, unsigned type,
		     const void *plain, size_t bytes);

/* Waits for one frame of any channel. */
CHECKED int rig_recv(struct rig *r, struct channel *c, unsigned type,
		     struct frame *out);

/* Sets r->why; returns ERR_MISMATCH. */
CHECKED int rig_wrong(struct rig *r, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* The last log line since the last call, without its time; "" for none. */
void rig_log(struct rig *r, char *out, size_t cap);

/* What became of the life that failed; kills and closes what is left. */
void rig_failed(struct rig *r, struct finding *f);
/* Kills and closes what is left. */
void rig_close(struct rig *r);

/* The lives, one per role.  Each returns 0 or a negative enum err. */
int role_broker(struct rig *r);
int role_resolve(struct rig *r);
int role_https(struct rig *r);
int role_keeper(struct rig *r);
int role_verify(struct rig *r);
int role_tpm(struct rig *r);
int role_prepare(struct rig *r);
int role_control(struct rig *r);
int role_exec(struct rig *r);

#endif
