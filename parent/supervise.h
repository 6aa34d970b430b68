/* SPDX-License-Identifier: Apache-2.0 */
/* After READY: signals, the server's exit, rotation; and the last word. */
#ifndef SP_SUPERVISE_H
#define SP_SUPERVISE_H

#include "sup.h"

/* Zeroes the state: no descriptor open, nobody alive. */
void sup_init(struct sup *s, struct conf *conf);

/* Opens /dev/null, close-on-exec; -1 on failure. */
int open_null(void);

/* The line that tells the world, after each boot of the server. */
void say_ready(const struct sup *s);

/* Says READY and stays until the end.  Returns the exit code. */
int supervise(struct sup *s);

/* Says what happened and what to do, from the table of exit codes. */
void report_end(int code);

#endif
