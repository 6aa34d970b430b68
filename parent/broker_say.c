/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The texts of the log: a clean worker names an event and gives four numbers,
 * the words are here (events.def).
 */
#include <stdio.h>
#include <string.h>

#include "broker_out.h"
#include "events.h"
#include "log.h"
#include "msg.h"

#define TEXT_MAX 256u
#define NOTE_MAX 200u

struct line {
	uint16_t event;
	const char *name;
	const char *text;
};

static const struct line lines[] = {
#define X(id, num, name, text) {(num), (name), (text)},
#include "events.def"
#undef X
};

/* Events that somebody should look at. */
static enum log_level
level_of(unsigned event)
{
	static const uint16_t warn[] = {
		EVENT_TPM_RC,	   EVENT_ENC_REFUSED, EVENT_RETRY,
		EVENT_STORE_TRY,   EVENT_ABSENT,      EVENT_PFX_WEAK,
		EVENT_OLD_VERSION,
	};

	for (size_t i = 0; i < sizeof(warn) / sizeof(warn[0]); i++) {
		if (warn[i] == event)
			return LOG_WARN;
	}
	return LOG_STEP;
}

/* Puts one number where the text says %llu, %016llx or %08llx. */
static size_t
number(const char *spec, uint64_t v, char *out, size_t cap)
{
	unsigned long long n = v;
	int r;

	if (spec[1] == 'l')
		r = snprintf(out, cap, "%llu", n);
	else if (spec[2] == '8')
		r = snprintf(out, cap, "%08llx", n);
	else
		r = snprintf(out, cap, "%016llx", n);
	return r < 0 || (size_t)r >= cap ? 0 : (size_t)r;
}

/* Puts the v-th of "a|b|c]", counted from 0, or v itself if there is none. */
static size_t
word(const char *words, uint64_t v, char *out, size_t cap)
{
	size_t n = strcspn(words, "|]");
	uint64_t left = v;

	for (; left > 0 && words[n] == '|'; left--) {
		words += n + 1;
		n = strcspn(words, "|]");
	}
	if (left > 0 || n == 0 || n >= cap)
		return number("%llu", v, out, cap);
	memcpy(out, words, n);
	return n;
}

/*
 * The text with the numbers and words in it, in order.  A format string that is
 * not a literal never reaches printf.
 */
static void
fill(const char *text, const uint64_t n[4], char out[static TEXT_MAX])
{
	size_t used = 0, next = 0;

	while (*text && used < TEXT_MAX - 1) {
		if (*text != '%') {
			out[used++] = *text++;
			continue;
		}
		bool words = text[1] == '[';

		if (next < 4)
			used += (words ? word(text + 2, n[next++], out + used,
					      TEXT_MAX - used)
				       : number(text, n[next++], out + used,
						TEXT_MAX - used));
		text += strcspn(text, words ? "]" : "ux") + 1;
	}
	out[used] = '\0';
}

int
broker_event(enum seat from, unsigned event, const uint64_t n[4])
{
	char text[TEXT_MAX];

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		if (lines[i].event != event)
			continue;
		fill(lines[i].text, n, text);
		log_line(level_of(event), seat_name(from), lines[i].name, "%s",
			 text);
		return 0;
	}
	return ERR_PROTO;
}

void
broker_note(enum seat from, const uint8_t *text, size_t bytes)
{
	char clean[NOTE_MAX + 1];

	log_text(text, bytes, clean, sizeof(clean));
	log_line(LOG_WARN, seat_name(from), "note", "%s: %s", seat_name(from),
		 clean);
}

void
broker_unequal(enum seat from, unsigned type)
{
	log_line(LOG_WARN, seat_name(from), "store_unequal",
		 "the key vault gives back another %s than was stored: storing "
		 "it again",
		 type == MSG_JWE ? "root token" : "bundle");
}
