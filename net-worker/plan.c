/* SPDX-License-Identifier: Apache-2.0 */
/* The plan's secrets (plan.h). */
#include "plan.h"

#include <stdio.h>
#include <string.h>

#include "blob.h"
#include "cursor.h"
#include "events.h"

/* While nothing is found: how often it is asked for again. */
#define ABSENT_STEP_MS 10000u

static char value[AKV_VALUE_MAX + 1]; /* one thread */

static bool
wanted(const struct plan *p, const struct net_conf *c)
{
	static const enum slot slots[PLAN_DONE] = {
		[PLAN_CERT] = SLOT_TLS_CERT,
		[PLAN_PASSWORD] = SLOT_TLS_PASSWORD,
		[PLAN_STORAGE] = SLOT_STORAGE_KEY,
		[PLAN_LIST] = SLOT_BUNDLE,
		[PLAN_VERSION] = SLOT_BUNDLE,
		[PLAN_OLD] = SLOT_OLD_KEY,
	};

	if (p->phase == PLAN_DONE)
		return true;
	if ((c->plan & SLOT_BIT(slots[p->phase])) == 0)
		return false;
	if (p->phase == PLAN_VERSION)
		return p->index < p->versions.n;
	/* a bundle outranks old keys, which tpm then refuses anyway */
	if (p->phase == PLAN_OLD)
		return c->layout == 0 && p->bundles == 0 &&
		       p->index < c->old_count;
	return true;
}

/* Names the step for NOTEs and starts it. */
static void
start(struct plan *p)
{
	static const char *const names[PLAN_DONE] = {
		[PLAN_CERT] = "secret " NAME_TLS_CERT,
		[PLAN_PASSWORD] = "secret " NAME_TLS_PASSWORD,
		[PLAN_STORAGE] = "secret " NAME_STORAGE_KEY,
		[PLAN_LIST] = "versions of " NAME_BUNDLE,
		[PLAN_VERSION] = "secret " NAME_BUNDLE,
		[PLAN_OLD] = "secret " NAME_OLD_KEY,
	};

	if (p->phase >= PLAN_DONE)
		return;
	snprintf(p->what, sizeof(p->what), "%s", names[p->phase]);
	if (p->phase == PLAN_OLD)
		snprintf(p->what, sizeof(p->what), "%s%u", names[p->phase],
			 p->index);
	step_init(&p->step, p->what);
}

static void
next_phase(struct plan *p, const struct net_conf *c)
{
	do {
		p->phase++;
		p->index = 0;
	} while (!wanted(p, c));
	start(p);
}

/* The next of the same phase, if there is one. */
static void
next_index(struct plan *p, const struct net_conf *c)
{
	p->index++;
	if (wanted(p, c))
		start(p);
	else
		next_phase(p, c);
}

static void
restart(struct plan *p, const struct net_conf *c, enum plan_phase phase)
{
	p->phase = phase;
	p->index = 0;
	p->next[0] = '\0';
	p->versions.n = 0;
	if (wanted(p, c))
		start(p);
	else
		next_phase(p, c);
}

void
plan_init(struct plan *p, const struct net_conf *c)
{
	*p = (struct plan){0};
	restart(p, c, PLAN_CERT);
}

/*
 * BLOB: uint8 slot, uint8 age, var16 bytes.  What is not base64 goes as no
 * bytes: tpm says what that means for this slot, and the NOTE says why.
 */
static int
send_blob(struct https *h, struct plan *p, enum slot slot, unsigned age)
{
	static uint8_t bytes[BLOB_MAX], body[BLOB_MAX + 4];
	struct wr w;
	size_t n = 0;
	int r;

	if (text_unb64(value, strlen(value), bytes, sizeof(bytes), &n) != 0) {
		https_note(h, "%s: its value is not base64", p->what);
		n = 0;
	}
	wr_init(&w, body, sizeof(body));
	wr_u8(&w, (uint8_t)slot);
	wr_u8(&w, (uint8_t)age);
	wr_var16(&w, bytes, n);
	h->verdict = EXIT_PROTOCOL;
	if ((r = wr_end(&w, &n)) != 0)
		return r;
	p->sent++;
	return channel_send(&h->w->broker, MSG_BLOB, body, n);
}

/* PFX: the bytes alone.  One zero byte stands for what is not base64. */
static int
send_pfx(struct https *h, struct plan *p)
{
	static uint8_t bytes[BLOB_MAX];
	size_t n = 0;

	if (text_unb64(value, strlen(value), bytes, sizeof(bytes), &n) != 0 ||
	    n == 0) {
		https_note(h, "%s: its value is not the base64 of a PFX",
			   p->what);
		bytes[0] = 0;
		n = 1;
	}
	h->verdict = EXIT_PROTOCOL;
	p->sent++;
	return channel_send(&h->w->broker, MSG_PFX, bytes, n);
}

/* A secret that must be there. */
static int
one_secret(struct https *h, struct plan *p, const char *name, enum slot slot)
{
	int r = https_secret_get(h, &p->step, name, NULL, value);

	if (r == ERR_NOTFOUND) {
		https_note(h, "%s: the key vault (%s) has none of that name",
			   p->what, h->conf->host[REMOTE_AKV]);
		h->verdict = EXIT_AKV_DENIED;
		return ERR_REFUSED;
	}
	if (r != 0)
		return r;
	r = slot == SLOT_TLS_CERT ? send_pfx(h, p) : send_blob(h, p, slot, 0);
	if (r == 0)
		next_phase(p, h->conf);
	return r;
}

