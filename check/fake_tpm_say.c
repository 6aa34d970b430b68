/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the played TPM says: empty of others' objects, an attestation key
 * whose signatures nobody checks here, a transfer key whose private half this
 * process holds (TPM 2.0 Part 3).
 */
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <string.h>
#include <unistd.h>

#include "b64.h"
#include "fake_tpm.h"

#define RSA_BYTES 256u
#define NV_HCL	  0x01400001u
#define HCL_AREA  2600u
#define CERT_AREA 1024u
#define AK_PUBLIC 280u /* TPMT_PUBLIC */
#define KEY_MAX	  512u

static struct {
	const struct fixture *f;
	uint8_t ak[AK_PUBLIC], ak_name[2 + HASH];
	uint8_t key[KEY_MAX], key_name[2 + HASH];
	size_t key_bytes;
	uint8_t hcl[HCL_AREA], cert[CERT_AREA];
} tpm;

void
tpm_hash(const void *a, size_t n, const void *b, size_t m,
	 uint8_t out[static HASH])
{
	EVP_MD_CTX *c = EVP_MD_CTX_new();

	if (!c || EVP_DigestInit_ex(c, EVP_sha256(), NULL) != 1 ||
	    EVP_DigestUpdate(c, a, n) != 1 || EVP_DigestUpdate(c, b, m) != 1 ||
	    EVP_DigestFinal_ex(c, out, NULL) != 1)
		_exit(1);
	EVP_MD_CTX_free(c);
}

static void
name_of(const void *public, size_t n, uint8_t out[static 2 + HASH])
{
	out[0] = 0;
	out[1] = 0x0b;
	tpm_hash(public, n, "", 0, out + 2);
}

/* The qualified name of a primary: its hierarchy and its name. */
static void
put_qualified(struct wr *w, uint8_t hierarchy, const uint8_t *name)
{
	const uint8_t h[4] = {0x40, 0, 0, hierarchy};
	uint8_t q[2 + HASH] = {0, 0x0b};

	tpm_hash(h, sizeof(h), name, 2 + HASH, q + 2);
	wr_var16(w, q, sizeof(q));
}

static void
put_selection(struct wr *w)
{
	static const uint8_t s[10] = {0, 0, 0, 1, 0, 0x0b, 3, 0xff, 0, 0};

	wr_bytes(w, s, sizeof(s));
}

static void
pcr_values(uint8_t out[static 8 * HASH])
{
	for (unsigned i = 0; i < 8; i++)
		memset(out + i * HASH, (int)i, HASH);
}

static void
pcr_read(struct command *c)
{
	uint8_t v[8 * HASH];

	pcr_values(v);
	wr_u32(&c->out, 1);
	put_selection(&c->out);
	wr_u32(&c->out, 8);
	for (unsigned i = 0; i < 8; i++)
		wr_var16(&c->out, v + i * HASH, HASH);
}

/* Skips n handles and the authorisation area. */
static int
skip_auth(struct command *c, unsigned handles)
{
	const uint8_t *p;
	uint32_t n;

	for (unsigned i = 0; i < handles; i++)
		if (rd_u32(&c->in, &n) != 0)
			return ERR_FORMAT;
	if (rd_u32(&c->in, &n) != 0)
		return ERR_FORMAT;
	return rd_bytes(&c->in, n, &p);
}

/* The key is the one asked for, with the fixture's modulus in `unique`. */
static int
create_primary(struct command *c)
{
	static const uint8_t empty[HASH];
	const uint8_t *p;
	BIGNUM *n = NULL;
	size_t bytes;
	uint8_t digest[HASH];

	if (skip_auth(c, 1) != 0 ||
	    rd_var16(&c->in, 0, CMD_MAX, &p, &bytes) != 0 ||
	    rd_var16(&c->in, RSA_BYTES, KEY_MAX, &p, &bytes) != 0)
		return ERR_FORMAT;
	memcpy(tpm.key, p, bytes);
	tpm.key_bytes = bytes;
	if (EVP_PKEY_get_bn_param(tpm.f->transfer, "n", &n) != 1 ||
	    BN_bn2binpad(n, tpm.key + bytes - RSA_BYTES, RSA_BYTES) !=
		    RSA_BYTES)
		_exit(1);
	BN_free(n);
	name_of(tpm.key, bytes, tpm.key_name);
	c->handle = 0x80000000;
	wr_var16(&c->out, tpm.key, bytes);
	/* creation data: no PCR, its digest, locality, the null parent */
	tpm_hash("", 0, "", 0, digest);
	wr_u16(&c->out, 4 + 2 + HASH + 1 + 2 + 6 + 6 + 2);
	wr_u32(&c->out, 0);
	wr_var16(&c->out, digest, HASH);
	wr_u8(&c->out, 1);
	wr_u16(&c->out, 0x10);
	wr_var16(&c->out, "\x40\0\0\x07", 4);
	wr_var16(&c->out, "\x40\0\0\x07", 4);
	wr_u16(&c->out, 0);
	wr_var16(&c->out, digest, HASH); /* creation hash */
	wr_u16(&c->out, 0x8021);	 /* ticket */
	wr_u32(&c->out, 0x40000007);
	wr_var16(&c->out, empty, HASH);
	wr_var16(&c->out, tpm.key_name, sizeof(tpm.key_name));
	return 0;
}

