/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"
#include "retry.h"

static uint32_t
wait_of(enum remote r, unsigned status, unsigned tries, uint32_t after_s)
{
	struct retry_ask ask = {.remote = r,
				.status = status,
				.tries = tries,
				.after_s = after_s};
	uint32_t ms;

	return retry_later(&ask, &ms) ? ms : 0;
}

CASE(the_metadata_service_may_be_updating)
{
	EXPECT(wait_of(REMOTE_IMDS, 404, 1, 0) == 1000);
	EXPECT(wait_of(REMOTE_IMDS, 410, 1, 0) == 10000);
	EXPECT(wait_of(REMOTE_IMDS, 410, 7, 0) == 10000);
	EXPECT(wait_of(REMOTE_MAA, 404, 1, 0) == 0);
	EXPECT(wait_of(REMOTE_AKV, 404, 1, 0) == 0);
	EXPECT(wait_of(REMOTE_AKV, 410, 1, 0) == 0);
}

CASE(a_refusal_is_final)
{
	static const unsigned no[] = {201, 204, 206, 301, 302,
				      307, 400, 401, 403, 600};

	for (enum remote r = 0; r < REMOTE_BLOB; r++)
		for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++)
			EXPECT(wait_of(r, no[i], 1, 0) == 0);
}

CASE(everybody_is_asked_again_after_429_5xx_and_silence)
{
	static const unsigned later[] = {0, 408, 429, 500, 503, 504, 599};

	for (enum remote r = 0; r < REMOTE_BLOB; r++)
		for (size_t i = 0; i < sizeof(later) / sizeof(later[0]); i++)
			EXPECT(wait_of(r, later[i], 1, 0) >= 1000);
	EXPECT(wait_of(REMOTE_AKV, 409, 1, 0) == 2000);
	EXPECT(wait_of(REMOTE_IMDS, 409, 1, 0) == 0);
}

CASE(waits_double_up_to_their_limit)
{
	EXPECT(wait_of(REMOTE_AKV, 429, 2, 0) == 2000);
	EXPECT(wait_of(REMOTE_AKV, 429, 5, 0) == 16000);
	EXPECT(wait_of(REMOTE_AKV, 429, 4000000000u, 0) == 16000);
	EXPECT(wait_of(REMOTE_MAA, 503, 1, 0) == 5000);
	EXPECT(wait_of(REMOTE_MAA, 503, 3, 0) == 20000);
}

CASE(retry_after_counts_when_it_is_longer)
{
	EXPECT(wait_of(REMOTE_AKV, 429, 1, 7) == 7000);
	EXPECT(wait_of(REMOTE_AKV, 429, 5, 7) == 16000);
	EXPECT(wait_of(REMOTE_AKV, 403, 1, 7) == 0);
}

CASE(jitter_is_upward_and_at_most_a_fifth)
{
	struct retry_ask ask = {
		.remote = REMOTE_AKV, .status = 429, .tries = 1};
	uint32_t ms, least = UINT32_MAX, most = 0;

	for (uint32_t i = 0; i < 1000; i++) {
		ask.random = i * 2654435761u;
		EXPECT(retry_later(&ask, &ms));
		least = ms < least ? ms : least;
		most = ms > most ? ms : most;
	}
	EXPECT(least >= 1000 && least < 1020);
	EXPECT(most <= 1200 && most > 1180);
}

static uint32_t
after(const char *s, int64_t now)
{
	return retry_after(s, strlen(s), now);
}

CASE(retry_after_in_seconds)
{
	EXPECT(after("0", 0) == 0);
	EXPECT(after("10", 0) == 10);
	EXPECT(after(" 10 \r\n", 0) == 10);
	EXPECT(after("999999999", 0) == RETRY_AFTER_MAX);
	EXPECT(after("9999999999", 0) == RETRY_AFTER_MAX);
	EXPECT(after("99999999999999999999999999", 0) == RETRY_AFTER_MAX);
	EXPECT(after("999999999x", 0) == 0);
	EXPECT(after("-1", 0) == 0);
	EXPECT(after("1.5", 0) == 0);
	EXPECT(after("", 0) == 0);
	EXPECT(after(" \r\n", 0) == 0);
}

CASE(retry_after_as_a_date)
{
	/* RFC 9110 5.6.7 has this date; it is 784111777 */
	EXPECT(after("Sun, 06 Nov 1994 08:49:37 GMT", 784111777 - 30) == 30);
	EXPECT(after("Sun, 06 Nov 1994 08:49:37 GMT", 784111777) == 0);
	EXPECT(after("Sun, 06 Nov 1994 08:49:37 GMT", 784111777 + 30) == 0);
	EXPECT(after("Sun, 06 Nov 1994 08:49:37 GMT", 0) == RETRY_AFTER_MAX);
	/* leap days: 951782400 is 2000-02-29, 951868800 2000-03-01 */
	EXPECT(after("Tue, 29 Feb 2000 00:00:00 GMT", 951782399) == 1);
	EXPECT(after("Wed, 01 Mar 2000 00:00:00 GMT", 951868799) == 1);
	/* 4107542400 is 2100-03-01, a year without one */
	EXPECT(after("Mon, 01 Mar 2100 00:00:00 GMT", 4107542399) == 1);
	EXPECT(after("Thu, 01 Jan 1970 00:00:02 GMT", 1) == 1);
}

CASE(retry_after_that_is_no_date_is_nothing)
{
	EXPECT(after("Sun, 06 Now 1994 08:49:37 GMT", 0) == 0);
	EXPECT(after("Sun, 06 Nov 1994 08:49:37 UTC", 0) == 0);
	EXPECT(after("Sun, 00 Nov 1994 08:49:37 GMT", 0) == 0);
	EXPECT(after("Sun, 06 Nov 1969 08:49:37 GMT", 0) == 0);
	EXPECT(after("Sun, 06 Nov 1994 24:49:37 GMT", 0) == 0);
	EXPECT(after("Sunday, 06-Nov-94 08:49:37 GMT", 0) == 0);
	EXPECT(after("Sun Nov  6 08:49:37 1994     ", 0) == 0);
}

CASE(a_date_is_an_imf_fixdate_and_nothing_else)
{
	static const char *const no[] = {"", "784111777",
					 "Sun, 06 Nov 1994 08:49:37 UTC",
					 "Sunday, 06-Nov-94 08:49:37 GMT",
					 "Sun, 06 Nov 1994 08:49:37 GMTx"};
	static const char line[] = " Sun, 06 Nov 1994 08:49:37 GMT\r\n";
	uint64_t s = 0;

	EXPECT(retry_date(line, strlen(line), &s) == 0 && s == 784111777);
	for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++)
		EXPECT(retry_date(no[i], strlen(no[i]), &s) == ERR_FORMAT);
}

int
main(void)
{
	return check_run();
}
