/* SPDX-License-Identifier: Apache-2.0 */
/* The table of exit codes as data. */
#include "exit.h"

#define S(seat) SEAT_BIT(SEAT_##seat)

const struct exit_row exit_rows[] = {
#define X(name, code, who, what, todo) {(code), #name, (who), (what), (todo)},
#include "exit.def"
#undef X
};

const size_t exit_row_count = sizeof(exit_rows) / sizeof(exit_rows[0]);

const struct exit_row *
exit_row(int code)
{
	for (size_t i = 0; i < exit_row_count; i++)
		if (exit_rows[i].code == code)
			return &exit_rows[i];
	return NULL;
}

bool
exit_allowed(int code, enum seat seat)
{
	const struct exit_row *row = exit_row(code);

	return row && seat < SEAT_COUNT && (row->who & SEAT_BIT(seat));
}
