/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The attestation key, which must be exactly what azure-protocol 2.1 says,
 * and what it signs: the quote and the certificate of the transfer key.
 */
#include <openssl/evp.h>
#include <string.h>
#include <tss2/tss2_mu.h>

#include "tpm_keys.h"

#define NONE ESYS_TR_NONE
#define PW   ESYS_TR_PASSWORD

const uint8_t tpm_pcr_select[TPM_SELECT] = {0, 0, 0, 1, 0, 0x0b, 3, 0xff, 0, 0};

const TPML_PCR_SELECTION tpm_pcr_list = {
	.count = 1,
	.pcrSelections = {{.hash = TPM2_ALG_SHA256,
			   .sizeofSelect = 3,
			   .pcrSelect = {0xff, 0, 0}}},
};

static const TPMT_SIG_SCHEME scheme_of_key = {.scheme = TPM2_ALG_NULL};
static const TPM2B_DATA no_data;

/* SHA-256 over two pieces; 0 or ERR_CRYPTO. */
int
tpm_hash2(const void *a, size_t a_bytes, const void *b, size_t b_bytes,
	  uint8_t out[static TPM_HASH])
{
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	int ok;

	ok = c && EVP_DigestInit_ex(c, EVP_sha256(), NULL) == 1 &&
	     EVP_DigestUpdate(c, a, a_bytes) == 1 &&
	     EVP_DigestUpdate(c, b, b_bytes) == 1 &&
	     EVP_DigestFinal_ex(c, out, NULL) == 1;
	EVP_MD_CTX_free(c);
	return ok ? 0 : ERR_CRYPTO;
}

/* Name: hash algorithm, then the hash over the TPMT_PUBLIC (Part 1, 16). */
int
tpm_name_of(const uint8_t *tpm2b, size_t bytes, uint8_t out[static TPM_NAME])
{
	out[0] = 0;
	out[1] = 0x0b;
	return tpm_hash2(tpm2b + 2, bytes - 2, "", 0, out + 2);
}

/* Everything of the AK's TPM2B_PUBLIC before its modulus. */
static const uint8_t ak_head[26] = {
	0x01, 0x18,		/* size of the TPMT_PUBLIC */
	0x00, 0x01,		/* RSA */
	0x00, 0x0b,		/* name by SHA-256 */
	0x00, 0x05, 0x04, 0x72, /* restricted signing key of this TPM */
	0x00, 0x00,		/* no policy */
	0x00, 0x10,		/* no symmetric algorithm */
	0x00, 0x14, 0x00, 0x0b, /* RSASSA with SHA-256 */
	0x08, 0x00,		/* 2048 bits */
	0x00, 0x00, 0x00, 0x00, /* exponent 65537 */
	0x01, 0x00,		/* 256 bytes of modulus follow */
};

/*
 * The AK is a primary of the endorsement hierarchy, so its qualified name
 * follows from its public area alone (azure-protocol 2.1).
 */
static int
ak_check(struct tpm *t, const TPM2B_PUBLIC *pub, const TPM2B_NAME *qname)
{
	static const uint8_t endorsement[4] = {0x40, 0, 0, 0x0b};
	uint8_t name[TPM_NAME];
	size_t n = 0;
	int r;

	if (Tss2_MU_TPM2B_PUBLIC_Marshal(pub, t->ak_pub, sizeof(t->ak_pub),
					 &n) != 0 ||
	    n != sizeof(t->ak_pub) ||
	    memcmp(t->ak_pub, ak_head, sizeof(ak_head)) != 0)
		return ERR_MISMATCH;
	if ((r = tpm_name_of(t->ak_pub, n, name)) != 0)
		return r;
	t->ak_qname[0] = 0;
	t->ak_qname[1] = 0x0b;
	r = tpm_hash2(endorsement, sizeof(endorsement), name, sizeof(name),
		      t->ak_qname + 2);
	if (r != 0)
		return r;
	return qname->size == TPM_NAME &&
			       memcmp(qname->name, t->ak_qname, TPM_NAME) == 0
		       ? 0
		       : ERR_MISMATCH;
}

int
tpm_ak_read(struct tpm *t)
{
	TPM2B_PUBLIC *pub = NULL;
	TPM2B_NAME *qname = NULL;
	int r;

	r = tpm_rc(t,
		   Esys_TR_FromTPMPublic(t->esys, TPM_AK_HANDLE, NONE, NONE,
					 NONE, &t->ak),
		   TPM2_CC_ReadPublic);
	if (r != 0)
		return r;
	r = tpm_rc(t,
		   Esys_ReadPublic(t->esys, t->ak, NONE, NONE, NONE, &pub, NULL,
				   &qname),
		   TPM2_CC_ReadPublic);
	if (r == 0)
		r = ak_check(t, pub, qname);
	Esys_Free(pub);
	Esys_Free(qname);
	return r;
}

