/* SPDX-License-Identifier: Apache-2.0 */
/*
 *	SEQUENCE {
 *		SEQUENCE { OID rsaEncryption, NULL }
 *		BIT STRING, 0 unused bits {
 *			SEQUENCE { INTEGER modulus, INTEGER exponent }
 *		}
 *	}
 *
 * From 2048 bits on every length but the exponent's has the form 82 HH LL.
 * Whether the key is sound is for who encrypts to it (control).
 */
#include "operator_key.h"

#include <errno.h>
#include <string.h>

#include "cursor.h"
#include "jwe_size.h"
#include "log.h"
#include "memfd.h"

#define PEM_FILE_MAX 8192u

static const uint8_t rsa_encryption[15] = {
	0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86,
	0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00,
};

/* A tag and a length of two bytes; with whole, it reaches to the end. */
static int
head(struct rd *r, uint8_t tag, bool whole, size_t *out)
{
	uint8_t t, form;
	uint16_t n;

	if (rd_u8(r, &t) != 0 || rd_u8(r, &form) != 0 || rd_u16(r, &n) != 0 ||
	    t != tag || form != 0x82 || n < 256 || n > r->left ||
	    (whole && n != r->left))
		return ERR_FORMAT;
	*out = n;
	return 0;
}

size_t
operator_key_modulus(const uint8_t *der, size_t bytes)
{
	const uint8_t *p;
	struct rd r;
	uint8_t bits, tag, e;
	size_t n;

	rd_init(&r, der, bytes);
	if (head(&r, 0x30, true, &n) != 0 || rd_bytes(&r, 15, &p) != 0 ||
	    memcmp(p, rsa_encryption, 15) != 0 ||
	    head(&r, 0x03, true, &n) != 0 || rd_u8(&r, &bits) != 0 ||
	    bits != 0 || head(&r, 0x30, true, &n) != 0 ||
	    head(&r, 0x02, false, &n) != 0 || rd_bytes(&r, n, &p) != 0)
		return 0;
	/* shortest form: a zero only before a set top bit */
	if (p[0] == 0 ? p[1] < 0x80 : p[0] >= 0x80)
		return 0;
	n -= p[0] == 0;
	if (rd_u8(&r, &tag) != 0 || rd_u8(&r, &e) != 0 || tag != 0x02 ||
	    e == 0 || e != r.left)
		return 0;
	return n >= JWE_RSA_LEAST / 8 && n <= JWE_RSA_MOST / 8 ? n : 0;
}

int
operator_key_read(const struct conf *c, struct operator_key *out)
{
	const char *path = conf_str(c, CONF_OPERATOR);
	uint8_t text[PEM_FILE_MAX + 1];
	size_t n = 0;
	int r;

	memset(out, 0, sizeof(*out));
	if (!path)
		return 0;
	r = read_file(path, text, PEM_FILE_MAX, &n);
	if (r == ERR_NOTFOUND || r == ERR_SYS) {
		log_line(LOG_FAIL, NULL, "config",
			 "operator_key %s: cannot be read: %s", path,
			 strerror(errno));
		return ERR_FORMAT;
	}
	if (r == 0) {
		text[n] = '\0';
		if (pem_block((char *)text, "PUBLIC KEY", 0, out->der,
			      sizeof(out->der), &out->bytes) == 0)
			out->modulus_bytes =
				operator_key_modulus(out->der, out->bytes);
		if (out->modulus_bytes)
			return 0;
	}
	log_line(LOG_FAIL, NULL, "config",
		 "operator_key %s: must be an RSA public key of 2048 to 4096 "
		 "bits in PEM (openssl rsa -in KEY -pubout)",
		 path);
	return ERR_FORMAT;
}
