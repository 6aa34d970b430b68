/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The supervisor's one loop: waits for exits (pidfds), locks (ready pipes
 * hanging up), signals, the server's notifications and deadlines.  Reads no
 * byte from a child.
 */
#ifndef SP_WAIT_H
#define SP_WAIT_H

#include "reap.h"
#include "sup.h"

/* Blocks every signal and opens the signalfd.  Returns 0 or ERR_SYS. */
CHECKED int wait_setup(struct sup *s);

typedef bool wait_done(const struct sup *s, const void *arg);

/*
 * Waits until done() says so.  Returns 0; ERR_TIMEOUT after `seconds` (0: no
 * limit); ERR_REFUSED when a child failed (s->fail_code, s->fail_seat say
 * which: the most telling of those that failed together) or a signal asked
 * us to stop (EXIT_INTERRUPTED).
 */
CHECKED int wait_for(struct sup *s, wait_done *done, const void *arg,
		     unsigned seconds);

/* Waits for the exits of a set of seats. */
CHECKED int wait_exits(struct sup *s, uint32_t seats, unsigned seconds);

/*
 * Waits until a set of seats is locked, checks each at the gate.  Returns 0
 * or as wait_for.
 */
CHECKED int wait_locked(struct sup *s, uint32_t seats, unsigned seconds);

/*
 * Something failed: lets others fail with it for a moment, so that the cause
 * is named.  Returns ERR_REFUSED.
 */
CHECKED int wait_settle(struct sup *s);

/*
 * For waits without a deadline: was the process stopped by a signal?  It will
 * do nothing until somebody lets it go on.  Said, and recorded as a failure.
 */
bool wait_stands_still(struct sup *s, enum seat seat);

/* Waits for one exit, deaf to signals and failures: for an orderly end. */
void wait_gone(struct sup *s, enum seat seat, unsigned seconds);

/*
 * Kills and reaps a set of seats, mostly within milliseconds.  Returns 0, or
 * ERR_TIMEOUT after it said whom the kernel does not let go; they stay alive
 * here, and nothing may begin that begins on their reaped exit.
 */
CHECKED int wait_kill(struct sup *s, uint32_t seats);

/*
 * A signal asked us to end, and nothing is lost by it (s->hold), or what
 * would be could not be saved in time.
 */
bool stopping(const struct sup *s);

/* True while the process exists. */
bool child_alive(const struct child *c);

#endif
