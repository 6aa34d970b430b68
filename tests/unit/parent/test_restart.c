/* SPDX-License-Identifier: Apache-2.0 */
/* When a server is booted again, for every exit code there is. */
#include "../check.h"
#include "exit.h"
#include "rest.h"

CASE(only_what_the_machine_or_a_service_may_mend_is_tried_again)
{
	static const int mends[] = {
		EXIT_DEADLINE,	  EXIT_RESOLVE,	   EXIT_IMDS,
		EXIT_MAA_AWAY,	  EXIT_AKV_AWAY,   EXIT_SERVER_EXIT,
		EXIT_SERVER_SLOW, EXIT_PORT_TAKEN, EXIT_UID_BUSY,
	};

	for (size_t i = 0; i < exit_row_count; i++) {
		bool want = false;

		for (size_t k = 0; k < sizeof(mends) / sizeof(mends[0]); k++)
			want = want || mends[k] == exit_rows[i].code;
		EXPECT(restart_mends(exit_rows[i].code) == want);
	}
}

CASE(nothing_is_tried_again_after_a_filter_a_gate_or_a_broken_rule)
{
	EXPECT(!restart_mends(EXIT_FILTER));
	EXPECT(!restart_mends(EXIT_CRASH));
	EXPECT(!restart_mends(EXIT_GATE));
	EXPECT(!restart_mends(EXIT_PROTOCOL));
	EXPECT(!restart_mends(EXIT_STATE));
	EXPECT(!restart_mends(EXIT_PROOF));
	EXPECT(!restart_mends(EXIT_PIN));
	EXPECT(!restart_mends(EXIT_TPM_LOCKOUT));
	EXPECT(!restart_mends(EXIT_INTERRUPTED));
}

CASE(pauses_double_up_to_the_longest)
{
	static const unsigned want[] = {1, 2, 4, 8, 16, 32, 60, 60};

	for (unsigned i = 0; i < sizeof(want) / sizeof(want[0]); i++)
		EXPECT(restart_pause(i, 60) == want[i]);
	EXPECT(restart_pause(100, 86400) == 86400);
	EXPECT(restart_pause(0, 1) == 1);
	EXPECT(restart_pause(7, 1) == 1);
}

int
main(void)
{
	return check_run();
}
