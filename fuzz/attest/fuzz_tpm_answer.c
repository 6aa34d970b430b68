/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A TPM that answers what it likes: the input is its answers, one after the
 * other, each as long as its own size field says.  The real TPM stack reads
 * them, and the whole way from the flush to both decryptions is gone.
 */
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <string.h>

#include "../fuzz.h"
#include "tpm_evidence.h"
#include "tpm_tcti.h"

static const uint8_t *next;
static size_t left;
static uint8_t asked[TPM_ANSWER_MAX];

#define AT_NONCE 24u /* of the caller, in a command with one session */
#define AT_PARAM 14u /* of an answer with sessions */
#define NONCE	 32u
#define TAIL	 (2u + NONCE + 1u + 2u + 32u) /* nonce, attributes, HMAC */

static TSS2_RC
fake_transmit(TSS2_TCTI_CONTEXT *c, size_t n, const uint8_t *command)
{
	(void)c;
	REQUIRE(n >= TPM_ANSWER_MIN && n <= TPM_ANSWER_MAX && command);
	memset(asked, 0, sizeof(asked));
	memcpy(asked, command, n);
	return TSS2_RC_SUCCESS;
}

/*
 * The stack draws a nonce for each use of the policy session and wants it in
 * the answer's HMAC (Part 1, 19.6; the key is empty): no recorded answer has
 * it, so it is put there, or the fuzzer would never see what comes behind.
 */
static void
mend_hmac(uint8_t *answer, size_t n)
{
	uint8_t text[32 + 2 * NONCE + 1], *tail = answer + n - TAIL;
	EVP_MD_CTX *c;

	if (asked[8] != 0x01 || asked[9] != 0x59 || n < AT_PARAM + TAIL ||
	    asked[23] != NONCE)
		return;
	c = EVP_MD_CTX_new(); /* response code, command code, parameters */
	EVP_DigestInit_ex(c, EVP_sha256(), NULL);
	EVP_DigestUpdate(c, answer + 6, 4);
	EVP_DigestUpdate(c, asked + 6, 4);
	EVP_DigestUpdate(c, answer + AT_PARAM, n - AT_PARAM - TAIL);
	EVP_DigestFinal_ex(c, text, NULL);
	EVP_MD_CTX_free(c);
	memcpy(text + 32, tail + 2, NONCE);
	memcpy(text + 32 + NONCE, asked + AT_NONCE, NONCE);
	text[32 + 2 * NONCE] = tail[2 + NONCE];
	HMAC(EVP_sha256(), "", 0, text, sizeof(text), tail + TAIL - 32, NULL);
}

static TSS2_RC
fake_receive(TSS2_TCTI_CONTEXT *c, size_t *n, uint8_t *answer, int32_t timeout)
{
	size_t whole;

	(void)c;
	(void)timeout;
	if (!answer) {
		*n = TPM_ANSWER_MAX;
		return TSS2_RC_SUCCESS;
	}
	if (tpm_answer_size(next, left < 6 ? left : 6, &whole) != 0 ||
	    whole == 0 || whole > left || whole > *n)
		return TSS2_TCTI_RC_IO_ERROR;
	memcpy(answer, next, whole);
	mend_hmac(answer, whole);
	next += whole;
	left -= whole;
	*n = whole;
	return TSS2_RC_SUCCESS;
}

static void
fake_finalize(TSS2_TCTI_CONTEXT *c)
{
	(void)c;
}

static TSS2_TCTI_CONTEXT_COMMON_V1 fake = {
	.magic = 1,
	.version = 1,
	.transmit = fake_transmit,
	.receive = fake_receive,
	.finalize = fake_finalize,
};

static void
life(struct tpm *t)
{
	static struct evidence e;
	static uint8_t body[32768];
	uint8_t cipher[TPM_RSA] = {0};
	struct secret *sk = NULL;
	unsigned flushed = 0;
	size_t n;

	if (evidence_gather(t, &e, &flushed) != 0)
		return;
	REQUIRE(e.report_bytes <= TPM_NV_MAX && e.ak_cert_bytes <= TPM_NV_MAX);
	REQUIRE(evidence_body(t, &e, body, sizeof(body), &n) == 0);
	REQUIRE(n >= 512);
	if (tpm_decrypt(t, cipher, 0, &sk) == 0)
		REQUIRE(secret_size(sk) > 0);
	secret_free(sk);
	sk = NULL;
	if (tpm_policy(t) != 0)
		return;
	if (tpm_decrypt(t, cipher, TPM2_ALG_SHA256, &sk) == 0)
		REQUIRE(secret_size(sk) > 0);
	secret_free(sk);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	static int ready;
	enum secret_kind kind;
	struct tpm t;

	if (!ready) {
		REQUIRE(setenv("TSS2_LOG", "all+none", 1) == 0);
		REQUIRE(secret_arena(1 << 16, &kind) == 0);
		ready = 1;
	}
	next = data;
	left = bytes;
	REQUIRE(tpm_init(&t, (TSS2_TCTI_CONTEXT *)&fake) == 0);
	life(&t);
	tpm_forget(&t);
	Esys_Finalize(&t.esys);
	return 0;
}
