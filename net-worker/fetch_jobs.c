/* SPDX-License-Identifier: Apache-2.0 */
/* The jobs of fetch that need nothing of tpm. */
#include <string.h>

#include "b64.h"
#include "events.h"
#include "fetch.h"

int
fetch_thim(struct fetch *f)
{
	static const struct http_request rq = {.remote = REMOTE_IMDS,
					       .method = "GET",
					       .path = THIM_PATH,
					       .max_bytes = THIM_BODY_MAX};
	struct step *s = &f->step[THIM];
	struct http_answer a;
	struct text t;
	int r;

	if ((r = step_try(f->h, s, &rq, &a)) == ERR_REFUSED)
		return step_fail(f->h, s, REMOTE_IMDS, &a, EXIT_IMDS);
	if (r != 0)
		return r;
	text_init(&t, f->pem, sizeof(f->pem));
	if (imds_thim_read(a.body, a.bytes, &t) != 0)
		return step_nonsense(f->h, s, REMOTE_IMDS);
	f->done[THIM] = true;
	return 0;
}

int
fetch_token(struct fetch *f)
{
	int r = https_token(f->h, &f->step[TOKEN]);

	if (r == 0)
		step_init(&f->step[TOKEN], "access token");
	return r;
}

/* Writes a random value under apm-probe, then reads it back by name. */
int
fetch_probe(struct fetch *f)
{
	static char back[AKV_VALUE_MAX + 1];
	struct step *s = &f->step[PROBE];
	char hex[65];
	int r;

	/* Only a first life depends on writing: a restart writes nothing. */
	if (plan_outcome(&f->plan, f->h->conf) != EXIT_F_NOTHING) {
		f->done[PROBE] = true;
		return 0;
	}
	hex_encode(f->given->probe, sizeof(f->given->probe), hex);
	if (!f->probe_written) {
		r = https_secret_put(f->h, s, NAME_PROBE, hex);
		if (r == 0) {
			f->probe_written = true;
			step_init(s, "reading " NAME_PROBE);
		} else if (f->h->verdict == EXIT_AKV_DENIED) {
			f->h->verdict = EXIT_PROBE;
		}
		return r;
	}
	r = https_secret_get(f->h, s, NAME_PROBE, NULL, back);
	if (r == 0 && strcmp(hex, back) == 0) {
		f->done[PROBE] = true;
		https_event(f->h, EVENT_PROBED, 0, 0, 0);
		return 0;
	}
	if (r == 0 || r == ERR_NOTFOUND) {
		https_note(f->h, "%s: it is not what was written", s->what);
		f->h->verdict = EXIT_PROBE;
		return ERR_MISMATCH;
	}
	if (f->h->verdict == EXIT_AKV_DENIED)
		f->h->verdict = EXIT_PROBE;
	return r;
}

int
fetch_secrets(struct fetch *f)
{
	int r = plan_run(f->h, &f->plan);

	f->step[SECRETS].due_ms = f->plan.step.due_ms;
	if (r == 0 && f->plan.phase == PLAN_DONE)
		f->done[SECRETS] = true;
	return r;
}
