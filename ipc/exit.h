/* SPDX-License-Identifier: Apache-2.0 */
/* The table of exit codes (exit.def) as data. */
#ifndef SP_EXIT_H
#define SP_EXIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "seat.h"

enum exit_code {
#define X(name, code, who, what, todo) EXIT_##name = (code),
#include "exit.def"
#undef X
};

struct exit_row {
	int code;
	const char *name; /* "ATTEST" */
	uint32_t who;
	const char *what;
	const char *todo;
};

extern const struct exit_row exit_rows[];
extern const size_t exit_row_count;

/* Returns the row of a code, or NULL if there is none. */
const struct exit_row *exit_row(int code);
/* Says whether that seat may exit with that code. */
bool exit_allowed(int code, enum seat seat);

#endif