/*
 * What every statement begins with: magic, type, signer, empty nonce.  Then
 * 17 bytes of clock and 8 of firmware version, which are the verifier's.
 */
#define ATTEST_HEAD (4u + 2u + 2u + TPM_NAME + 2u)
#define ATTEST_BODY (ATTEST_HEAD + 17u + 8u)

static int
take_signed(const struct tpm *t, uint16_t type, const TPM2B_ATTEST *a,
	    const TPMT_SIGNATURE *s, struct tpm_signed *out)
{
	uint8_t head[ATTEST_HEAD] = {
		0xff,	       'T', 'C',     'G', (uint8_t)(type >> 8),
		(uint8_t)type, 0,   TPM_NAME};

	memcpy(head + 8, t->ak_qname, TPM_NAME);
	if (a->size < ATTEST_BODY || a->size > sizeof(out->attest) ||
	    memcmp(a->attestationData, head, sizeof(head)) != 0)
		return ERR_MISMATCH;
	if (s->sigAlg != TPM2_ALG_RSASSA ||
	    s->signature.rsassa.hash != TPM2_ALG_SHA256 ||
	    s->signature.rsassa.sig.size != TPM_RSA)
		return ERR_MISMATCH;
	memcpy(out->attest, a->attestationData, a->size);
	out->attest_bytes = a->size;
	memcpy(out->sig, s->signature.rsassa.sig.buffer, TPM_RSA);
	return 0;
}

static int
check_tail(const struct tpm_signed *s, size_t whole, const uint8_t *tail,
	   size_t bytes)
{
	if (s->attest_bytes != whole || whole != ATTEST_BODY + bytes ||
	    memcmp(s->attest + ATTEST_BODY, tail, bytes) != 0)
		return ERR_MISMATCH;
	return 0;
}

int
tpm_quote(struct tpm *t, struct tpm_signed *out)
{
	uint8_t tail[TPM_SELECT + 2 + TPM_HASH];
	TPM2B_ATTEST *a = NULL;
	TPMT_SIGNATURE *s = NULL;
	int r;

	memcpy(tail, tpm_pcr_select, TPM_SELECT);
	tail[TPM_SELECT] = 0;
	tail[TPM_SELECT + 1] = TPM_HASH;
	r = tpm_hash2(t->pcr, sizeof(t->pcr), "", 0, tail + TPM_SELECT + 2);
	if (r != 0)
		return r;
	r = tpm_rc(t,
		   Esys_Quote(t->esys, t->ak, PW, NONE, NONE, &no_data,
			      &scheme_of_key, &tpm_pcr_list, &a, &s),
		   TPM2_CC_Quote);
	if (r == 0)
		r = take_signed(t, TPM2_ST_ATTEST_QUOTE, a, s, out);
	if (r == 0)
		r = check_tail(out, TPM_QUOTE, tail, sizeof(tail));
	Esys_Free(a);
	Esys_Free(s);
	return r;
}

int
tpm_certify(struct tpm *t, struct tpm_signed *out)
{
	static const uint8_t null_hierarchy[4] = {0x40, 0, 0, 0x07};
	uint8_t tail[2 * (2 + TPM_NAME)] = {0, TPM_NAME};
	uint8_t *qname = tail + 2 + TPM_NAME;
	TPM2B_ATTEST *a = NULL;
	TPMT_SIGNATURE *s = NULL;
	int r;

	memcpy(tail + 2, t->key_name, TPM_NAME);
	qname[1] = TPM_NAME;
	qname[3] = 0x0b;
	r = tpm_hash2(null_hierarchy, sizeof(null_hierarchy), t->key_name,
		      TPM_NAME, qname + 4);
	if (r != 0)
		return r;
	r = tpm_rc(t,
		   Esys_Certify(t->esys, t->key, t->ak, PW, PW, NONE, &no_data,
				&scheme_of_key, &a, &s),
		   TPM2_CC_Certify);
	if (r == 0)
		r = take_signed(t, TPM2_ST_ATTEST_CERTIFY, a, s, out);
	if (r == 0)
		r = check_tail(out, TPM_CERTIFY, tail, sizeof(tail));
	Esys_Free(a);
	Esys_Free(s);
	return r;
}
