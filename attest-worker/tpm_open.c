/* SPDX-License-Identifier: Apache-2.0 */
/* The plan, carried out over the blobs that were fetched. */
#include "tpm_open.h"

#include <string.h>

#include "cursor.h"
#include "tpm_content.h"
#include "tpm_keyset.h"

static const struct blob *
find(const struct blobs *b, unsigned slot, unsigned age)
{
	for (unsigned i = 0; i < b->count; i++)
		if (b->blob[i].slot == slot && b->blob[i].age == age)
			return &b->blob[i];
	return NULL;
}

static unsigned
ages_of(unsigned slot)
{
	switch (slot) {
	case SLOT_TLS_PASSWORD:
	case SLOT_STORAGE_KEY:
		return 1;
	case SLOT_BUNDLE:
		return BUNDLE_VERSIONS;
	case SLOT_OLD_KEY:
		return KEYSET_SHARES;
	default:
		return 0; /* the certificate goes past us, as PFX */
	}
}

int
blobs_add(struct blobs *b, const struct plan *p, const uint8_t *body,
	  size_t bytes)
{
	const uint8_t *data;
	uint8_t slot, age;
	struct blob *to;
	size_t n;
	struct rd r;

	rd_init(&r, body, bytes);
	if (rd_u8(&r, &slot) != 0 || rd_u8(&r, &age) != 0 ||
	    rd_var16(&r, 0, BLOB_MAX, &data, &n) != 0 || rd_end(&r) != 0)
		return ERR_PROTO;
	if (slot >= SLOT_COUNT || (p->slots & SLOT_BIT(slot)) == 0 ||
	    age >= ages_of(slot) || find(b, slot, age) != NULL ||
	    b->count >= BLOBS_MAX)
		return ERR_PROTO;
	to = &b->blob[b->count++];
	to->slot = slot;
	to->age = age;
	/* Too long to be anything: kept as empty, which does not open. */
	to->bytes = n > BLOB_KEPT_MAX ? 0 : (uint16_t)n;
	memcpy(to->data, data, to->bytes);
	return 0;
}

static int
code_of(int r)
{
	switch (r) {
	case 0:
		return 0;
	case ERR_FORMAT:
	case ERR_RANGE:
		return EXIT_BLOB_CONTENT;
	case ERR_NOMEM:
		return EXIT_INTERNAL;
	default:
		return EXIT_BLOB;
	}
}

typedef int decode_fn(const struct secret *sk_text, struct secret **out_sk);

/* One RSA-OAEP blob and what is in it; it must be there. */
static int
open_one(const struct master *m, const struct blob *b, decode_fn *decode,
	 struct secret **out_sk)
{
	struct secret *sk_text = NULL;
	int r;

	if (!b)
		return EXIT_PROTOCOL; /* fetch does not end without it */
	r = master_open(m, b->data, b->bytes, &sk_text);
	if (r == 0)
		r = decode(sk_text, out_sk);
	secret_free(sk_text);
	return code_of(r);
}

static int
open_old(const struct master *m, const struct blobs *b, struct secret **out_sk)
{
	struct secret *sk_set, *sk_share = NULL;
	const struct blob *one;
	int r, code = 0;

	if ((r = secret_new(KEYSET_BYTES, &sk_set)) != 0)
		return code_of(r);
	keyset_begin(secret_bytes(sk_set));
	for (unsigned age = 0; code == 0 && age < KEYSET_SHARES; age++) {
		if (!(one = find(b, SLOT_OLD_KEY, age)))
			continue;
		code = open_one(m, one, content_share, &sk_share);
		if (code == 0)
			code = code_of(keyset_add(secret_bytes(sk_set),
						  secret_bytes(sk_share),
						  secret_size(sk_share)));
		secret_free(sk_share);
		sk_share = NULL;
	}
	if (code == 0) {
		*out_sk = sk_set;
		sk_set = NULL;
	}
	secret_free(sk_set);
	return code;
}

/*
 * Two versions made within one second have no order in the key vault.  Of one
 * generation the final bundle is the newer one, always: it is made of the
 * fresh one.  Returns 0 (found or not) or EXIT_INTERNAL.
 */
