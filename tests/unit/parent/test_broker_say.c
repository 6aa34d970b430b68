/* SPDX-License-Identifier: Apache-2.0 */
/* The log's texts: numbers in their places, nothing from outside but ASCII. */
#include <unistd.h>

#include "../check.h"
#include "broker_out.h"
#include "events.h"
#include "log.h"
#include "msg.h"

static int out[2];

/* Returns what was printed, without time and newline. */
static const char *
line(void)
{
	static char buf[2048];
	ssize_t n = read(out[0], buf, sizeof(buf) - 1);
	char *text;

	buf[n > 0 ? n - 1 : 0] = '\0';
	text = strstr(buf, "] ");
	return text ? text + 2 : buf;
}

static int
says(unsigned event, const uint64_t n[4], const char *text)
{
	if (broker_event(SEAT_TPM, event, n) != 0)
		return 0;
	return strcmp(line(), text) == 0;
}

CASE(numbers_stand_where_the_text_has_them)
{
	const uint64_t n[4] = {1, 22, UINT64_C(0x1234), 4};

	EXPECT(says(EVENT_RESOLVED, n, "names resolved (1 addresses)"));
	EXPECT(says(EVENT_HTTP, n,
		    "attestation service answered HTTP 22 (attempt 4660)"));
	EXPECT(says(EVENT_TPM_RC, n,
		    "warning: TPM: response code 0x00000001 to command "
		    "0x00000016"));
	EXPECT(says(EVENT_KEY_PIN, n,
		    "master key 00000000000000010000000000000016"
		    "00000000000012340000000000000004"));
	EXPECT(says(EVENT_ATTESTED, n, "attestation accepted"));
}

CASE(a_number_chooses_a_word)
{
	uint64_t n[4] = {2, 200, 3, 0};

	EXPECT(says(EVENT_HTTP, n, "key vault answered HTTP 200 (attempt 3)"));
	n[0] = 3; /* no such word */
	EXPECT(says(EVENT_HTTP, n, "3 answered HTTP 200 (attempt 3)"));
	EXPECT(says(EVENT_RELEASED, n, "key released by RSA_AES_KEY_WRAP_384"));
	n[0] = 0; /* an empty one */
	EXPECT(says(EVENT_RELEASED, n, "key released by 0"));
	n[0] = 1;
	EXPECT(says(EVENT_SECRETMEM, n, "secrets live in memfd_secret pages"));
}

CASE(the_largest_numbers_fit)
{
	const uint64_t n[4] = {UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX};

#define X(id, num, name, text)                                                 \
	EXPECT(broker_event(SEAT_TPM, num, n) == 0);                           \
	EXPECT(!strchr(line(), '%'));
#include "events.def"
#undef X
}

CASE(an_unknown_event_prints_nothing)
{
	const uint64_t n[4] = {0};

	EXPECT(broker_event(SEAT_TPM, 0, n) == ERR_PROTO);
	EXPECT(broker_event(SEAT_TPM, 9999, n) == ERR_PROTO);
}

CASE(these_events_are_warnings_and_no_others)
{
	static const unsigned warn[] = {EVENT_TPM_RC,	  EVENT_ENC_REFUSED,
					EVENT_RETRY,	  EVENT_STORE_TRY,
					EVENT_ABSENT,	  EVENT_PFX_WEAK,
					EVENT_OLD_VERSION};
	const uint64_t n[4] = {1, 1, 1, 1};

	for (unsigned e = EVENT_RESOLVED; e <= EVENT_TRIED; e++) {
		int must = 0;

		for (size_t i = 0; i < sizeof(warn) / sizeof(warn[0]); i++)
			must |= warn[i] == e;
		EXPECT(broker_event(SEAT_TPM, e, n) == 0);
		EXPECT(must == (strncmp(line(), "warning: ", 9) == 0));
	}
}

CASE(a_json_line_names_seat_and_event)
{
	const uint64_t n[4] = {0};
	const char *text;

	log_setup(out[1], true, 0);
	EXPECT(broker_event(SEAT_TPM, EVENT_ATTESTED, n) == 0);
	text = line();
	EXPECT(strstr(text, "\"from\":\"tpm\",\"event\":\"attested\""));
	log_setup(out[1], false, 0);
}

CASE(a_note_is_cleaned_and_named)
{
	broker_note(SEAT_FETCH, (const uint8_t *)"a\n%s\x1b[2J\xff", 9);
	EXPECT(strcmp(line(), "warning: fetch: a?%s?[2J?") == 0);
}

CASE(what_came_back_unequal_is_named)
{
	broker_unequal(SEAT_STORE0, MSG_JWE);
	EXPECT(!strncmp(line(),
			"warning: the key vault gives back another root token "
			"than was stored",
			68));
	broker_unequal(SEAT_STORE0, MSG_BUNDLE);
	EXPECT(strstr(line(), "another bundle than was stored"));
}

int
main(void)
{
	if (pipe(out) != 0)
		return 2;
	log_setup(out[1], false, 0);
	return check_run();
}
