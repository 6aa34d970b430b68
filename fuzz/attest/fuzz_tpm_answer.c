/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A TPM that answers what it likes: the input is its answers, one after the
 * other, each as long as its own size field says.  The real TPM stack reads
 * them, and the whole way from the flush to both decryptions is gone.
 */
#include <stdlib.h>
#include <string.h>

#include "../fuzz.h"
#include "tpm_evidence.h"
#include "tpm_tcti.h"

static const uint8_t *next;
static size_t left;

static TSS2_RC
fake_transmit(TSS2_TCTI_CONTEXT *c, size_t n, const uint8_t *command)
{
	(void)c;
	REQUIRE(n >= TPM_ANSWER_MIN && n <= TPM_ANSWER_MAX && command);
	return TSS2_RC_SUCCESS;
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