static void
read_public(struct command *c)
{
	wr_var16(&c->out, tpm.ak, sizeof(tpm.ak));
	wr_var16(&c->out, tpm.ak_name, sizeof(tpm.ak_name));
	put_qualified(&c->out, 0x0b, tpm.ak_name);
}

static int
nv_read_public(struct command *c)
{
	uint8_t pub[14], name[2 + HASH];
	uint32_t index;
	struct wr w;

	if (rd_u32(&c->in, &index) != 0)
		return ERR_FORMAT;
	wr_init(&w, pub, sizeof(pub));
	wr_u32(&w, index);
	wr_u16(&w, 0x0b);
	wr_u32(&w, 0x22020002); /* written, no lockout, the owner's */
	wr_u16(&w, 0);
	wr_u16(&w, index == NV_HCL ? HCL_AREA : CERT_AREA);
	name_of(pub, sizeof(pub), name);
	wr_var16(&c->out, pub, sizeof(pub));
	wr_var16(&c->out, name, sizeof(name));
	return 0;
}

static int
nv_read(struct command *c)
{
	struct rd handles = c->in;
	uint32_t owner, index;
	uint16_t size, at;
	bool hcl;

	if (rd_u32(&handles, &owner) != 0 || rd_u32(&handles, &index) != 0 ||
	    skip_auth(c, 2) != 0 || rd_u16(&c->in, &size) != 0 ||
	    rd_u16(&c->in, &at) != 0)
		return ERR_FORMAT;
	hcl = index == NV_HCL;
	if ((unsigned)size + at > (hcl ? HCL_AREA : CERT_AREA))
		return ERR_RANGE;
	wr_var16(&c->out, (hcl ? tpm.hcl : tpm.cert) + at, size);
	return 0;
}

/* TPMS_ATTEST and a signature of the right shape. */
static void
statement(struct command *c, bool quote)
{
	uint8_t attest[256], sig[RSA_BYTES], digest[HASH], v[8 * HASH];
	static const uint8_t clock[17 + 8];
	struct wr w;
	size_t n;

	wr_init(&w, attest, sizeof(attest));
	wr_u32(&w, 0xff544347);
	wr_u16(&w, quote ? 0x8018 : 0x8017);
	put_qualified(&w, 0x0b, tpm.ak_name);
	wr_u16(&w, 0);
	wr_bytes(&w, clock, sizeof(clock));
	if (quote) {
		pcr_values(v);
		tpm_hash(v, sizeof(v), "", 0, digest);
		put_selection(&w);
		wr_var16(&w, digest, HASH);
	} else {
		wr_var16(&w, tpm.key_name, sizeof(tpm.key_name));
		put_qualified(&w, 0x07, tpm.key_name);
	}
	if (wr_end(&w, &n) != 0)
		_exit(1);
	memset(sig, 0x5a, sizeof(sig));
	wr_var16(&c->out, attest, n);
	wr_u16(&c->out, 0x14);
	wr_u16(&c->out, 0x0b);
	wr_var16(&c->out, sig, sizeof(sig));
}

static void
start_session(struct command *c)
{
	uint8_t nonce[HASH];

	if (RAND_bytes(nonce, sizeof(nonce)) != 1)
		_exit(1);
	c->handle = 0x03000000;
	wr_var16(&c->out, nonce, sizeof(nonce));
}

