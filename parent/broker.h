/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The broker's session machine: what each worker may say when, what becomes
 * of it, and what the supervisor's go bytes allow.  It decides by tables
 * (broker_table.c), looks at no body but those that are addressed to itself
 * (EVENT, NOTE, ECHO, RESULT), and does no input or output: what it wants done
 * goes through broker_out.h, so tests and the fuzzer walk it without sockets.
 */
#ifndef SP_PARENT_BROKER_H
#define SP_PARENT_BROKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "broker_keep.h"
#include "err.h"
#include "msg.h"
#include "seat.h"

enum bstate {
	B_WAIT,	  /* nothing yet: not started, or not locked */
	B_GO,	  /* passed the gate, has not said LOCKED */
	B_LOCKED, /* said LOCKED, has not passed the gate */
	B_RUN,	  /* got START */
	B_DONE,	  /* said RESULT */
	B_GONE,	  /* hung up */
	B_STATE_COUNT
};

#define B_IN(state) (1u << B_##state)

enum baction {
	A_LOCKED, /* START, if the gate was passed */
	A_RESULT,
	A_EVENT,
	A_NOTE,
	A_KEEP,	 /* until its time */
	A_RELAY, /* to the one receiver of the row, once that runs */
	A_ECHO,	 /* compare with what was given to store */
};

/* One line of the session's table. */
struct brule {
	uint16_t type;
	enum baction action;
	unsigned states; /* of the sender: B_IN() */
	unsigned most;	 /* how often one sender may say it; 0: any time */
	uint16_t after;	 /* type that the session must have seen, or 0 */
	uint32_t to;	 /* A_RELAY: the one receiver */
};

extern const struct brule broker_rules[];
extern const size_t broker_rule_count;

struct bseat {
	enum bstate state;
	bool tainted;
	bool echo_due; /* a store seat has something to give back */
	uint8_t said[MSG_TYPE_MAX + 1]; /* how often, by type */
};

struct broker {
	struct bseat seats[SEAT_COUNT];
	struct keep keep;
	uint32_t seen;	      /* session: bit per type, MSG_TYPE_MAX < 32 */
	bool opened;	      /* GO_OPEN was carried out */
	bool storing;	      /* a store seat started: no deadline any more */
	bool ended;	      /* GO_END */
	unsigned unequal;     /* echoes of something else */
	uint32_t jwe_modulus; /* bytes; what size a JWE has; 0: none may come */
	bool hurt;	      /* a started seat hung up without RESULT */
	const char *why;      /* of the last ERR_PROTO */
};

/* Starts a session; cannot fail. */
void broker_init(struct broker *b);

/* Returns the rule of a type, or NULL: nobody may say that to the broker. */
const struct brule *broker_rule(unsigned type);

/* Returns "wait", "go", "locked", "run", "done" or "gone". */
const char *broker_state_name(enum bstate state);

/*
 * One frame of a worker.  Returns 0; ERR_PROTO (with b->why) when the tables
 * do not allow it, which ends the session; or what broker_out() failed with.
 */
CHECKED int broker_frame(struct broker *b, enum seat from, unsigned type,
			 const uint8_t *body, size_t bytes);

/*
 * A worker hung up.  Returns 0, with b->hurt set when it was running; ERR_PROTO
 * when it had hung up before.
 */
CHECKED int broker_hangup(struct broker *b, enum seat seat);

/* One byte of the go pipe (go.h).  Returns as broker_frame. */
CHECKED int broker_go(struct broker *b, uint8_t byte);

#endif
