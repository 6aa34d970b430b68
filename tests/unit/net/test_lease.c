/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "check.h"
#include "exit.h"
#include "lease.h"

#define T 60000u /* the lease */

static struct lease
fresh(void)
{
	static const struct net_conf c = {.lease_s = 60, .retry_ms = 5000};
	struct lease l;

	lease_init(&l, &c, 1000);
	return l;
}

static struct lease
held(uint64_t sent)
{
	struct lease l = fresh();

	lease_answer(&l, LEASE_DONE, sent, sent + 500, 0);
	return l;
}

CASE(asks_for_the_lease_first)
{
	struct lease l = fresh();

	EXPECT(l.op == LEASE_ACQUIRE && l.due_ms == 1000 && !l.held);
}

CASE(makes_the_blob_only_where_there_is_none)
{
	struct lease l = fresh();

	lease_answer(&l, LEASE_NO_BLOB, 1000, 1100, 0);
	EXPECT(l.op == LEASE_CREATE && l.due_ms == 1100 && l.code == 0);
	lease_answer(&l, LEASE_DONE, 1100, 1200, 0);
	EXPECT(l.op == LEASE_ACQUIRE && l.due_ms == 1200 && !l.held);
}

CASE(a_blob_that_is_gone_again_is_not_made_over_and_over)
{
	struct lease l = fresh();
	unsigned asked = 0;

	/* "there is none" and "there is one already" for ever */
	for (uint64_t now = 1000; l.code == 0 && asked < 8; now = l.due_ms) {
		asked++;
		lease_answer(&l,
			     l.op == LEASE_CREATE ? LEASE_DONE : LEASE_NO_BLOB,
			     now, now + 1, 0);
	}
	EXPECT(l.code == EXIT_STORAGE_AWAY);
}

CASE(waits_as_long_as_it_is_told_unless_it_holds)
{
	struct lease l = fresh();

	l.after_s = 2;
	lease_answer(&l, LEASE_LATER, 1000, 1100, 0);
	EXPECT(l.code == 0 && l.due_ms == 3100);
	lease_answer(&l, LEASE_LATER, 3100, 3200, 0);
	EXPECT(l.code == 0 && l.due_ms == 5200); /* as ever */
	l.after_s = 3600;
	lease_answer(&l, LEASE_LATER, 5200, 5300, 0);
	EXPECT(l.code == EXIT_STORAGE_AWAY);
	l = held(10000);
	l.after_s = 3600;
	lease_answer(&l, LEASE_LATER, 25000, 25100, 0);
	EXPECT(l.code == 0 && l.due_ms == 25100 + T / 32);
}

CASE(counts_from_when_the_call_was_sent)
{
	struct lease l = held(10000);

	EXPECT(l.held && l.op == LEASE_RENEW && l.sent_ms == 10000);
	EXPECT(l.due_ms == 10000 + T / 4);
	EXPECT(lease_late(&l, 10000 + T / 3 * 2 - 1) == 0);
	EXPECT(lease_late(&l, 10000 + T / 3 * 2) == EXIT_LEASE_LOST);
	EXPECT(lease_end_ms(&l) == 10000 + T / 4 * 3);
}

CASE(is_gone_before_anybody_else_can_have_it)
{
	struct lease l = held(10000);

	/* its own word, then the kernel's, then the service's */
	EXPECT(lease_late(&l, lease_end_ms(&l)) == EXIT_LEASE_LOST);
	EXPECT(lease_end_ms(&l) < 10000 + T);
	/* no call outlasts its own word */
	for (uint64_t now = 10000; now < 10000 + T / 3 * 2; now += 500)
		EXPECT(now + lease_call_ms(&l, now) <= 10000 + T / 3 * 2);
	EXPECT(lease_call_ms(&l, 10000 + T) == 1);
}

CASE(failures_are_borne_for_a_while)
{
	struct lease l = held(10000);
	uint64_t now = 25000;

	while (l.code == 0 && now < 10000 + T) {
		lease_answer(&l, LEASE_LATER, now, now + 100, 0);
		EXPECT(l.code != 0 || l.due_ms > now);
		now = l.due_ms;
	}
	EXPECT(l.code == EXIT_LEASE_LOST);
	EXPECT(now >= 10000 + T / 3 * 2 - 2000 && now < 10000 + T / 4 * 3);
}

CASE(a_late_answer_is_none)
{
	struct lease l = held(10000);

	/* sent in time, answered when the time of the new lease is over */
	lease_answer(&l, LEASE_DONE, 25000, 25000 + T / 3 * 2, 0);
	EXPECT(l.code == EXIT_LEASE_LOST);
}

CASE(what_somebody_else_holds_is_lost_at_once)
{
	struct lease l = held(10000);

	lease_answer(&l, LEASE_NOT_OURS, 25000, 25100, 0);
	EXPECT(l.code == EXIT_LEASE_LOST);
}

CASE(waits_for_others_for_ever)
{
	struct lease l = fresh();
	uint64_t now = 1000;

	for (int i = 0; i < 10000; i++) {
		lease_answer(&l, LEASE_OTHERS, now, now + 10, (uint32_t)i);
		EXPECT(l.code == 0 && l.others && !l.held);
		EXPECT(l.due_ms >= now + T / 8 && l.due_ms < now + T / 4);
		now = l.due_ms;
	}
}