/* Judges a page of the list that did not come. */
static int
list_refused(struct https *h, struct plan *p, const struct http_answer *a)
{
	struct service_error e;

	service_error_read(a->body, a->bytes, &e);
	if (a->status != 404)
		return step_fail(h, &p->step, REMOTE_AKV, a,
				 a->status < 400 ? EXIT_AKV_AWAY
						 : EXIT_AKV_DENIED);
	if (strcmp(e.code, "SecretNotFound") != 0)
		return step_fail(h, &p->step, REMOTE_AKV, a, EXIT_AKV_AWAY);
	next_phase(p, h->conf);
	return 0;
}

/* One page of the bundle's versions. */
static int
one_page(struct https *h, struct plan *p)
{
	struct http_request rq = {.remote = REMOTE_AKV,
				  .method = "GET",
				  .path = p->next,
				  .sk_bearer = h->sk_bearer,
				  .max_bytes = AKV_SECRET_MAX,
				  .json = true};
	static char follow[HTTP_PATH_MAX];
	struct http_answer a;
	struct text t;
	int r;

	text_init(&t, p->next, sizeof(p->next));
	if (p->index == 0)
		akv_versions_path(NAME_BUNDLE, &t);
	else
		text_put(&t, follow);
	if ((r = step_try(h, &p->step, &rq, &a)) == ERR_REFUSED)
		return list_refused(h, p, &a);
	if (r != 0)
		return r;
	text_init(&t, follow, sizeof(follow));
	if (akv_versions_read(a.body, a.bytes, h->conf->host[REMOTE_AKV],
			      NAME_BUNDLE, &p->versions, &t) != 0 ||
	    p->index >= AKV_PAGES_MAX)
		return step_nonsense(h, &p->step, REMOTE_AKV);
	p->index++;
	if (follow[0] == '\0')
		next_phase(p, h->conf);
	else
		start(p);
	return 0;
}

/* One version of the bundle; one that was disabled meanwhile is no failure. */
static int
one_version(struct https *h, struct plan *p)
{
	int r = https_secret_get(h, &p->step, NAME_BUNDLE,
				 p->versions.v[p->index].id, value);

	if (r == 0 && (r = send_blob(h, p, SLOT_BUNDLE, p->bundles)) == 0)
		p->bundles++;
	if (r == 0 || r == ERR_NOTFOUND) {
		next_index(p, h->conf);
		return 0;
	}
	return r;
}

/* One key of the old layout; one that is not there is passed over. */
static int
one_old(struct https *h, struct plan *p)
{
	char name[sizeof(NAME_OLD_KEY) + 10];
	int r;

	snprintf(name, sizeof(name), "%s%u", NAME_OLD_KEY, p->index);
	r = https_secret_get(h, &p->step, name, NULL, value);
	if (r == 0 && (r = send_blob(h, p, SLOT_OLD_KEY, p->index)) == 0)
		p->olds++;
	if (r == 0 || r == ERR_NOTFOUND) {
		next_index(p, h->conf);
		return 0;
	}
	return r;
}

/*
 * At the end with nothing found: a 404 is signed by nobody (DESIGN 7), so it
 * must last for as long as CONFIG says.
 */
static int
look_again(struct https *h, struct plan *p)
{
	const uint32_t keys = SLOT_BIT(SLOT_BUNDLE) | SLOT_BIT(SLOT_OLD_KEY);
	uint64_t now = https_now_ms(), wait, gone;
	uint64_t lasts = (uint64_t)h->conf->absent_s * 1000;

	if ((h->conf->plan & keys) == 0 || p->bundles > 0 || p->olds > 0)
		return 0;
	if (p->absent_ms == 0)
		p->absent_ms = now;
	gone = now - p->absent_ms;
	if (gone >= lasts)
		return 0;
	https_event(h, EVENT_ABSENT, (lasts - gone + 999) / 1000, 0, 0);
	wait = lasts - gone < ABSENT_STEP_MS ? lasts - gone : ABSENT_STEP_MS;
	restart(p, h->conf, PLAN_LIST);
	p->step.due_ms = now + wait;
	return ERR_TRANSIENT;
}

int
plan_run(struct https *h, struct plan *p)
{
	int r = 0;

	switch (p->phase) {
	case PLAN_CERT:
		r = one_secret(h, p, NAME_TLS_CERT, SLOT_TLS_CERT);
		break;
	case PLAN_PASSWORD:
		r = one_secret(h, p, NAME_TLS_PASSWORD, SLOT_TLS_PASSWORD);
		break;
	case PLAN_STORAGE:
		r = one_secret(h, p, NAME_STORAGE_KEY, SLOT_STORAGE_KEY);
		break;
	case PLAN_LIST:
		r = one_page(h, p);
		break;
	case PLAN_VERSION:
		r = one_version(h, p);
		break;
	case PLAN_OLD:
		r = one_old(h, p);
		break;
	case PLAN_DONE:
		break;
	}
	if (r == 0 && p->phase == PLAN_DONE)
		r = look_again(h, p);
	if (r == 0 && p->phase == PLAN_DONE)
		https_event(h, EVENT_FETCHED, p->sent, 0, 0);
	return r;
}

int
plan_outcome(const struct plan *p, const struct net_conf *c)
{
	const uint32_t keys = SLOT_BIT(SLOT_BUNDLE) | SLOT_BIT(SLOT_OLD_KEY);

	if ((c->plan & keys) == 0)
		return EXIT_OK; /* not asked for: nothing is said of them */
	if (p->bundles > 0)
		return EXIT_F_BUNDLE;
	return p->olds > 0 ? EXIT_F_OLD : EXIT_F_NOTHING;
}
