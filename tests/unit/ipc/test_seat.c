/* SPDX-License-Identifier: Apache-2.0 */
#include "../check.h"
#include "seat.h"

CASE(every_seat_has_a_name_of_its_own)
{
	for (unsigned a = 0; a < SEAT_COUNT; a++) {
		EXPECT(seat_name(a) && seat_name(a)[0] != '?');
		for (unsigned b = 0; b < a; b++)
			EXPECT(strcmp(seat_name(a), seat_name(b)) != 0);
	}
}

CASE(a_number_out_of_range_is_a_question_mark)
{
	EXPECT(strcmp(seat_name(SEAT_COUNT), "?") == 0);
	EXPECT(strcmp(seat_name(~0u), "?") == 0);
}

CASE(names_belong_to_their_numbers)
{
	EXPECT(strcmp(seat_name(SEAT_SUPERVISOR), "supervisor") == 0);
	EXPECT(strcmp(seat_name(SEAT_TPM), "tpm") == 0);
	EXPECT(strcmp(seat_name(SEAT_STORE3), "store3") == 0);
	EXPECT(strcmp(seat_name(SEAT_SERVER), "server") == 0);
}

CASE(supervisor_broker_and_server_are_no_workers)
{
	EXPECT(!(SEATS_WORKER & SEAT_BIT(SEAT_SUPERVISOR)));
	EXPECT(!(SEATS_WORKER & SEAT_BIT(SEAT_BROKER)));
	EXPECT(!(SEATS_WORKER & SEAT_BIT(SEAT_SERVER)));
	for (unsigned s = SEAT_RESOLVE; s <= SEAT_UNSEAL; s++)
		EXPECT(SEATS_WORKER & SEAT_BIT(s));
}

int
main(void)
{
	return check_run();
}
