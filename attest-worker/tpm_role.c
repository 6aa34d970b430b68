/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The role as a story: each step returns 0 to go on, or the exit code.  Only
 * this file decides what is said before taint; after it tpm_serve.c.
 */
#include "tpm_role.h"

#include <errno.h>
#include <poll.h>

#include "clock.h"
#include "cursor.h"
#include "events.h"
#include "fds.h"
#include "tpm_evidence.h"
#include "tpm_master.h"
#include "tpm_open.h"
#include "tpm_prime.h"
#include "tpm_serve.h"
#include "tpm_tcti.h"
#include "tpm_token.h"
#include "tpm_unwrap.h"

#define EVIDENCE_MAX 32768u

/* Large and single, so static; nothing in them is a key. */
static struct evidence evidence;
static struct blobs blobs;
static uint8_t packet[MSG_MAX];
static uint8_t text[TOKEN_MAX];

/* Waits for a frame of that type (0: any) until the deadline. */
static int
await(struct worker *w, unsigned type, struct frame *out)
{
	struct pollfd p = {.fd = FD_BROKER, .events = POLLIN};
	uint32_t left;
	int n, r;

	do {
		left = worker_left_ms(w);
		if (left == 0)
			return EXIT_DEADLINE;
		n = poll(&p, 1, left > INT32_MAX ? INT32_MAX : (int)left);
	} while (n < 0 && errno == EINTR);
	if (n == 0)
		return EXIT_DEADLINE;
	r = channel_recv(&w->broker, packet, sizeof(packet), out);
	if (r != 0 || (type != 0 && out->type != type))
		return EXIT_PROTOCOL;
	return 0;
}

static int64_t
deadline(const struct worker *w)
{
	return (int64_t)clock_ms(CLOCK_MONOTONIC) + worker_left_ms(w);
}

static int
step_evidence(struct worker *w, struct tpm *t)
{
	unsigned flushed = 0;
	size_t bytes;
	int code;

	tpm_link()->until_ms = deadline(w);
	code = evidence_gather(t, &evidence, &flushed);
	if (flushed > 0)
		worker_event(w, EVENT_TPM_FLUSHED, flushed, 0, 0, 0);
	if (code != 0) {
		if (t->rc != 0)
			worker_event(w, EVENT_TPM_RC, t->rc, t->cc, 0, 0);
		return code;
	}
	if (evidence_body(t, &evidence, packet, EVIDENCE_MAX, &bytes) != 0)
		return EXIT_EVIDENCE;
	worker_event(w, EVENT_EVIDENCE, evidence.report_bytes, 0, 0, 0);
	return channel_send(&w->broker, MSG_EVIDENCE, packet, bytes) == 0
		       ? 0
		       : EXIT_PROTOCOL;
}

/* One token; the policy is satisfied again before the answer goes out. */
static int
step_token(struct worker *w, struct tpm *t)
{
	struct frame f;
	size_t bytes;
	int code;

	if ((code = await(w, MSG_ENC_TOKEN, &f)) != 0)
		return code;
	if (token_open(t, f.body, f.body_bytes, text, &bytes) != 0 ||
	    tpm_policy(t) != 0)
		return EXIT_TOKEN;
	worker_event(w, EVENT_TOKEN, bytes, 0, 0, 0);
	return channel_send(&w->broker, MSG_TOKEN, text, bytes) == 0
		       ? 0
		       : EXIT_PROTOCOL;
}

static int
master_code(int r)
{
	switch (r) {
	case 0:
		return 0;
	case ERR_FORMAT:
		return EXIT_KEY_KIND;
	case ERR_MISMATCH:
		return EXIT_PIN;
	default:
		return EXIT_INTERNAL;
	}
}

/*
 * P1 without the broker: the supervisor's byte is there before the broker is
 * told to hand out the key, so a key without it is one that somebody hurries.
 * A supervisor that died wrote none.
 */
static bool
alone(void)
{
	struct pollfd p = {.fd = FD_TPM_GO, .events = POLLIN};

	return poll(&p, 1, 0) == 1 && (p.revents & POLLIN) != 0;
}

/* The frame taints this process: from here on no EVENT is sent. */
static int
step_release(struct worker *w, struct tpm *t, const struct plan *p,
	     struct master **out)
{
	struct secret *sk_der = NULL;
	struct frame f;
	int code, r;

	if ((code = await(w, MSG_WRAPPED_KEY, &f)) != 0)
		return code;
	if (!alone())
		return EXIT_PROTOCOL;
	tpm_prime_secret();
	r = unwrap_released(t, FD_TPM_DEV, f.body, f.body_bytes, &sk_der);
	if (r == ERR_PROTO)
		return EXIT_PROTOCOL;
	if (r != 0)
		return r == ERR_CRYPTO ? EXIT_UNWRAP : EXIT_INTERNAL;
	r = master_new(secret_bytes(sk_der), secret_size(sk_der),
		       p->has_pin ? p->pin : NULL, out);
	secret_free(sk_der);
	return master_code(r);
}

static int
step_blobs(struct worker *w, const struct plan *p)
{
	struct frame f;
	int code;

	for (;;) {
		if ((code = await(w, 0, &f)) != 0)
			return code;
		if (f.type == MSG_OPEN)
			return f.body[0] == blobs.count ? 0 : EXIT_PROTOCOL;
		if (f.type != MSG_BLOB ||
		    blobs_add(&blobs, p, f.body, f.body_bytes) != 0)
			return EXIT_PROTOCOL;
	}
}

int
tpm_role(struct worker *w, struct tpm *t, const struct plan *p)
{
	struct master *m = NULL;
	struct opened o = {0};
	int code;

	if ((code = step_evidence(w, t)) == 0 &&
	    (code = step_token(w, t)) == 0 &&
	    (code = step_release(w, t, p, &m)) == 0 &&
	    (code = step_blobs(w, p)) == 0)
		code = open_all(m, p, &blobs, &o);
	master_free(m); /* before anybody is spoken to */
	if (t->esys)	/* ended clean: the next finds no litter */
		tpm_forget(t);
	if (code == 0)
		code = serve(w, &o);
	opened_free(&o);
	return code;
}