static int
prefer_final(const struct master *m, const struct plan *p,
	     const struct blobs *b, struct bundle_name *n, struct opened *o)
{
	struct bundle_name other;
	const struct blob *one;
	struct secret *sk;
	int r;

	for (unsigned age = 0; age < BUNDLE_VERSIONS; age++) {
		if (!(one = find(b, SLOT_BUNDLE, age)))
			continue;
		sk = NULL;
		r = bundle_open(m, p->store_id, one->data, one->bytes, &other,
				&sk);
		if (r == ERR_NOMEM)
			return EXIT_INTERNAL;
		if (r == 0 && other.kind == BUNDLE_FINAL &&
		    plan_allows(p, &other) &&
		    equal_ct(other.generation, n->generation,
			     GENERATION_BYTES) == 0) {
			secret_free(o->sk_set);
			o->sk_set = sk;
			*n = other;
			return 0;
		}
		secret_free(sk);
	}
	return 0;
}

/*
 * The newest bundle that opens and that a row of the table allows, after
 * `skip` of those.
 */
static int
find_bundle(const struct master *m, const struct plan *p, const struct blobs *b,
	    struct bundle_name *out_name, struct opened *o,
	    enum bundles *out_found)
{
	uint32_t skip = p->skip;
	struct secret *sk = NULL;
	const struct blob *one;
	struct bundle_name n;
	int r;

	*out_found = BUNDLES_NONE;
	for (unsigned age = 0; age < BUNDLE_VERSIONS; age++) {
		if (!(one = find(b, SLOT_BUNDLE, age)))
			continue;
		if (*out_found == BUNDLES_NONE)
			*out_found = BUNDLES_SHUT;
		r = bundle_open(m, p->store_id, one->data, one->bytes, &n, &sk);
		if (r == ERR_NOMEM)
			return EXIT_INTERNAL;
		if (r != 0)
			continue;
		*out_found = BUNDLES_MISFIT;
		if (plan_allows(p, &n) && skip-- == 0) {
			o->sk_set = sk;
			if (n.kind == BUNDLE_FRESH && p->skip == 0 &&
			    (r = prefer_final(m, p, b, &n, o)) != 0)
				return r;
			*out_name = n;
			*out_found = n.kind == BUNDLE_FRESH ? BUNDLES_FRESH
							    : BUNDLES_FINAL;
			return 0;
		}
		secret_free(sk);
		sk = NULL;
	}
	return 0;
}

/*
 * What follows from the decision.  A bundle that is to be made later gets its
 * key now, so that the master key can go first.
 */
static int
act(const struct master *m, const struct plan *p, const struct blobs *b,
    struct bundle_name *n, struct opened *o)
{
	switch (o->action) {
	case ACT_SERVE:
	case ACT_FINAL:
		return 0;
	case ACT_OLD:
		return open_old(m, b, &o->sk_set);
	case ACT_INIT:
		memcpy(n->generation, p->generation, GENERATION_BYTES);
		n->store_id = p->store_id;
		n->kind = BUNDLE_FRESH;
		break;
	case ACT_FRESH:
		n->kind = BUNDLE_FINAL; /* same store, same generation */
		break;
	case ACT_SHUT:
		return EXIT_BLOB;
	case ACT_STOP:
		return EXIT_TPM_STATE;
	}
	return bundle_prepare(m, n, &o->next) == 0 ? 0 : EXIT_INTERNAL;
}

int
open_all(const struct master *m, const struct plan *p, const struct blobs *b,
	 struct opened *out)
{
	struct bundle_name n = {0};
	enum bundles found = BUNDLES_NONE;
	bool old = false;
	int code = 0;

	*out = (struct opened){0};
	if (p->slots & SLOT_BIT(SLOT_TLS_PASSWORD))
		code = open_one(m, find(b, SLOT_TLS_PASSWORD, 0),
				content_password, &out->sk_password);
	if (code == 0 && p->slots & SLOT_BIT(SLOT_STORAGE_KEY))
		code = open_one(m, find(b, SLOT_STORAGE_KEY, 0),
				content_storage_key, &out->sk_storage);
	if (code == 0)
		code = find_bundle(m, p, b, &n, out, &found);
	if (code != 0)
		return code;
	for (unsigned i = 0; i < b->count; i++)
		old |= b->blob[i].slot == SLOT_OLD_KEY;
	out->action = plan_decide(p, found, old);
	return act(m, p, b, &n, out);
}

void
opened_free(struct opened *o)
{
	secret_free(o->sk_password);
	secret_free(o->sk_storage);
	secret_free(o->sk_set);
	bundle_seal_free(o->next);
	*o = (struct opened){0};
}