static int
decrypt(struct command *c)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(tpm.f->transfer, NULL);
	uint8_t plain[RSA_BYTES];
	size_t n = sizeof(plain), bytes;
	struct rd auth = c->in;
	uint16_t scheme, md = 0;
	const uint8_t *p, *nonce;
	int r = ERR_FORMAT;

	/* key, size of the area, session; then the caller's nonce */
	if (rd_bytes(&auth, 12, &p) != 0 ||
	    rd_var16(&auth, HASH, HASH, &nonce, &bytes) != 0 ||
	    skip_auth(c, 1) != 0 ||
	    rd_var16(&c->in, RSA_BYTES, RSA_BYTES, &p, &bytes) != 0 ||
	    rd_u16(&c->in, &scheme) != 0 ||
	    (scheme == 0x17 && rd_u16(&c->in, &md) != 0))
		goto out;
	if (!ctx || EVP_PKEY_decrypt_init(ctx) != 1 ||
	    EVP_PKEY_CTX_set_rsa_padding(ctx, md ? RSA_PKCS1_OAEP_PADDING
						 : RSA_PKCS1_PADDING) != 1 ||
	    (md && EVP_PKEY_CTX_set_rsa_oaep_md(ctx, EVP_sha256()) != 1) ||
	    EVP_PKEY_decrypt(ctx, plain, &n, p, bytes) != 1)
		goto out;
	memcpy(c->nonce, nonce, HASH);
	wr_var16(&c->out, plain, n);
	r = 0;
out:
	EVP_PKEY_CTX_free(ctx);
	return r;
}

static void
le32(uint8_t *p, size_t v)
{
	for (unsigned i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> (8 * i));
}

/* The report that names the attestation key (attest-worker/tpm_hcl.c). */
static void
make_report(const uint8_t *modulus)
{
	static const char head[] = "{\"keys\":[{\"kid\":\"HCLAkPub\",\"n\":\"";
	char *claims = (char *)tpm.hcl + 1236;
	size_t n;

	memcpy(claims, head, sizeof(head));
	n = sizeof(head) - 1;
	n += b64_encode(B64_URL, modulus, RSA_BYTES, claims + n);
	while (claims[n - 1] == '=')
		n--;
	memcpy(claims + n, "\"}]}", 4);
	n += 4;
	memset(claims + n, 0, HCL_AREA - 1236 - n);
	memcpy(tpm.hcl, "HCLA", 4);
	le32(tpm.hcl + 4, 1);
	le32(tpm.hcl + 8, 1236 + n);
	le32(tpm.hcl + 12, 2);
	le32(tpm.hcl + 1216, 20 + n);
	le32(tpm.hcl + 1220, 1);
	le32(tpm.hcl + 1224, 2);
	le32(tpm.hcl + 1228, 1);
	le32(tpm.hcl + 1232, n);
	tpm_hash(claims, n, "", 0, tpm.hcl + 32 + 0x50);
}

void
tpm_make(const struct fixture *f)
{
	/* RSA, SHA-256, restricted signing, RSASSA, 2048 bits, 65537 */
	static const uint8_t head[24] = {0, 1, 0, 0x0b, 0, 5,	 4, 0x72,
					 0, 0, 0, 0x10, 0, 0x14, 0, 0x0b,
					 8, 0, 0, 0,	0, 0,	 1, 0};

	tpm.f = f;
	memcpy(tpm.ak, head, sizeof(head));
	memset(tpm.ak + sizeof(head), 0xc5, RSA_BYTES);
	name_of(tpm.ak, sizeof(tpm.ak), tpm.ak_name);
	make_report(tpm.ak + sizeof(head));
	memcpy(tpm.cert, "\x30\x82\x02\x00",
	       4); /* a certificate by its shape */
	memset(tpm.cert + 4, 0x5a, 0x200);
}

int
tpm_say(struct command *c)
{
	switch (c->code) {
	case CC_GET_CAPABILITY: /* no handle of anybody's */
		wr_bytes(&c->out, "\0\0\0\0\x01\0\0\0\0", 9);
		return 0;
	case CC_PCR_READ:
		pcr_read(c);
		return 0;
	case CC_CREATE_PRIMARY:
		return create_primary(c);
	case CC_READ_PUBLIC:
		read_public(c);
		return 0;
	case CC_NV_READ_PUBLIC:
		return nv_read_public(c);
	case CC_NV_READ:
		return nv_read(c);
	case CC_QUOTE:
		statement(c, true);
		return 0;
	case CC_CERTIFY:
		statement(c, false);
		return 0;
	case CC_START_SESSION:
		start_session(c);
		return 0;
	case CC_DECRYPT:
		return decrypt(c);
	case CC_FLUSH:
	case CC_POLICY_PCR:
		return 0;
	default:
		return ERR_NOTFOUND;
	}
}