CASE(no_right_is_final_as_the_first_word_alone)
{
	struct lease l = fresh();

	lease_answer(&l, LEASE_DENIED, 1000, 1100, 0);
	EXPECT(l.code == EXIT_LEASE_DENIED);
	l = fresh();
	lease_answer(&l, LEASE_OTHERS, 1000, 1100, 0);
	lease_answer(&l, LEASE_DENIED, 9000, 9100, 0);
	EXPECT(l.code == 0);
	lease_answer(&l, LEASE_DENIED, 15000, 15100, 0);
	EXPECT(l.code == EXIT_STORAGE_AWAY);
	l = held(10000);
	lease_answer(&l, LEASE_DENIED, 25000, 25100, 0);
	EXPECT(l.code == 0 && l.held);
}

CASE(remembers_an_acquire_that_was_not_answered)
{
	struct lease l = fresh();

	lease_answer(&l, LEASE_LATER, 1000, 1100, 0);
	EXPECT(l.maybe);
	lease_answer(&l, LEASE_OTHERS, 3000, 3100, 0);
	EXPECT(!l.maybe);
}

struct row {
	enum lease_op op;
	unsigned status;
	const char *code;
	enum lease_said said;
};

CASE(reads_what_the_service_answers)
{
	static const struct row rows[] = {
		{LEASE_ACQUIRE, 201, "", LEASE_DONE},
		{LEASE_RENEW, 200, "", LEASE_DONE},
		{LEASE_RELEASE, 200, "", LEASE_DONE},
		{LEASE_CREATE, 201, "", LEASE_DONE},
		/* a success that is not its own is none */
		{LEASE_ACQUIRE, 200, "", LEASE_LATER},
		{LEASE_ACQUIRE, 202, "", LEASE_LATER},
		{LEASE_RENEW, 201, "", LEASE_LATER},
		{LEASE_CREATE, 200, "", LEASE_LATER},
		{LEASE_ACQUIRE, 409, "LeaseAlreadyPresent", LEASE_OTHERS},
		{LEASE_ACQUIRE, 409, "leasealreadypresent", LEASE_LATER},
		{LEASE_ACQUIRE, 412, "LeaseAlreadyPresent", LEASE_LATER},
		{LEASE_ACQUIRE, 409, "", LEASE_LATER},
		{LEASE_ACQUIRE, 404, "BlobNotFound", LEASE_NO_BLOB},
		{LEASE_ACQUIRE, 404, "ContainerNotFound", LEASE_DENIED},
		{LEASE_ACQUIRE, 404, "", LEASE_DENIED},
		{LEASE_CREATE, 404, "ContainerNotFound", LEASE_DENIED},
		{LEASE_CREATE, 409, "BlobAlreadyExists", LEASE_DONE},
		{LEASE_CREATE, 412, "LeaseIdMissing", LEASE_DONE},
		{LEASE_RENEW, 404, "BlobNotFound", LEASE_NOT_OURS},
		{LEASE_RENEW, 409, "LeaseIdMismatchWithLeaseOperation",
		 LEASE_NOT_OURS},
		{LEASE_RENEW, 412, "", LEASE_NOT_OURS},
		{LEASE_ACQUIRE, 401, "", LEASE_TOKEN},
		{LEASE_ACQUIRE, 403, "", LEASE_DENIED},
		{LEASE_RENEW, 403, "", LEASE_DENIED},
		{LEASE_RENEW, 0, "", LEASE_LATER},
		{LEASE_RENEW, 408, "", LEASE_LATER},
		{LEASE_RENEW, 429, "", LEASE_LATER},
		{LEASE_RENEW, 500, "", LEASE_LATER},
		{LEASE_RENEW, 503, "", LEASE_LATER},
		{LEASE_ACQUIRE, 302, "", LEASE_LATER},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		EXPECT(lease_read(rows[i].op, rows[i].status, rows[i].code) ==
		       rows[i].said);
}

static bool
code_is(const char *line, const char *want)
{
	char out[LEASE_CODE];

	memset(out, 'x', sizeof(out));
	lease_code(line, strlen(line), out);
	return strcmp(out, want) == 0;
}

CASE(takes_letters_and_digits_as_a_code)
{
	char longest[LEASE_CODE + 1];

	EXPECT(code_is(" BlobNotFound\r\n", "BlobNotFound"));
	EXPECT(code_is("\tA1 \r\n", "A1"));
	EXPECT(code_is("", "") && code_is(" \r\n", ""));
	EXPECT(code_is("Blob NotFound", "") && code_is("Blob-", ""));
	memset(longest, 'a', LEASE_CODE);
	longest[LEASE_CODE - 1] = '\0';
	EXPECT(code_is(longest, longest));
	longest[LEASE_CODE - 1] = 'a';
	longest[LEASE_CODE] = '\0';
	EXPECT(code_is(longest, "")); /* one too many is none, not a piece */
}

CASE(makes_a_guid)
{
	static const uint8_t raw[16] = {0,    1, 2,  3,	 4,  5,	 0xff, 7,
					0xff, 9, 10, 11, 12, 13, 14,   15};
	char id[LEASE_ID];

	lease_id(raw, id);
	EXPECT(strcmp(id, "00010203-0405-4f07-bf09-0a0b0c0d0e0f") == 0);
}

int
main(void)
{
	return check_run();
}
