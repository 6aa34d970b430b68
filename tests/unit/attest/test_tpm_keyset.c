/* SPDX-License-Identifier: Apache-2.0 */
/* Key sets: every byte is as the form says. */
#include "check.h"
#include "tpm_keyset.h"

static uint8_t s[KEYSET_BYTES];

static void
sample(unsigned threshold, unsigned count, size_t share, const char *token)
{
	uint8_t one[KEYSET_SHARE];

	keyset_begin(s);
	memset(one, 0xab, sizeof(one));
	for (unsigned i = 0; i < count; i++)
		EXPECT(keyset_add(s, one, share) == 0);
	s[0] = (uint8_t)threshold;
	s[2] = (uint8_t)strlen(token);
	memcpy(s + 4, token, strlen(token));
}

CASE(sets_of_all_sizes_are_taken)
{
	for (unsigned count = 1; count <= KEYSET_SHARES; count++) {
		sample(1, count, 33, "");
		EXPECT(keyset_check(s, false) == 0);
		EXPECT(keyset_check(s, true) == ERR_FORMAT);
		sample(count, count, 32, "hvs.token");
		EXPECT(keyset_check(s, true) == 0);
		EXPECT(keyset_check(s, false) == ERR_FORMAT);
	}
}

CASE(numbers_out_of_range_are_refused)
{
	static const uint8_t bad[][3] = {
		{0, 3, 0},   {4, 3, 0},	  {2, 0, 0},   {0, 0, 0},
		{2, 17, 0},  {2, 255, 0}, {255, 3, 0}, {2, 3, 1},
		{2, 3, 129}, {2, 3, 255}, {2, 4, 0},   {2, 2, 0},
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		sample(2, 3, 33, "");
		memcpy(s, bad[i], 3);
		EXPECT(keyset_check(s, bad[i][2] != 0) == ERR_FORMAT);
	}
}

CASE(padding_must_be_zero)
{
	sample(2, 3, 32, "hvs.token");
	EXPECT(keyset_check(s, true) == 0);
	for (size_t at = 0; at < KEYSET_BYTES; at++) {
		size_t in_share = (at - 132) % 34;
		int data = at >= 132 && at < 132 + 3 * 34 && in_share > 0 &&
			   in_share <= 32;
		int token = at >= 4 && at < 13;

		if (data || token || s[at] != 0)
			continue;
		s[at] = 1;
		EXPECT(keyset_check(s, true) == ERR_FORMAT);
		s[at] = 0;
	}
}

CASE(shares_of_other_lengths_are_refused)
{
	static const uint8_t bad[] = {0, 1, 31, 33, 34, 255};

	for (size_t i = 0; i < sizeof(bad); i++)
		for (unsigned n = 0; n < 3; n++) {
			sample(2, 3, 32, "");
			s[132 + 34 * n] = bad[i];
			EXPECT(keyset_check(s, false) == ERR_FORMAT);
		}
}

CASE(tokens_are_printable)
{
	static const char bad[] = "\x01\t\n \x7f\x80\xff";

	for (size_t i = 0; i + 1 < sizeof(bad); i++) {
		sample(2, 3, 33, "hvs.token");
		s[8] = (uint8_t)bad[i];
		EXPECT(keyset_check(s, true) == ERR_FORMAT);
	}
}

CASE(a_dropped_token_is_gone)
{
	sample(2, 3, 33, "hvs.token");
	keyset_drop_token(s);
	EXPECT(keyset_check(s, false) == 0);
	EXPECT(memmem(s, sizeof(s), "hvs", 3) == NULL);
}

CASE(adding_keeps_the_form)
{
	uint8_t one[40] = {1};

	keyset_begin(s);
	EXPECT(keyset_check(s, false) == ERR_FORMAT); /* empty */
	EXPECT(keyset_add(s, one, 31) == ERR_FORMAT);
	EXPECT(keyset_add(s, one, 34) == ERR_FORMAT);
	EXPECT(keyset_add(s, one, 32) == 0);
	EXPECT(keyset_add(s, one, 33) == ERR_FORMAT);
	for (unsigned i = 1; i < KEYSET_SHARES; i++)
		EXPECT(keyset_add(s, one, 32) == 0);
	EXPECT(keyset_add(s, one, 32) == ERR_RANGE);
	EXPECT(keyset_check(s, false) == 0 && s[0] == 16 && s[1] == 16);
}

int
main(void)
{
	return check_run();
}
