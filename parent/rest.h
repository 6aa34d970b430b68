/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What happens after READY, each a session of its own while the public life
 * goes on: rotation, the question for a newer certificate, a look; and the
 * server's boot anew.  None of them ends the server but where it says so.
 */
#ifndef SP_REST_H
#define SP_REST_H

#include "sup.h"

/*
 * Fetches the TLS identity and has it served (P10).  A server that does not
 * take it is stopped and booted again.  `why` begins the line that says so.
 * Returns 0 (a server that ended meanwhile is the caller's to see), or the
 * exit code to end with, said; the server is then stopped.
 */
CHECKED int rotate(struct sup *s, const char *why);

/*
 * Asks the key vault whether a newer certificate or password is stored, with
 * nothing released (P10), and rotates if so.  Returns as rotate().
 */
CHECKED int poll_certificate(struct sup *s);

/*
 * Control's look at the running server.  Sealed from outside, it is unsealed
 * where look_interval is set, and is said to stay sealed where it is not.  A
 * server that is not initialised any more is stopped.  Returns as rotate().
 */
CHECKED int look_again(struct sup *s);

/*
 * Boots the server again that ended with this exit code, after a pause that
 * grows; at_once: without one, whatever the limit.  Returns 0 when it is
 * READY, or the exit code to end with: that of a failure that will not mend
 * itself, or of the last one within the limit; EXIT_INTERRUPTED after a signal.
 */
CHECKED int restart(struct sup *s, int why, bool at_once);

/* Says whether a boot that failed with this code is tried again. */
bool restart_mends(int code);

/* Seconds before the boot that follows `before` others within the window. */
unsigned restart_pause(unsigned before, unsigned longest);

#endif
