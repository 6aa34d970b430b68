/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The body of WRAPPED_KEY:
 *
 *	uint8		enum enc, as verify found it signed
 *	256 bytes	OAEP part
 *	var16		AES-KWP part
 */
#include "tpm_unwrap.h"

#include <string.h>

#include "cursor.h"
#include "tags.h"
#include "tpm_cipher.h"

static uint16_t
hash_of(uint8_t enc)
{
	switch (enc) {
	case ENC_SHA1:
		return TPM2_ALG_SHA1;
	case ENC_SHA256:
		return TPM2_ALG_SHA256;
	case ENC_SHA384:
		return TPM2_ALG_SHA384;
	default:
		return 0;
	}
}

int
unwrap_released(struct tpm *t, int fd, const uint8_t *body, size_t bytes,
		struct secret **out_sk_der)
{
	struct secret *sk_kek = NULL;
	const uint8_t *cipher = NULL, *kwp;
	size_t kwp_bytes;
	struct rd rd;
	uint8_t enc = 0;
	uint16_t hash;
	int r = ERR_PROTO;

	rd_init(&rd, body, bytes);
	if (rd_u8(&rd, &enc) == 0 && (hash = hash_of(enc)) != 0 &&
	    rd_bytes(&rd, TPM_RSA, &cipher) == 0)
		r = tpm_decrypt(t, cipher, hash, &sk_kek);
	tpm_forget(t);
	tpm_close(t, fd); /* no way out from here, then look at the rest */

	if (r != 0)
		return r == ERR_PROTO ? r : ERR_CRYPTO;
	if (rd_var16(&rd, KWP_MIN, KWP_MAX, &kwp, &kwp_bytes) != 0 ||
	    rd_end(&rd) != 0)
		r = ERR_PROTO;
	else if (secret_size(sk_kek) != AES_KEY)
		r = ERR_CRYPTO;
	else
		r = kwp_unwrap(secret_bytes(sk_kek), kwp, kwp_bytes,
			       out_sk_der);
	secret_free(sk_kek);
	return r == ERR_RANGE ? ERR_CRYPTO : r;
}
