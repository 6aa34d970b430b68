/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bodies of the messages to the tpm worker.  First byte:
 *	0	ENC_TOKEN, as it is
 *	1	a token, sealed to the key that our TPM gives: must come back
 *	2	WRAPPED_KEY
 *	3	a sequence of BLOBs (uint16 length, body), under a plan in the
 *		next byte
 * The TPM is ours: every decryption gives the same 32 bytes.
 */
#include <stdlib.h>
#include <string.h>

#include "../fuzz.h"
#include "cursor.h"
#include "tpm_cipher.h"
#include "tpm_open.h"
#include "tpm_token.h"
#include "tpm_unwrap.h"

static const uint8_t kek[AES_KEY] = {1, 2, 3};
static int closed; /* the TPM was, before anything was unwrapped */

int
tpm_decrypt(struct tpm *t, const uint8_t cipher[static TPM_RSA], uint16_t hash,
	    struct secret **out_sk)
{
	(void)t;
	(void)hash;
	REQUIRE(!closed);
	if (cipher[0] == 0xff)
		return ERR_TPM;
	REQUIRE(secret_new(AES_KEY, out_sk) == 0);
	memcpy(secret_bytes(*out_sk), kek, AES_KEY);
	return 0;
}

void
tpm_forget(struct tpm *t)
{
	(void)t;
}

void
tpm_close(struct tpm *t, int fd)
{
	(void)t;
	(void)fd;
	closed++;
}

static void
raw_token(const uint8_t *p, size_t n)
{
	static uint8_t out[TOKEN_MAX];
	size_t bytes;

	if (token_open(NULL, p, n, out, &bytes) == 0)
		REQUIRE(bytes >= TOKEN_MIN && bytes <= TOKEN_MAX);
}

static void
sealed_token(const uint8_t *p, size_t n)
{
	static uint8_t body[12 + 16 + 256 + 2 + TOKEN_MAX + 16], out[TOKEN_MAX];
	static const uint8_t aad[] = "Transport Key";
	struct gcm g = {kek, body, aad, sizeof(aad) - 1};
	uint8_t *text = body + 12 + 16 + 256 + 2;
	size_t bytes;
	int r;

	if (n > TOKEN_MAX)
		return;
	REQUIRE(gcm_seal(&g, p, n, text) == 0);
	memcpy(body + 12, text + n, 16);
	text[-2] = (uint8_t)(n >> 8);
	text[-1] = (uint8_t)n;
	r = token_open(NULL, body, (size_t)(text - body) + n, out, &bytes);
	REQUIRE((r == 0) == (n >= TOKEN_MIN));
	REQUIRE(r != 0 || (bytes == n && memcmp(out, p, n) == 0));
}

static void
wrapped(const uint8_t *p, size_t n)
{
	struct secret *sk = NULL;
	int r;

	closed = 0;
	r = unwrap_released(NULL, -1, p, n, &sk);
	REQUIRE(closed == 1); /* whatever the body was */
	REQUIRE((r == 0) == (sk != NULL));
	REQUIRE(r != 0 || secret_size(sk) <= KWP_MAX - 8);
	secret_free(sk);
	closed = 0;
}

static void
many_blobs(const uint8_t *p, size_t n)
{
	static struct blobs b;
	struct plan plan = {0};
	const uint8_t *body;
	uint8_t slots;
	size_t bytes;
	struct rd r;

	b.count = 0;
	rd_init(&r, p, n);
	if (rd_u8(&r, &slots) != 0)
		return;
	plan.slots = slots & (SLOT_BIT(SLOT_COUNT) - 1);
	while (rd_var16(&r, 0, 0xffff, &body, &bytes) == 0)
		if (blobs_add(&b, &plan, body, bytes) == 0)
			REQUIRE(b.count <= BLOBS_MAX &&
				b.blob[b.count - 1].bytes <= BLOB_KEPT_MAX &&
				plan.slots &
					SLOT_BIT(b.blob[b.count - 1].slot));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	static void (*const ways[])(const uint8_t *, size_t) = {
		raw_token, sealed_token, wrapped, many_blobs};
	static int ready;
	enum secret_kind kind;

	if (!ready)
		REQUIRE(secret_arena(1 << 18, &kind) == 0);
	ready = 1;
	if (bytes > 0)
		ways[data[0] % 4](data + 1, bytes - 1);
	return 0;
}
