/* SPDX-License-Identifier: Apache-2.0 */
/* After READY: signals, the server's exit, rotation; and the last word. */
#ifndef SP_SUPERVISE_H
#define SP_SUPERVISE_H

#include "sup.h"

/* Zeroes the state: no descriptor open, nobody alive. */
void sup_init(struct sup *s, struct conf *conf);

/* Opens /dev/null, close-on-exec; -1 on failure. */
int open_null(void);

/*
 * A descriptor of standard error that does not block, where it is a pipe or a
 * socket (a socket is then so for all who have it): the server writes into it
 * too, and may fill it.  Else, and on failure, 2 itself.
 */
int open_log(void);

/* The line that tells the world, after each boot of the server. */
void say_ready(const struct sup *s);

/* Says READY and stays until the end.  Returns the exit code. */
int supervise(struct sup *s);

/* Says what happened and what to do, from the table of exit codes. */
void report_end(int code);

#endif
