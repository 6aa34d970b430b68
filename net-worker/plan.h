/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is stored, fetched in the order of the session's plan, one call at a
 * time, so that attesting can go on between them: TLS identity, its password,
 * the storage key, the newest versions of the bundle; and, where the old
 * layout counts and no bundle is there, its keys.
 */
#ifndef SP_NET_PLAN_H
#define SP_NET_PLAN_H

#include "https.h"

enum plan_phase {
	PLAN_CERT,
	PLAN_PASSWORD,
	PLAN_STORAGE,
	PLAN_LIST,    /* pages of the bundle's versions */
	PLAN_VERSION, /* each of the newest */
	PLAN_OLD,     /* apm-unseal-key-0, -1, … */
	PLAN_DONE,
};

struct plan {
	enum plan_phase phase;
	unsigned index; /* page, version or key */
	struct step step;
	struct akv_versions versions;
	unsigned bundles; /* BLOBs sent of each kind */
	unsigned olds;
	unsigned sent;
	uint64_t absent_ms; /* when nothing was found first; 0: not yet */
	char what[64];	    /* the step's name */
	char next[HTTP_PATH_MAX];
};

/* Starts at the first thing the plan names; cannot fail. */
void plan_init(struct plan *p, const struct net_conf *c);

/*
 * Makes one call, sends what it brought.  Returns 0 when the plan went on
 * (PLAN_DONE: it is at its end), ERR_TRANSIENT when it is to be called again
 * at p->step.due_ms, or another error with h->verdict set.
 */
CHECKED int plan_run(struct https *h, struct plan *p);

/* Returns the exit code that says what was found; at PLAN_DONE. */
int plan_outcome(const struct plan *p, const struct net_conf *c);

#endif
