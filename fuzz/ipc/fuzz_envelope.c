/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A sealed message against a fixed key.  First byte 0: the rest is opened as
 * it came.  Otherwise the rest is sealed by a fixed ephemeral key and must
 * open again; with the first byte's other bits one bit of the message is
 * flipped first, and then it must not.
 *
 * envelope.c is included to reach the inside of a key.
 */
#include "../../ipc/envelope.c"
#include "../fuzz.h"

static const uint8_t session[32] = "a session that never was";
static const struct env_info info = {session, SEAT_TPM, SEAT_UNSEAL, 33};

static EVP_PKEY *
fixed_key(uint8_t fill)
{
	uint8_t raw[32];
	EVP_PKEY *k;

	memset(raw, fill, sizeof(raw));
	k = EVP_PKEY_new_raw_private_key_ex(NULL, "X25519", NULL, raw, 32);
	REQUIRE(k != NULL);
	return k;
}

static int
open_fixed(const uint8_t *msg, size_t bytes, struct secret **out_plain)
{
	struct env_key k = {.sk_pair = fixed_key(0x11)};
	int r = env_open(&k, &info, msg, bytes, out_plain);

	REQUIRE(k.sk_pair == NULL);
	return r;
}

static void
seal_fixed(const uint8_t *plain, size_t bytes, uint8_t *out)
{
	uint8_t text[INFO_BYTES], pub[ENV_PUB];
	const struct hpke_context c = {&suite, {text, sizeof(text)}, {NULL, 0}};
	EVP_PKEY *recv = fixed_key(0x11), *eph = fixed_key(0x22);
	size_t n = sizeof(pub);

	REQUIRE(EVP_PKEY_get_raw_public_key(recv, pub, &n) == 1);
	info_put(&info, text);
	REQUIRE(hpke_seal(&c, eph, pub, (struct hpke_bytes){plain, bytes},
			  out) == 0);
	EVP_PKEY_free(recv);
	EVP_PKEY_free(eph);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	static uint8_t msg[4096 + ENV_OVERHEAD];
	struct secret *sk = NULL;
	enum secret_kind kind;
	size_t n, flip;

	if (!suite.cipher)
		REQUIRE(secret_arena(1 << 20, &kind) == 0 && env_prime() == 0);
	if (bytes == 0 || bytes > 4096)
		return 0;
	n = bytes - 1;
	if (data[0] == 0) {
		if (open_fixed(data + 1, n, &sk) == 0)
			REQUIRE(secret_size(sk) == n - ENV_OVERHEAD);
		secret_free(sk);
		return 0;
	}
	seal_fixed(data + 1, n, msg);
	if (data[0] == 1) {
		REQUIRE(open_fixed(msg, n + ENV_OVERHEAD, &sk) == 0);
		REQUIRE(equal_ct(secret_bytes(sk), data + 1, n) == 0);
	} else {
		flip = (size_t)data[0] * 131 % (8 * (n + ENV_OVERHEAD));
		msg[flip / 8] ^= (uint8_t)(1u << flip % 8);
		REQUIRE(open_fixed(msg, n + ENV_OVERHEAD, &sk) == ERR_CRYPTO);
	}
	secret_free(sk);
	return 0;
}
