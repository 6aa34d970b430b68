/* SPDX-License-Identifier: Apache-2.0 */
/* The length of the operator's JWE. */
#include "../check.h"
#include "jwe_size.h"
#include "msg.h"

CASE(there_is_one_length_for_each_key_and_kind_of_token)
{
	for (size_t m = 256; m <= 512; m++) {
		unsigned fits = 0;

		for (size_t n = 0; n < 2000; n++)
			fits += jwe_size_fits(m, n);
		EXPECT(fits == 2);
		EXPECT(jwe_size_fits(m, jwe_size(m, 26)));
		EXPECT(jwe_size_fits(m, jwe_size(m, 28)));
		EXPECT(!jwe_size_fits(m, jwe_size(m, 27)));
	}
}

CASE(without_a_key_no_length_is_right)
{
	for (size_t n = 0; n < 2000; n++)
		EXPECT(!jwe_size_fits(0, n) && !jwe_size_fits(255, n) &&
		       !jwe_size_fits(513, n));
}

CASE(the_table_holds_the_shortest_and_the_longest)
{
	const struct msg_row *row = msg_row(MSG_JWE);

	EXPECT(row->min == jwe_size(256, 26));
	EXPECT(row->max == jwe_size(512, 28));
}

int
main(void)
{
	return check_run();
}
