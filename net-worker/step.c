/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One try of one call, and what follows from its answer: go on, later, never.
 * Says what happened, by number (EVENT) or, when it is final, in words (NOTE).
 */
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "events.h"
#include "https.h"
#include "retry.h"

/* Below what the broker lets one seat say, so that the end can be said. */
#define EVENTS_MAX 48u
#define NOTES_MAX  12u

static const char *const remote_name[REMOTE_COUNT] = {
	"metadata service", "attestation service", "key vault",
	"storage service"};
static const int away[REMOTE_COUNT] = {EXIT_IMDS, EXIT_MAA_AWAY, EXIT_AKV_AWAY,
				       EXIT_STORAGE_AWAY};

uint64_t
https_now_ms(void)
{
	return clock_ms(CLOCK_MONOTONIC);
}

void
https_event(struct https *h, unsigned event, uint64_t a, uint64_t b, uint64_t c)
{
	if (h->said >= EVENTS_MAX)
		return;
	h->said++;
	worker_event(h->w, event, a, b, c, 0);
}

void
https_note(struct https *h, const char *fmt, ...)
{
	char text[201];
	va_list ap;

	if (h->noted >= NOTES_MAX)
		return;
	h->noted++;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	worker_note(h->w, "%s", text);
}

void
step_init(struct step *s, const char *what)
{
	*s = (struct step){.what = what};
}

int
step_fail(struct https *h, const struct step *s, enum remote remote,
	  const struct http_answer *a, int code)
{
	struct service_error e;
	char why[161];

	int about = code * 1000 + (int)a->status;

	h->verdict = code;
	if (h->for_ever && h->said_why == about)
		return ERR_REFUSED; /* said already */
	h->said_why = about;
	if (a->status == 0) {
		text_show(a->why, strlen(a->why), why, sizeof(why));
		https_note(h, "%s: no answer from the %s (%s): %s", s->what,
			   remote_name[remote], h->conf->host[remote], why);
		return ERR_REFUSED;
	}
	service_error_read(a->body, a->bytes, &e);
	https_note(h, "%s: the %s (%s) answered HTTP %u%s%s%s%s%s%s", s->what,
		   remote_name[remote], h->conf->host[remote], a->status,
		   e.code[0] ? " " : "", e.code, e.inner[0] ? "/" : "", e.inner,
		   e.message[0] ? ": " : "", e.message);
	return ERR_REFUSED;
}

/* Sets when to try again.  Returns ERR_TRANSIENT or ERR_TIMEOUT. */
static int
again(struct https *h, struct step *s, enum remote remote,
      const struct http_answer *a, uint32_t wait_ms)
{
	uint64_t now = https_now_ms();

	if (!h->for_ever && now + wait_ms - s->first_ms > h->conf->retry_ms) {
		step_fail(h, s, remote, a, away[remote]);
		return ERR_TIMEOUT;
	}
	s->due_ms = now + wait_ms;
	if (!h->for_ever)
		https_event(h, EVENT_RETRY, remote, wait_ms, s->tries);
	return ERR_TRANSIENT;
}

/* The token is not taken: once, a new one may be. */
static bool
drop_token(struct https *h, struct step *s, const struct http_request *rq,
	   const struct http_answer *a)
{
	if (a->status != 401 || !rq->sk_bearer || s->new_token)
		return false;
	s->new_token = true;
	h->have_bearer = false;
	explicit_bzero(h->sk_bearer, sizeof(h->sk_bearer));
	return true;
}

/* The name is in the deleted state: that lasts for days. */
static bool
is_deleted(const struct http_answer *a)
{
	struct service_error e;

	if (a->status != 409)
		return false;
	service_error_read(a->body, a->bytes, &e);
	return strcmp(e.inner, "ObjectIsDeletedButRecoverable") == 0 ||
	       strcmp(e.code, "ObjectIsDeletedButRecoverable") == 0;
}

int
step_try(struct https *h, struct step *s, const struct http_request *rq,
	 struct http_answer *out)
{
	struct retry_ask ask;
	uint32_t wait;

	if (s->first_ms == 0)
		s->first_ms = https_now_ms();
	s->tries++;
	s->due_ms = 0;
	http_call(h->http, rq, worker_left_ms(h->w), out);
	h->status = out->status;
	h->deleted = is_deleted(out);
	if (out->status == 200)
		return 0;
	if (drop_token(h, s, rq, out))
		return again(h, s, rq->remote, out, 0);
	if (out->status != 0 && out->status != s->want && !h->for_ever)
		https_event(h, EVENT_HTTP, rq->remote, out->status, s->tries);
	ask = (struct retry_ask){.remote = rq->remote,
				 .status = out->status,
				 .tries = s->tries,
				 .after_s = out->after_s,
				 .random = retry_random(&h->random)};
	if (!out->final && !h->deleted && retry_later(&ask, &wait))
		return again(h, s, rq->remote, out, wait);
	if (out->status != 0)
		return ERR_REFUSED;
	step_fail(h, s, rq->remote, out, away[rq->remote]);
	return ERR_TIMEOUT;
}

int
step_nonsense(struct https *h, struct step *s, enum remote remote)
{
	struct http_answer a = {.why = "the answer is not what was asked for"};
	struct retry_ask ask = {.remote = remote,
				.tries = s->tries,
				.random = retry_random(&h->random)};
	uint32_t wait;

	BUG_ON(!retry_later(&ask, &wait)); /* status 0 has a row for all */
	return again(h, s, remote, &a, wait);
}

int
https_wait(struct https *h, uint64_t until_ms)
{
	struct pollfd p = {.fd = h->w->broker.fd, .events = POLLIN};
	uint32_t left = worker_left_ms(h->w);
	uint64_t now = https_now_ms();
	bool timed = false;
	int wait = left > INT32_MAX ? INT32_MAX : (int)left;

	if (until_ms != 0 && until_ms < now + (uint64_t)wait) {
		wait = until_ms > now ? (int)(until_ms - now) : 0;
		timed = true;
	}
	if (poll(&p, 1, wait) > 0)
		return 0;
	if (timed)
		return ERR_TRANSIENT;
	return worker_left_ms(h->w) > 0 ? ERR_TRANSIENT : ERR_TIMEOUT;
}

int
https_open(struct https *h)
{
	struct addrs addrs;
	struct frame f;
	int r;

	if ((r = https_wait(h, 0)) != 0) {
		h->verdict = EXIT_DEADLINE;
		return r;
	}
	h->verdict = EXIT_PROTOCOL;
	if ((r = channel_expect(&h->w->broker, MSG_ADDRS, h->frame,
				sizeof(h->frame), &f)) != 0 ||
	    (r = addrs_get(f.body, f.body_bytes, &addrs)) != 0)
		return r;
	if ((r = http_open(h->http, &addrs)) == 0)
		return 0;
	h->verdict = r == ERR_NOTFOUND ? EXIT_PROTOCOL : EXIT_INTERNAL;
	return r;
}
