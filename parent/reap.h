/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ends of processes: reaped, judged against the table of exit codes, said.
 * The first failure of a session stays, unless a more telling one follows.
 */
#ifndef SP_REAP_H
#define SP_REAP_H

#include "sup.h"

/* Reaps a child whose pidfd says that it ended. */
void reap_seat(struct sup *s, enum seat seat);

/* Reaps orphans: without a pid namespace they come to us (subreaper). */
void reap_orphans(const struct sup *s);

/*
 * How telling a failure is, 1 to 4: a worker's own word counts for more than
 * the broker's, a death most; the server's too, of which control may notice
 * and say first that its answer is not what it must be.
 */
int fail_weight(int code, enum seat seat);

/* Records the first failure of a session. */
void fail_with(struct sup *s, int code, enum seat seat);

/*
 * The exit code that the end of the server means, which nobody asked for:
 * FILTER, SERVER_EXIT; before its READY=1 also LOCK or SERVER_GONE.
 */
int server_end(const struct sup *s);

#endif
