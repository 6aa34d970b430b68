/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The transfer key: the template of azure-protocol 2.7 with random bytes in
 * it, so that nobody can make the key again; its policy; its uses.
 */
#include "tpm_keys.h"

#include <openssl/rand.h>
#include <string.h>
#include <tss2/tss2_mu.h>

#define NONE ESYS_TR_NONE
#define PW   ESYS_TR_PASSWORD

static const TPM2B_DATA no_data;

int
tpm_pcr_read(struct tpm *t)
{
	TPML_DIGEST *values = NULL;
	int r;

	r = tpm_rc(t,
		   Esys_PCR_Read(t->esys, NONE, NONE, NONE, &tpm_pcr_list, NULL,
				 NULL, &values),
		   TPM2_CC_PCR_Read);
	if (r != 0)
		return r;
	if (values->count != TPM_PCRS)
		r = ERR_FORMAT;
	for (UINT32 i = 0; r == 0 && i < TPM_PCRS; i++) {
		if (values->digests[i].size != TPM_HASH)
			r = ERR_FORMAT;
		else
			memcpy(t->pcr[i], values->digests[i].buffer, TPM_HASH);
	}
	Esys_Free(values);
	return r;
}

/*
 * PolicyPCR (Part 3, 23.7): SHA-256 over 32 zero bytes, the command code,
 * the selection and the digest of the PCR values.
 */
static int
policy_digest(const struct tpm *t, TPM2B_DIGEST *out)
{
	uint8_t head[TPM_HASH + 4 + TPM_SELECT] = {0};
	uint8_t pcrs[TPM_HASH];
	int r;

	head[TPM_HASH + 2] = 0x01; /* TPM2_CC_PolicyPCR 0x0000017f */
	head[TPM_HASH + 3] = 0x7f;
	memcpy(head + TPM_HASH + 4, tpm_pcr_select, TPM_SELECT);
	if ((r = tpm_hash2(t->pcr, sizeof(t->pcr), "", 0, pcrs)) != 0)
		return r;
	out->size = TPM_HASH;
	return tpm_hash2(head, sizeof(head), pcrs, sizeof(pcrs), out->buffer);
}

/*
 * The template of 2.7: decrypt, fixedTPM, fixedParent, sensitiveDataOrigin,
 * noDA; userWithAuth clear, so that the policy is the only way to use it.
 */
static int
key_template(const struct tpm *t, TPM2B_PUBLIC *out)
{
	TPMT_PUBLIC *p = &out->publicArea;

	*out = (TPM2B_PUBLIC){0};
	p->type = TPM2_ALG_RSA;
	p->nameAlg = TPM2_ALG_SHA256;
	p->objectAttributes = TPMA_OBJECT_DECRYPT | TPMA_OBJECT_FIXEDTPM |
			      TPMA_OBJECT_FIXEDPARENT |
			      TPMA_OBJECT_SENSITIVEDATAORIGIN |
			      TPMA_OBJECT_NODA;
	p->parameters.rsaDetail.symmetric.algorithm = TPM2_ALG_NULL;
	p->parameters.rsaDetail.scheme.scheme = TPM2_ALG_NULL;
	p->parameters.rsaDetail.keyBits = TPM_RSA * 8;
	p->unique.rsa.size = TPM_RSA;
	if (RAND_bytes(p->unique.rsa.buffer, TPM_RSA) != 1)
		return ERR_CRYPTO;
	return policy_digest(t, &p->authPolicy);
}

