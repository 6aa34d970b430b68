/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What fetch knows while it works; fetch.c decides what is done when, the jobs
 * are in fetch_attest.c (attest, release), fetch_trials.c and fetch_jobs.c (the
 * others).
 */
#ifndef SP_NET_FETCH_H
#define SP_NET_FETCH_H

#include "evidence.h"
#include "https.h"
#include "maa.h"
#include "plan.h"

enum job { ATTEST, RELEASE, THIM, TOKEN, PROBE, TRIALS, SECRETS, JOB_COUNT };

struct fetch {
	struct https *h;
	const struct fetch_given *given;
	struct step step[JOB_COUNT]; /* of SECRETS: in the plan */
	bool done[JOB_COUNT];
	bool have_evidence;
	bool have_target;
	bool probe_written;
	unsigned ask;	/* which enc of CONFIG */
	unsigned trial; /* which is next */
	size_t target_bytes;
	struct evidence evidence; /* views into h->frame */
	struct plan plan;
	struct text request; /* of attest; used > 0 once it is made */
	char target[MAA_TOKEN_MAX + 1];
	char pem[THIM_PEM_MAX];
	char inner[MAA_INNER_MAX];
	char outer[MAA_REQUEST_MAX + 1];
};

/*
 * Each makes one call.  Returns 0 when it went on (done[] says whether to the
 * end), ERR_TRANSIENT when its step is due later, or another error with
 * h->verdict set.
 */
CHECKED int fetch_attest(struct fetch *f);
CHECKED int fetch_release(struct fetch *f);
CHECKED int fetch_thim(struct fetch *f);
CHECKED int fetch_token(struct fetch *f);
CHECKED int fetch_probe(struct fetch *f);
CHECKED int fetch_trials(struct fetch *f); /* fetch_trials.c */
CHECKED int fetch_secrets(struct fetch *f);

#endif
