/* SPDX-License-Identifier: Apache-2.0 */
/* Which blobs are taken, and what opening them comes to. */
#include "check.h"
#include "cursor.h"
#include "tpm_help.h"
#include "tpm_keyset.h"
#include "tpm_open.h"

#define STORE "raft:/srv"
#define BOOT  (SLOT_BIT(SLOT_BUNDLE) | SLOT_BIT(SLOT_OLD_KEY))

static struct test_key raw;
static struct master *key;
static struct blobs b;
static struct opened o;

static struct plan
boot_plan(void)
{
	struct plan p = {.slots = BOOT, .generation = {1}};

	memcpy(p.store_id, STORE, sizeof(STORE));
	return p;
}

static int
give(const struct plan *p, unsigned slot, unsigned age, const void *data,
     size_t bytes)
{
	static uint8_t body[4 + BLOB_MAX + 8];
	struct wr w;
	size_t n;

	wr_init(&w, body, sizeof(body));
	wr_u8(&w, (uint8_t)slot);
	wr_u8(&w, (uint8_t)age);
	wr_var16(&w, data, bytes);
	EXPECT(wr_end(&w, &n) == 0);
	return blobs_add(&b, p, body, n);
}

static void
give_wrapped(const struct plan *p, unsigned slot, unsigned age,
	     const char *text)
{
	EVP_PKEY_CTX *c = EVP_PKEY_CTX_new_from_pkey(NULL, raw.key, NULL);
	uint8_t box[256];
	size_t n = sizeof(box);

	EXPECT(EVP_PKEY_encrypt_init(c) == 1 &&
	       EVP_PKEY_CTX_set_rsa_padding(c, RSA_PKCS1_OAEP_PADDING) == 1 &&
	       EVP_PKEY_CTX_set_rsa_oaep_md(c, EVP_sha256()) == 1 &&
	       EVP_PKEY_encrypt(c, box, &n, (const uint8_t *)text,
				strlen(text)) == 1);
	EVP_PKEY_CTX_free(c);
	EXPECT(give(p, slot, age, box, n) == 0);
}

static void
give_bundle(const struct plan *p, unsigned age, enum bundle_kind kind,
	    uint8_t generation, uint8_t mark)
{
	struct bundle_name n = {STORE, {generation}, kind};
	uint8_t set[KEYSET_BYTES], share[33], out[BUNDLE_BYTES];
	struct bundle_seal *s = NULL;

	keyset_begin(set);
	memset(share, mark, sizeof(share));
	EXPECT(keyset_add(set, share, sizeof(share)) == 0);
	if (kind == BUNDLE_FRESH) {
		set[2] = 1;
		set[4] = 't';
	}
	EXPECT(bundle_prepare(key, &n, &s) == 0 &&
	       bundle_make(s, set, out) == 0);
	bundle_seal_free(s);
	EXPECT(give(p, SLOT_BUNDLE, age, out, sizeof(out)) == 0);
}

static int
opened_as(const struct plan *p)
{
	int code = open_all(key, p, &b, &o);

	b.count = 0;
	return code;
}

CASE(blobs_outside_the_plan_are_refused)
{
	struct plan p = {.slots = SLOT_BIT(SLOT_TLS_CERT) |
				  SLOT_BIT(SLOT_TLS_PASSWORD) |
				  SLOT_BIT(SLOT_BUNDLE)};

	b.count = 0;
	EXPECT(give(&p, SLOT_STORAGE_KEY, 0, "x", 1) == ERR_PROTO);
	EXPECT(give(&p, SLOT_TLS_CERT, 0, "x", 1) == ERR_PROTO);
	EXPECT(give(&p, SLOT_OLD_KEY, 0, "x", 1) == ERR_PROTO);
	EXPECT(give(&p, SLOT_COUNT, 0, "x", 1) == ERR_PROTO);
	EXPECT(give(&p, 255, 0, "x", 1) == ERR_PROTO);
	EXPECT(give(&p, SLOT_TLS_PASSWORD, 1, "x", 1) == ERR_PROTO);
	EXPECT(give(&p, SLOT_BUNDLE, BUNDLE_VERSIONS, "x", 1) == ERR_PROTO);
	EXPECT(b.count == 0);
	EXPECT(give(&p, SLOT_TLS_PASSWORD, 0, "x", 1) == 0);
	EXPECT(give(&p, SLOT_TLS_PASSWORD, 0, "x", 1) == ERR_PROTO);
	for (unsigned age = 0; age < BUNDLE_VERSIONS; age++)
		EXPECT(give(&p, SLOT_BUNDLE, age, "x", 1) == 0);
	EXPECT(b.count == 5);
}

