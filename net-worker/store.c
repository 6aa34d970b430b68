/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The story of store: what the broker gives is written under its name, read
 * back by that name and given back; the broker compares.  It goes on for
 * ever, with back-off: there is nothing else to do that would lose less.
 */
#include <string.h>

#include "b64.h"
#include "blob.h"
#include "events.h"
#include "https.h"

#define BACKOFF_MS     1000u
#define BACKOFF_MAX_MS 30000u
#define ECHO_MAX       2048u

static char text[B64_LEN(ECHO_MAX) + 1]; /* what is written; one thread */
static char back[AKV_VALUE_MAX + 1];	 /* what is read */
static uint8_t echo[ECHO_MAX];

struct thing {
	const char *name;
	const char *writing; /* for NOTEs */
	const char *reading;
	bool encoded; /* base64 in the vault */
};

static const struct thing bundle = {NAME_BUNDLE, "writing " NAME_BUNDLE,
				    "reading " NAME_BUNDLE, true};
static const struct thing jwe = {NAME_ROOT_TOKEN, "writing " NAME_ROOT_TOKEN,
				 "reading " NAME_ROOT_TOKEN, false};

/* What is read, as the broker knows it. */
static int
decode(const struct thing *t, size_t *out_bytes)
{
	size_t n = strlen(back);

	if (t->encoded)
		return text_unb64(back, n, echo, sizeof(echo), out_bytes);
	if (n > sizeof(echo))
		return ERR_RANGE;
	memcpy(echo, back, n);
	*out_bytes = n;
	return 0;
}

/* Token, PUT, GET; any failure is the caller's back-off. */
static int
once(struct https *h, const struct thing *t, size_t *out_bytes)
{
	struct step s;
	int r;

	step_init(&s, "access token");
	if (!h->have_bearer && (r = https_token(h, &s)) != 0)
		return r;
	step_init(&s, t->writing);
	if ((r = https_secret_put(h, &s, t->name, text)) != 0)
		return r;
	step_init(&s, t->reading);
	if ((r = https_secret_get(h, &s, t->name, NULL, back)) != 0)
		return r;
	if ((r = decode(t, out_bytes)) != 0)
		return r;
	return *out_bytes > 0 ? 0 : ERR_FORMAT;
}

/*
 * The broker says nothing while it waits for an ECHO; so what is there to be
 * read is its end, or a violation.
 */
static int
pause_ms(struct https *h, uint32_t ms)
{
	int r = https_wait(h, https_now_ms() + ms);

	if (r == 0) {
		h->verdict = EXIT_PROTOCOL;
		return ERR_PROTO;
	}
	if (worker_left_ms(h->w) > 0)
		return 0;
	h->verdict = EXIT_DEADLINE;
	return ERR_TIMEOUT;
}

static uint32_t
next_wait(uint32_t *wait)
{
	uint32_t now = *wait;

	*wait = now * 2 < BACKOFF_MAX_MS ? now * 2 : BACKOFF_MAX_MS;
	return now;
}

/* Stores `text` and sends what comes back.  Fails only with the broker. */
static int
store(struct https *h, const struct thing *t)
{
	uint32_t wait = BACKOFF_MS;
	uint64_t tries = 0;
	size_t n;
	int r;

	while (once(h, t, &n) != 0) {
		tries++;
		/* the 1st, 2nd, 4th, 8th, …: the broker counts events */
		if ((tries & (tries - 1)) == 0)
			https_event(h, EVENT_STORE_TRY, tries, h->status,
				    h->deleted);
		/* a new token may know of a right that was given meanwhile */
		if (h->status == 401 || h->status == 403)
			h->have_bearer = false;
		if ((r = pause_ms(h, next_wait(&wait))) != 0)
			return r;
	}
	h->verdict = EXIT_PROTOCOL;
	return channel_send(&h->w->broker, MSG_ECHO, echo, n);
}

/* Puts the object into the form in which it is stored. */
static int
take(const struct frame *m, const struct thing **out_thing)
{
	if (m->type == MSG_BUNDLE && m->body_bytes <= ECHO_MAX) {
		b64_encode(B64_STD, m->body, m->body_bytes, text);
		*out_thing = &bundle;
		return 0;
	}
	if (m->type != MSG_JWE || m->body_bytes >= sizeof(text))
		return ERR_PROTO;
	memcpy(text, m->body, m->body_bytes);
	text[m->body_bytes] = '\0';
	*out_thing = &jwe;
	return text_is_compact(text, m->body_bytes, 4) ? 0 : ERR_PROTO;
}

int
https_store(struct https *h)
{
	const struct thing *t = NULL, *before;
	uint32_t wait = BACKOFF_MS;
	struct frame m;

	h->for_ever = true;
	if (https_open(h) != 0)
		return h->verdict;
	for (;;) {
		if (https_wait(h, 0) == ERR_TIMEOUT)
			return EXIT_DEADLINE;
		if (channel_recv(&h->w->broker, h->frame, sizeof(h->frame),
				 &m) != 0)
			return EXIT_PROTOCOL;
		if (m.type == MSG_STORED) {
			https_event(h, EVENT_STORED, 0, 0, 0);
			return EXIT_OK;
		}
		before = t;
		if (take(&m, &t) != 0)
			return EXIT_PROTOCOL;
		/* the same again: what was read was not what was written */
		if (t == before && pause_ms(h, next_wait(&wait)) != 0)
			return h->verdict;
		if (t != before)
			wait = BACKOFF_MS;
		if (store(h, t) != 0)
			return h->verdict;
	}
}
