/* SPDX-License-Identifier: Apache-2.0 */
/* Bundles: opening and making; the layout is drawn in ipc/blob.h. */
#include "tpm_bundle.h"

#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

#include "cursor.h"
#include "tpm_cipher.h"
#include "tpm_keyset.h"

#define FORMAT	    1u
#define SALT	    32u
#define OFF_SALT    (BUNDLE_HEADER - SALT)
#define CONTEXT_MAX (128u + STORE_ID_MAX) /* 66 bytes of it are fixed */
#define DERIVED	    (AES_KEY + GCM_IV)

static const char purpose[] = "sallyport sealed object v1";
static const uint8_t magic[4] = {'S', 'P', 'B', 'U'};

struct bundle_seal {
	struct secret *sk_derived; /* AES key, IV */
	uint8_t header[BUNDLE_HEADER];
	uint8_t aad[BUNDLE_HEADER + CONTEXT_MAX];
	size_t aad_bytes;
	enum bundle_kind kind;
};

/* Header and context in one piece: the context is its second part. */
static int
write_aad(const struct bundle_name *n, struct bundle_seal *s)
{
	size_t store = strnlen(n->store_id, STORE_ID_MAX + 1);
	struct wr w;

	if (store < 1 || store > STORE_ID_MAX)
		return ERR_RANGE;
	wr_init(&w, s->aad, sizeof(s->aad));
	wr_bytes(&w, s->header, BUNDLE_HEADER);
	wr_var16(&w, purpose, sizeof(purpose) - 1);
	wr_var16(&w, NAME_BUNDLE, sizeof(NAME_BUNDLE) - 1);
	wr_var16(&w, n->store_id, store);
	wr_bytes(&w, n->generation, GENERATION_BYTES);
	wr_u8(&w, (uint8_t)n->kind);
	s->kind = n->kind;
	return wr_end(&w, &s->aad_bytes);
}

static int
derive(const struct master *m, struct bundle_seal *s)
{
	struct hkdf h = {
		.salt = s->header + OFF_SALT,
		.salt_bytes = SALT,
		.info = s->aad + BUNDLE_HEADER,
		.info_bytes = s->aad_bytes - BUNDLE_HEADER,
	};
	int r;

	h.sk_ikm = master_sk_primes(m, &h.ikm_bytes);
	if ((r = secret_new(DERIVED, &s->sk_derived)) != 0)
		return r;
	return hkdf_sha256(&h, secret_bytes(s->sk_derived), DERIVED);
}

static struct gcm
cipher_of(const struct bundle_seal *s)
{
	const uint8_t *sk = secret_bytes(s->sk_derived);

	return (struct gcm){.sk_key = sk,
			    .iv = sk + AES_KEY,
			    .aad = s->aad,
			    .aad_bytes = s->aad_bytes};
}

static int
read_header(const struct master *m, const uint8_t *in, size_t bytes,
	    struct bundle_name *n)
{
	const uint8_t *p, *generation, *key_id;
	uint16_t format;
	uint8_t kind, zero;
	struct rd r;

	rd_init(&r, in, bytes);
	if (bytes != BUNDLE_BYTES || rd_bytes(&r, sizeof(magic), &p) != 0 ||
	    memcmp(p, magic, sizeof(magic)) != 0 || rd_u16(&r, &format) != 0 ||
	    format != FORMAT || rd_u8(&r, &kind) != 0 ||
	    (kind != BUNDLE_FRESH && kind != BUNDLE_FINAL) ||
	    rd_u8(&r, &zero) != 0 || zero != 0 ||
	    rd_bytes(&r, GENERATION_BYTES, &generation) != 0 ||
	    rd_bytes(&r, KEY_ID, &key_id) != 0)
		return ERR_FORMAT;
	if (memcmp(key_id, master_id(m), KEY_ID) != 0)
		return ERR_MISMATCH;
	memcpy(n->generation, generation, GENERATION_BYTES);
	n->kind = kind == BUNDLE_FRESH ? BUNDLE_FRESH : BUNDLE_FINAL;
	return 0;
}

int
bundle_open(const struct master *m, const char *store_id, const uint8_t *in,
	    size_t bytes, struct bundle_name *out_name,
	    struct secret **out_sk_set)
{
	struct bundle_name n = {.store_id = store_id};
	struct secret *sk = NULL;
	struct bundle_seal s = {0};
	const uint8_t *text;
	struct gcm g;
	int r;

	if ((r = read_header(m, in, bytes, &n)) != 0)
		return r;
	text = in + BUNDLE_HEADER;
	memcpy(s.header, in, BUNDLE_HEADER);
	if ((r = write_aad(&n, &s)) != 0 || (r = derive(m, &s)) != 0 ||
	    (r = secret_new(KEYSET_BYTES, &sk)) != 0)
		goto out;
	g = cipher_of(&s);
	r = gcm_open(&g, text, KEYSET_BYTES, text + KEYSET_BYTES,
		     secret_bytes(sk));
	if (r == 0)
		r = keyset_check(secret_bytes(sk), n.kind == BUNDLE_FRESH);
	if (r == 0) {
		*out_name = n;
		*out_sk_set = sk;
		sk = NULL;
	}
out:
	secret_free(sk);
	secret_free(s.sk_derived);
	return r;
}

static int
write_header(const struct master *m, const struct bundle_name *n,
	     uint8_t out[static BUNDLE_HEADER])
{
	uint8_t salt[SALT];
	struct wr w;
	size_t bytes;

	if (RAND_bytes(salt, SALT) != 1)
		return ERR_CRYPTO;
	wr_init(&w, out, BUNDLE_HEADER);
	wr_bytes(&w, magic, sizeof(magic));
	wr_u16(&w, FORMAT);
	wr_u8(&w, (uint8_t)n->kind);
	wr_u8(&w, 0);
	wr_bytes(&w, n->generation, GENERATION_BYTES);
	wr_bytes(&w, master_id(m), KEY_ID);
	wr_bytes(&w, salt, SALT);
	return wr_end(&w, &bytes);
}

int
bundle_prepare(const struct master *m, const struct bundle_name *name,
	       struct bundle_seal **out_seal)
{
	struct bundle_seal *s = calloc(1, sizeof(*s));
	int r = ERR_NOMEM;

	if (!s)
		return r;
	if ((r = write_header(m, name, s->header)) == 0 &&
	    (r = write_aad(name, s)) == 0 && (r = derive(m, s)) == 0) {
		*out_seal = s;
		s = NULL;
	}
	bundle_seal_free(s);
	return r;
}

int
bundle_make(struct bundle_seal *s, const uint8_t sk_set[static KEYSET_BYTES],
	    uint8_t out[static BUNDLE_BYTES])
{
	struct gcm g;
	int r;

	/* One key and IV for one plaintext: a second call must not seal. */
	if (!s->sk_derived ||
	    keyset_check(sk_set, s->kind == BUNDLE_FRESH) != 0)
		return ERR_CRYPTO;
	g = cipher_of(s);
	r = gcm_seal(&g, sk_set, KEYSET_BYTES, out + BUNDLE_HEADER);
	secret_free(s->sk_derived);
	s->sk_derived = NULL;
	if (r == 0)
		memcpy(out, s->header, BUNDLE_HEADER);
	return r;
}

void
bundle_seal_free(struct bundle_seal *s)
{
	if (!s)
		return;
	secret_free(s->sk_derived);
	free(s);
}