CASE(bodies_that_do_not_parse_are_refused)
{
	struct plan p = boot_plan();

	b.count = 0;
	EXPECT(blobs_add(&b, &p, (const uint8_t *)"\3\0\0\1", 4) == ERR_PROTO);
	EXPECT(blobs_add(&b, &p, (const uint8_t *)"\3\0\0\0x", 5) == ERR_PROTO);
	EXPECT(blobs_add(&b, &p, (const uint8_t *)"\3\0\0", 3) == ERR_PROTO);
	EXPECT(blobs_add(&b, &p, (const uint8_t *)"", 0) == ERR_PROTO);
	EXPECT(blobs_add(&b, &p, (const uint8_t *)"\3\0\0\0", 4) == 0);
}

CASE(blobs_too_long_to_be_anything_do_not_open)
{
	static const uint8_t big[BLOB_MAX];
	struct plan p = boot_plan();

	b.count = 0;
	EXPECT(give(&p, SLOT_BUNDLE, 0, big, sizeof(big)) == 0);
	EXPECT(opened_as(&p) == EXIT_BLOB);
	opened_free(&o);
}

CASE(the_newest_that_opens_and_fits_is_used)
{
	struct plan p = boot_plan();

	b.count = 0;
	give_bundle(&p, 3, BUNDLE_FINAL, 2, 0x33);
	give_bundle(&p, 2, BUNDLE_FRESH, 1, 0x22);
	EXPECT(give(&p, SLOT_BUNDLE, 0, "junk", 4) == 0);
	EXPECT(opened_as(&p) == 0 && o.action == ACT_FRESH && o.next);
	EXPECT(o.sk_set && secret_bytes(o.sk_set)[133] == 0x22);
	opened_free(&o);
}

/* Versions of one second have no order; final is made of fresh. */
CASE(of_one_generation_the_final_one_is_used)
{
	struct plan p = boot_plan();

	for (p.skip = 0; p.skip < 2; p.skip++) {
		b.count = 0;
		give_bundle(&p, 0, BUNDLE_FRESH, 1, 0x11);
		give_bundle(&p, 1, BUNDLE_FRESH, 1, 0x22);
		give_bundle(&p, 2, BUNDLE_FINAL, 1, 0x33);
		EXPECT(opened_as(&p) == 0);
		EXPECT(o.action == (p.skip ? ACT_FRESH : ACT_FINAL));
		EXPECT(secret_bytes(o.sk_set)[133] == (p.skip ? 0x22 : 0x33));
		opened_free(&o);
	}
	p = boot_plan();
	p.marker = MARKER_PREPARED; /* its row has no final bundle */
	b.count = 0;
	give_bundle(&p, 0, BUNDLE_FRESH, 1, 0x11);
	give_bundle(&p, 1, BUNDLE_FINAL, 1, 0x33);
	EXPECT(opened_as(&p) == 0 && o.action == ACT_FRESH);
	opened_free(&o);
}

