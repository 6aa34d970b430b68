/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The story of fetch.  There are seven things to do; each is done as soon as
 * what it needs is there, what the release waits for first.  A thing that a
 * service asks to do later leaves room for the others.
 *
 *   attest	EVIDENCE of tpm and the certificates	-> ENC_TOKEN
 *   release	TOKEN of tpm, access token		-> RELEASE_JWS
 *   thim	nothing					certificates
 *   token	nothing					access token
 *   probe	secrets, and no keys among them		EVENT PROBED
 *   trials	the probe, no keys			EVENT TRIED
 *   secrets	access token				-> PFX, BLOB …
 */
#include "fetch.h"

#include <poll.h>
#include <string.h>

static struct fetch the_fetch; /* large, and one per process */

static bool
attest_ready(const struct fetch *f)
{
	return f->have_evidence && f->done[THIM];
}

static bool
release_ready(const struct fetch *f)
{
	return f->have_target && f->h->have_bearer;
}

static bool
at_once(const struct fetch *f)
{
	return true;
}

static bool
token_ready(const struct fetch *f)
{
	return !f->h->have_bearer;
}

static bool
vault_ready(const struct fetch *f)
{
	return f->h->have_bearer;
}

static bool
probe_ready(const struct fetch *f)
{
	return f->h->have_bearer && f->done[SECRETS];
}

/* After the probe: a vault that takes nothing is the plainer news. */
static bool
trials_ready(const struct fetch *f)
{
	return f->h->have_bearer && f->done[SECRETS] && f->done[PROBE];
}

static const struct {
	const char *what;
	bool (*ready)(const struct fetch *f);
	int (*run)(struct fetch *f);
} jobs[JOB_COUNT] = {
	/* in the order of what is done first */
	[ATTEST] = {"attestation", attest_ready, fetch_attest},
	[RELEASE] = {"key release", release_ready, fetch_release},
	[THIM] = {"AMD certificates", at_once, fetch_thim},
	[TOKEN] = {"access token", token_ready, fetch_token},
	[PROBE] = {"writing " NAME_PROBE, probe_ready, fetch_probe},
	[TRIALS] = {"what must be refused", trials_ready, fetch_trials},
	[SECRETS] = {"secrets", vault_ready, fetch_secrets},
};

/* Takes what the broker has said, without waiting. */
static int
listen_once(struct fetch *f)
{
	struct https *h = f->h;
	struct pollfd p = {.fd = h->w->broker.fd, .events = POLLIN};
	struct frame m;
	int r;

	if (poll(&p, 1, 0) <= 0)
		return 0;
	h->verdict = EXIT_PROTOCOL;
	if ((r = channel_recv(&h->w->broker, h->frame, sizeof(h->frame), &m)) !=
	    0)
		return r;
	if (m.type == MSG_EVIDENCE && !f->have_evidence) {
		r = evidence_get(m.body, m.body_bytes, &f->evidence);
		f->have_evidence = r == 0;
		return r;
	}
	if (m.type != MSG_TOKEN || !f->done[ATTEST] || f->have_target ||
	    m.body_bytes > MAA_TOKEN_MAX)
		return ERR_PROTO;
	memcpy(f->target, m.body, m.body_bytes);
	f->target_bytes = m.body_bytes;
	f->have_target = true;
	if (text_is_compact(f->target, f->target_bytes, 2))
		return 0;
	https_note(h, "attestation: what the envelope holds is no token");
	h->verdict = EXIT_ATTEST;
	return ERR_FORMAT;
}

/*
 * Does the first thing that can be done now.  Returns 0; ERR_NOTFOUND and the
 * time of the next one that is due (0: none, the broker must speak first);
 * another error when all is over.
 */
static int
do_one(struct fetch *f, uint64_t *out_due)
{
	uint64_t now = https_now_ms(), due = 0;

	for (enum job j = 0; j < JOB_COUNT; j++) {
		const struct step *s = &f->step[j];
		int r;

		if (f->done[j] || !jobs[j].ready(f))
			continue;
		if (s->due_ms > now) {
			if (due == 0 || s->due_ms < due)
				due = s->due_ms;
			continue;
		}
		r = jobs[j].run(f);
		return r == ERR_TRANSIENT ? 0 : r;
	}
	*out_due = due;
	return ERR_NOTFOUND;
}

static bool
all_done(const struct fetch *f)
{
	for (enum job j = 0; j < JOB_COUNT; j++)
		if (j != TOKEN && !f->done[j])
			return false;
	return true;
}

/* The deadline: says what was being waited for. */
static int
too_late(struct fetch *f)
{
	const char *what = "EVIDENCE of the tpm process";

	if (f->done[ATTEST] && !f->have_target)
		what = "TOKEN of the tpm process";
	for (enum job j = 0; j < JOB_COUNT; j++)
		if (!f->done[j] && j != TOKEN && f->step[j].tries > 0)
			what = jobs[j].what;
	https_note(f->h, "deadline: still waiting for: %s", what);
	return EXIT_DEADLINE;
}

int
https_fetch(struct https *h, const struct fetch_given *given)
{
	struct fetch *f = &the_fetch;
	uint64_t due = 0;
	int r;

	f->h = h;
	f->given = given;
	f->done[PROBE] = f->done[TRIALS] = !h->conf->probe;
	for (enum job j = 0; j < JOB_COUNT; j++)
		step_init(&f->step[j], jobs[j].what);
	plan_init(&f->plan, h->conf);
	if (https_open(h) != 0)
		return h->verdict;
	while (!all_done(f)) {
		if (worker_left_ms(h->w) == 0)
			return too_late(f);
		if (listen_once(f) != 0)
			return h->verdict;
		r = do_one(f, &due);
		if (r == ERR_NOTFOUND)
			r = https_wait(h, due);
		if (r == ERR_TIMEOUT && worker_left_ms(h->w) == 0)
			return too_late(f);
		if (r != 0 && r != ERR_TRANSIENT)
			return h->verdict;
	}
	return plan_outcome(&f->plan, h->conf);
}
