/* SPDX-License-Identifier: Apache-2.0 */
/* CONFIG of the tpm worker, and the decision. */
#include "tpm_plan.h"

#define SLOTS_SHARES (SLOT_BIT(SLOT_BUNDLE) | SLOT_BIT(SLOT_OLD_KEY))

/* A number that may be absent (0) and must be at most `max`. */
static int
small(const struct items *config, unsigned tag, uint32_t max, uint32_t *out)
{
	uint32_t v = 0;

	if (items_count(config, tag) > 0 && items_u32(config, tag, &v) != 0)
		return ERR_FORMAT;
	if (v > max)
		return ERR_FORMAT;
	*out = v;
	return 0;
}

static int
read_shares_part(const struct items *config, struct plan *p)
{
	uint32_t marker, layout, known, may_init;
	bool needs;

	if (items_u32(config, TAG_MARKER, &marker) != 0 ||
	    marker > MARKER_STORED ||
	    items_u32(config, TAG_LAYOUT, &layout) != 0 ||
	    layout > LAYOUT_BUNDLE ||
	    items_str(config, TAG_STORE_ID, 0, p->store_id,
		      sizeof(p->store_id)) != 0 ||
	    p->store_id[0] == '\0' ||
	    small(config, TAG_SKIP, BUNDLE_VERSIONS, &p->skip) != 0 ||
	    small(config, TAG_GENERATION_KNOWN, 1, &known) != 0 ||
	    small(config, TAG_MAY_INIT, 1, &may_init) != 0)
		return ERR_FORMAT;
	p->marker = (enum marker_state)marker;
	p->layout = (enum layout)layout;
	p->generation_known = known == 1;
	p->may_init = may_init == 1;
	needs = known == 1 || may_init == 1 || marker == MARKER_PREPARED;
	if (items_fixed(config, TAG_GENERATION, p->generation,
			sizeof(p->generation)) != 0 &&
	    (needs || items_count(config, TAG_GENERATION) != 0))
		return ERR_FORMAT;
	return 0;
}

int
plan_read(const struct items *config, struct plan *out)
{
	struct plan p = {0};

	if (items_u32(config, TAG_PLAN, &p.slots) != 0 ||
	    p.slots >= SLOT_BIT(SLOT_COUNT))
		return ERR_FORMAT;
	if (items_count(config, TAG_PIN) > 0) {
		if (items_fixed(config, TAG_PIN, p.pin, sizeof(p.pin)) != 0)
			return ERR_FORMAT;
		p.has_pin = true;
	}
	if (plan_unseals(&p) && read_shares_part(config, &p) != 0)
		return ERR_FORMAT;
	*out = p;
	return 0;
}

bool
plan_unseals(const struct plan *p)
{
	return (p->slots & SLOTS_SHARES) != 0;
}

/*
 * PREPARED: the store never had a public life, so the only bundle that can
 * be its own is the fresh one of this very generation.
 */
bool
plan_allows(const struct plan *p, const struct bundle_name *n)
{
	bool same =
		equal_ct(n->generation, p->generation, GENERATION_BYTES) == 0;

	if (p->marker == MARKER_PREPARED)
		return n->kind == BUNDLE_FRESH && same;
	return !p->generation_known || same;
}

/*
 *	marker		bundles		old keys	action
 *	any		none opens	any		SHUT
 *	any		no row fits	any		STOP
 *	any		fresh, allowed	ignored		FRESH
 *	any		final, allowed	ignored		FINAL
 *	none		none		yes, auto	OLD
 *	PREPARED	none		yes, auto	STOP (refused)
 *	STORED		none		any		STOP
 *	none, PREPARED	none		none		INIT if it may
 *
 * Under layout = bundle, old keys count as nothing there.
 */
enum action
plan_decide(const struct plan *p, enum bundles found, bool old)
{
	if (!plan_unseals(p))
		return ACT_SERVE;
	switch (found) {
	case BUNDLES_SHUT:
		return ACT_SHUT;
	case BUNDLES_MISFIT:
		return ACT_STOP;
	case BUNDLES_FRESH:
		return ACT_FRESH;
	case BUNDLES_FINAL:
		return ACT_FINAL;
	case BUNDLES_NONE:
		break;
	}
	if (old && p->layout == LAYOUT_AUTO)
		return p->marker == MARKER_NONE ? ACT_OLD : ACT_STOP;
	if (p->marker == MARKER_STORED || !p->may_init)
		return ACT_STOP;
	return ACT_INIT;
}