CASE(skip_counts_those_that_could_be_used)
{
	struct plan p = boot_plan();

	for (p.skip = 0; p.skip < 3; p.skip++) {
		int code;

		b.count = 0;
		EXPECT(give(&p, SLOT_BUNDLE, 0, "junk", 4) == 0);
		give_bundle(&p, 1, BUNDLE_FINAL, 1, 0x11);
		give_bundle(&p, 3, BUNDLE_FINAL, 1, 0x33);
		code = opened_as(&p);
		if (p.skip == 2)
			EXPECT(code == EXIT_TPM_STATE && !o.sk_set);
		else
			EXPECT(code == 0 && o.sk_set &&
			       secret_bytes(o.sk_set)[133] ==
				       (p.skip ? 0x33 : 0x11));
		opened_free(&o);
	}
}

CASE(a_prepared_store_passes_over_bundles_of_others)
{
	struct plan p = boot_plan();

	p.marker = MARKER_PREPARED;
	b.count = 0;
	give_bundle(&p, 0, BUNDLE_FRESH, 9, 0x11);
	give_bundle(&p, 1, BUNDLE_FINAL, 1, 0x22);
	give_bundle(&p, 2, BUNDLE_FRESH, 1, 0x33);
	EXPECT(opened_as(&p) == 0 && o.action == ACT_FRESH);
	EXPECT(o.sk_set && secret_bytes(o.sk_set)[133] == 0x33);
	opened_free(&o);
}

CASE(old_shares_keep_their_order)
{
	static const char one[] = "1111111111111111111111111111111111111111111"
				  "11111111111111111111111";
	static const char two[] = "2222222222222222222222222222222222222222222"
				  "22222222222222222222222";
	struct plan p = boot_plan();

	b.count = 0;
	give_wrapped(&p, SLOT_OLD_KEY, 4, two);
	give_wrapped(&p, SLOT_OLD_KEY, 1, one);
	EXPECT(opened_as(&p) == 0 && o.action == ACT_OLD && !o.next);
	EXPECT(o.sk_set && secret_bytes(o.sk_set)[1] == 2 &&
	       secret_bytes(o.sk_set)[133] == 0x11 &&
	       secret_bytes(o.sk_set)[133 + 34] == 0x22);
	opened_free(&o);
}

CASE(what_the_plan_names_must_be_there)
{
	struct plan p = {.slots = SLOT_BIT(SLOT_TLS_PASSWORD)};

	b.count = 0;
	EXPECT(opened_as(&p) == EXIT_PROTOCOL);
	opened_free(&o);
	give_wrapped(&p, SLOT_TLS_PASSWORD, 0, "pw");
	EXPECT(opened_as(&p) == 0 && o.action == ACT_SERVE && o.sk_password);
	opened_free(&o);
	give_wrapped(&p, SLOT_TLS_PASSWORD, 0, "p\n");
	EXPECT(opened_as(&p) == EXIT_BLOB_CONTENT && !o.sk_password);
	opened_free(&o);
	EXPECT(give(&p, SLOT_TLS_PASSWORD, 0, "no RSA", 6) == 0);
	EXPECT(opened_as(&p) == EXIT_BLOB);
	opened_free(&o);
}

CASE(nothing_stored_prepares_a_bundle_of_this_generation)
{
	struct plan p = boot_plan();
	uint8_t set[KEYSET_BYTES], share[33] = {1}, out[BUNDLE_BYTES];

	p.may_init = true;
	b.count = 0;
	EXPECT(opened_as(&p) == 0 && o.action == ACT_INIT && o.next);
	keyset_begin(set);
	EXPECT(keyset_add(set, share, 33) == 0);
	set[2] = 1;
	set[4] = 't';
	EXPECT(bundle_make(o.next, set, out) == 0);
	EXPECT(out[6] == BUNDLE_FRESH &&
	       memcmp(out + 8, p.generation, 16) == 0);
	opened_free(&o);
}

int
main(void)
{
	int r;

	need_arena();
	raw = new_key(2048);
	if (master_new(raw.der, raw.der_bytes, NULL, &key) != 0)
		return EXIT_FAILURE;
	r = check_run();
	master_free(key);
	drop_key(&raw);
	return r;
}