/* The key made must be the one asked for, in all but the modulus. */
static int
keep_key(struct tpm *t, TPM2B_PUBLIC *want, const TPM2B_PUBLIC *got)
{
	uint8_t asked[TPM_KEY_PUB];
	size_t n = 0, m = 0;

	if (got->publicArea.unique.rsa.size != TPM_RSA)
		return ERR_MISMATCH;
	want->publicArea.unique = got->publicArea.unique;
	if (Tss2_MU_TPM2B_PUBLIC_Marshal(want, asked, sizeof(asked), &n) != 0 ||
	    Tss2_MU_TPM2B_PUBLIC_Marshal(got, t->key_pub, sizeof(t->key_pub),
					 &m) != 0)
		return ERR_MISMATCH;
	if (n != sizeof(asked) || m != n || memcmp(asked, t->key_pub, n) != 0)
		return ERR_MISMATCH;
	return tpm_name_of(t->key_pub, sizeof(t->key_pub), t->key_name);
}

int
tpm_key_create(struct tpm *t)
{
	static const TPM2B_SENSITIVE_CREATE no_auth;
	static const TPML_PCR_SELECTION no_pcr;
	TPM2B_PUBLIC want, *got = NULL;
	int r;

	if ((r = key_template(t, &want)) != 0)
		return r;
	r = tpm_rc(t,
		   Esys_CreatePrimary(t->esys, ESYS_TR_RH_NULL, PW, NONE, NONE,
				      &no_auth, &want, &no_data, &no_pcr,
				      &t->key, &got, NULL, NULL, NULL),
		   TPM2_CC_CreatePrimary);
	if (r == 0)
		r = keep_key(t, &want, got);
	Esys_Free(got);
	return r;
}

int
tpm_session(struct tpm *t)
{
	static const TPMT_SYM_DEF no_cipher = {.algorithm = TPM2_ALG_NULL};
	int r;

	r = tpm_rc(t,
		   Esys_StartAuthSession(t->esys, NONE, NONE, NONE, NONE, NONE,
					 NULL, TPM2_SE_POLICY, &no_cipher,
					 TPM2_ALG_SHA256, &t->session),
		   TPM2_CC_StartAuthSession);
	if (r != 0)
		return r;
	/* It outlives its first use: the token, then the key. */
	return tpm_rc(t,
		      Esys_TRSess_SetAttributes(t->esys, t->session,
						TPMA_SESSION_CONTINUESESSION,
						TPMA_SESSION_CONTINUESESSION),
		      TPM2_CC_StartAuthSession);
}

int
tpm_policy(struct tpm *t)
{
	TPM2B_DIGEST pcrs = {.size = TPM_HASH};
	int r;

	if ((r = tpm_hash2(t->pcr, sizeof(t->pcr), "", 0, pcrs.buffer)) != 0)
		return r;
	return tpm_rc(t,
		      Esys_PolicyPCR(t->esys, t->session, NONE, NONE, NONE,
				     &pcrs, &tpm_pcr_list),
		      TPM2_CC_PolicyPCR);
}

int
tpm_decrypt(struct tpm *t, const uint8_t cipher[static TPM_RSA], uint16_t hash,
	    struct secret **out_sk)
{
	TPMT_RSA_DECRYPT scheme = {.scheme = hash ? TPM2_ALG_OAEP
						  : TPM2_ALG_RSAES};
	TPM2B_PUBLIC_KEY_RSA in = {.size = TPM_RSA}, *sk_out = NULL;
	struct secret *sk = NULL;
	int r;

	scheme.details.oaep.hashAlg = hash;
	memcpy(in.buffer, cipher, TPM_RSA);
	r = tpm_rc(t,
		   Esys_RSA_Decrypt(t->esys, t->key, t->session, NONE, NONE,
				    &in, &scheme, &no_data, &sk_out),
		   TPM2_CC_RSA_Decrypt);
	if (r != 0)
		return r;
	if (sk_out->size == 0)
		r = ERR_CRYPTO;
	else
		r = secret_new(sk_out->size, &sk);
	if (r == 0) {
		memcpy(secret_bytes(sk), sk_out->buffer, sk_out->size);
		*out_sk = sk;
	}
	wipe(sk_out, sizeof(*sk_out));
	Esys_Free(sk_out);
	return r;
}
