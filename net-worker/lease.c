/* SPDX-License-Identifier: Apache-2.0 */
/* The lease's rules; pure functions. */
#include "lease.h"

#include <stdio.h>
#include <string.h>

#include "exit.h"

/*
 * Of the lease's length: renewed after a quarter; lost, as far as we are
 * concerned, after two thirds without success, so that the last third is left
 * to stop the server before anybody else can have it.
 */
#define RENEW_PART 4
#define CALL_PART  8 /* the longest call while it is held */
#define AGAIN_PART 32
#define ASK_PART   8 /* how often one asks that waits */
#define BAD_MOST   8000u

static uint64_t
lost_after(const struct lease *l)
{
	return l->time_ms / 3u * 2u;
}

void
lease_init(struct lease *l, const struct net_conf *c, uint64_t now_ms)
{
	*l = (struct lease){.time_ms = c->lease_s * 1000,
			    .retry_ms = c->retry_ms,
			    .op = LEASE_ACQUIRE,
			    .due_ms = now_ms};
}

uint32_t
lease_call_ms(const struct lease *l, uint64_t now_ms)
{
	uint64_t most = l->time_ms / CALL_PART;
	uint64_t end = l->sent_ms + lost_after(l);

	if (!l->held)
		return l->time_ms / RENEW_PART;
	if (end <= now_ms)
		return 1;
	return (uint32_t)(end - now_ms < most ? end - now_ms : most);
}

int
lease_late(const struct lease *l, uint64_t now_ms)
{
	return l->held && now_ms - l->sent_ms >= lost_after(l) ? EXIT_LEASE_LOST
							       : 0;
}

uint64_t
lease_end_ms(const struct lease *l)
{
	return l->sent_ms + l->time_ms / 4u * 3u;
}

/* A failure that passes: while it is held there is little time. */
static void
later(struct lease *l, uint64_t now_ms, uint32_t random)
{
	uint64_t wait = 1000;

	if (l->held) {
		l->due_ms = now_ms + l->time_ms / AGAIN_PART;
		return;
	}
	if (l->bad_ms == 0)
		l->bad_ms = now_ms;
	for (unsigned i = 0; i < l->tries && wait < BAD_MOST; i++)
		wait *= 2;
	l->tries++;
	wait += wait * (random % 201) / 1000;
	if (wait < l->after_s * UINT64_C(1000))
		wait = l->after_s * UINT64_C(1000);
	l->due_ms = now_ms + wait;
	if (l->due_ms - l->bad_ms > l->retry_ms)
		l->code = EXIT_STORAGE_AWAY;
}

static void
done(struct lease *l, uint64_t sent_ms, uint64_t now_ms)
{
	if (l->op == LEASE_CREATE) {
		l->made = true;
		l->op = LEASE_ACQUIRE;
		l->due_ms = now_ms;
		return;
	}
	l->bad_ms = 0;
	l->tries = 0;
	l->held = true;
	l->op = LEASE_RENEW;
	l->sent_ms = sent_ms;
	l->due_ms = sent_ms + l->time_ms / RENEW_PART;
}

/*
 * "No right" is final only as the first word: who was seen to wait for others
 * must not become one that goes on alone.
 */
static void
denied(struct lease *l, uint64_t now_ms, uint32_t random)
{
	if (l->held || l->others)
		later(l, now_ms, random);
	else
		l->code = EXIT_LEASE_DENIED;
}

void
lease_answer(struct lease *l, enum lease_said said, uint64_t sent_ms,
	     uint64_t now_ms, uint32_t random)
{
	uint64_t ask = l->time_ms / ASK_PART;

	l->maybe = l->op == LEASE_ACQUIRE && said == LEASE_LATER;
	switch (said) {
	case LEASE_DONE:
		done(l, sent_ms, now_ms);
		break;
	case LEASE_OTHERS:
		l->others = true;
		l->bad_ms = 0;
		l->tries = 0;
		l->due_ms = now_ms + ask + ask * (random % 201) / 1000;
		break;
	case LEASE_NO_BLOB:
		l->op = LEASE_CREATE;
		l->due_ms = now_ms;
		if (l->made) /* it was there, and is not: not over and over */
			later(l, now_ms, random);
		break;
	case LEASE_NOT_OURS:
		l->code = EXIT_LEASE_LOST;
		break;
	case LEASE_DENIED:
		denied(l, now_ms, random);
		break;
	case LEASE_TOKEN: /* with the new one, at once, if it is the first */
	case LEASE_LATER:
	default:
		later(l, now_ms, random);
		break;
	}
	l->after_s = 0;
	if (l->code == 0)
		l->code = lease_late(l, now_ms);
}

/* An answer that is no success, to a call that asks for the lease itself. */
static enum lease_said
refused(enum lease_op op, unsigned status, const char *code)
{
	if (op == LEASE_RENEW || op == LEASE_RELEASE)
		return LEASE_NOT_OURS;
	if (op == LEASE_CREATE)
		return LEASE_DONE; /* another made it, and may hold it */
	if (status == 409 && strcmp(code, "LeaseAlreadyPresent") == 0)
		return LEASE_OTHERS;
	return LEASE_LATER; /* LeaseIsBreakingAndCannotBeAcquired, … */
}

enum lease_said
lease_read(enum lease_op op, unsigned status, const char *code)
{
	bool blob = strcmp(code, "BlobNotFound") == 0;

	switch (status) {
	case 200: /* renewed, released */
		return op == LEASE_RENEW || op == LEASE_RELEASE ? LEASE_DONE
								: LEASE_LATER;
	case 201: /* acquired, made */
		return op == LEASE_ACQUIRE || op == LEASE_CREATE ? LEASE_DONE
								 : LEASE_LATER;
	case 401:
		return LEASE_TOKEN;
	case 403:
		return LEASE_DENIED;
	case 404:
		if (op == LEASE_ACQUIRE && blob)
			return LEASE_NO_BLOB;
		return op == LEASE_RENEW ? LEASE_NOT_OURS : LEASE_DENIED;
	case 409:
	case 412:
		return refused(op, status, code);
	default:
		return LEASE_LATER;
	}
}

void
lease_code(const char *p, size_t bytes, char out[static LEASE_CODE])
{
	size_t n = 0;

	while (bytes > 0 && (*p == ' ' || *p == '\t')) {
		p++;
		bytes--;
	}
	while (bytes > 0 && (p[bytes - 1] == '\r' || p[bytes - 1] == '\n' ||
			     p[bytes - 1] == ' ' || p[bytes - 1] == '\t'))
		bytes--;
	for (; n < bytes && n < LEASE_CODE - 1; n++) {
		char c = p[n];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		      (c >= '0' && c <= '9')))
			break;
		out[n] = c;
	}
	out[n == bytes ? n : 0] = '\0';
}

void
lease_id(const uint8_t random[static 16], char out[static LEASE_ID])
{
	const uint8_t *r = random;

	snprintf(out, LEASE_ID,
		 "%02x%02x%02x%02x-%02x%02x-4%x%02x-%x%x%02x-"
		 "%02x%02x%02x%02x%02x%02x",
		 r[0], r[1], r[2], r[3], r[4], r[5], r[6] & 15u, r[7],
		 8u | (r[8] & 3u), r[8] >> 4, r[9], r[10], r[11], r[12], r[13],
		 r[14], r[15]);
}
