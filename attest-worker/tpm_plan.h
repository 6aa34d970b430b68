/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What this session may open (CONFIG) and what it does with what it found:
 * the tpm worker's part of the table in DESIGN section 7.  Pure.
 */
#ifndef SP_TPM_PLAN_H
#define SP_TPM_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "blob.h"
#include "err.h"
#include "items.h"
#include "tags.h"
#include "tpm_bundle.h"

enum layout { LAYOUT_AUTO, LAYOUT_BUNDLE };

struct plan {
	uint32_t slots; /* set of SLOT_BIT */
	bool has_pin;
	uint8_t pin[KEY_ID];
	char store_id[STORE_ID_MAX + 1];
	enum marker_state marker;
	uint8_t generation[GENERATION_BYTES];
	bool generation_known; /* what is found must have it */
	enum layout layout;
	uint32_t skip; /* usable bundles to pass over, newest first */
	bool may_init;
};

/*
 * Reads CONFIG.  PLAN must be there; with a bundle or old keys in it also
 * STORE_ID, MARKER and LAYOUT, and GENERATION where the rest asks for it.
 * Returns 0 or ERR_FORMAT.
 */
CHECKED int plan_read(const struct items *config, struct plan *out);

/* Says whether the session is about the server's shares at all. */
bool plan_unseals(const struct plan *p);

/* Says whether a row of the table allows a bundle of that kind. */
bool plan_allows(const struct plan *p, const struct bundle_name *n);

/* What the bundles handed over came to. */
enum bundles {
	BUNDLES_NONE,	/* there is none */
	BUNDLES_SHUT,	/* none opens */
	BUNDLES_MISFIT, /* some open, but no row allows them */
	BUNDLES_FRESH,	/* the one to use is fresh */
	BUNDLES_FINAL,
};

enum action {
	ACT_SERVE, /* no shares in the plan: storage key and password only */
	ACT_INIT,  /* nothing is stored: wait for what init hands out */
	ACT_FRESH, /* unseal, then make the final bundle */
	ACT_FINAL, /* unseal */
	ACT_OLD,   /* unseal with separately stored shares */
	ACT_SHUT,  /* stop: BLOB */
	ACT_STOP,  /* stop: TPM_STATE */
};

/* Decides; old: separate keys were handed over. */
enum action plan_decide(const struct plan *p, enum bundles found, bool old);

#endif
