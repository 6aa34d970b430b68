/* SPDX-License-Identifier: Apache-2.0 */
#include "../check.h"
#include "exit.h"

CASE(no_code_stands_twice_and_all_fit_a_status)
{
	for (size_t i = 0; i < exit_row_count; i++) {
		EXPECT(exit_row(exit_rows[i].code) == &exit_rows[i]);
		EXPECT(exit_rows[i].code >= 0 && exit_rows[i].code < 126);
	}
}

CASE(every_failure_says_what_to_do)
{
	for (size_t i = 0; i < exit_row_count; i++) {
		EXPECT(exit_rows[i].what[0] != '\0');
		if (exit_rows[i].code < 100)
			EXPECT(exit_rows[i].todo[0] != '\0');
	}
}

CASE(outcomes_belong_to_one_seat)
{
	for (size_t i = 0; i < exit_row_count; i++)
		if (exit_rows[i].code >= 100)
			EXPECT(__builtin_popcount(exit_rows[i].who) == 1);
	EXPECT(exit_allowed(EXIT_F_BUNDLE, SEAT_FETCH));
	EXPECT(!exit_allowed(EXIT_F_BUNDLE, SEAT_TPM));
	EXPECT(exit_allowed(EXIT_T_FRESH, SEAT_TPM));
	EXPECT(!exit_allowed(EXIT_T_FRESH, SEAT_UNSEAL));
}

CASE(what_the_supervisor_sees_no_worker_may_say)
{
	static const int own[] = {EXIT_USAGE, EXIT_CONFIG,    EXIT_PLATFORM,
				  EXIT_GATE,  EXIT_FILTER,    EXIT_CRASH,
				  EXIT_STATE, EXIT_STORE_LOST};

	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		for (unsigned s = 0; s < SEAT_COUNT; s++)
			EXPECT(!exit_allowed(own[i], (enum seat)s));
}

CASE(every_worker_may_end_well_or_for_a_common_reason)
{
	for (unsigned s = SEAT_BROKER; s <= SEAT_UNSEAL; s++) {
		EXPECT(exit_allowed(EXIT_OK, (enum seat)s));
		EXPECT(exit_allowed(EXIT_PROTOCOL, (enum seat)s));
		EXPECT(exit_allowed(EXIT_LOCK, (enum seat)s));
	}
}

CASE(unknown_codes_and_seats_are_refused)
{
	EXPECT(exit_row(-1) == NULL);
	EXPECT(exit_row(126) == NULL);
	EXPECT(!exit_allowed(126, SEAT_TPM));
	EXPECT(!exit_allowed(EXIT_OK, SEAT_COUNT));
	EXPECT(!exit_allowed(EXIT_OK, (enum seat)(32 + SEAT_TPM)));
}

int
main(void)
{
	return check_run();
}
