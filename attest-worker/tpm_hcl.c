/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The layout, all numbers little-endian:
 *
 *	0	4	"HCLA"
 *	4	4	version 1 or 2
 *	8	4	report size: 32 + 1184 + data size
 *	12	4	request type, 2
 *	16	4	status, 0
 *	20	12	0
 *	32	1184	SNP report; REPORT_DATA at 32 + 0x50
 *	1216	4	data size: 20 + claims
 *	1220	4	version, 1
 *	1224	4	report type, 2 (SNP)
 *	1228	4	hash type, 1 (SHA-256)
 *	1232	4	length of the claims
 *	1236	n	claims
 *	...		0 to the end of the area
 */
#include "tpm_hcl.h"

#include <openssl/evp.h>
#include <string.h>

#include "b64.h"

#define OFF_DATA    1216u
#define OFF_CLAIMS  1236u
#define OFF_BINDING (32u + 0x50u)
#define DATA_HEAD   20u
#define USER_DIGITS 128u
#define HASH_BYTES  32u
#define KEY_CHARS   (B64_LEN(HCL_MODULUS) - 2u) /* without padding */

static uint32_t
le32(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
	       (uint32_t)p[3] << 24;
}

static int
all_zero(const uint8_t *p, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		if (p[i] != 0)
			return 0;
	return 1;
}

/* REPORT_DATA is the hash of the claims and 32 zero bytes (2.3). */
static int
bound(const uint8_t *area, const uint8_t *claims, size_t bytes)
{
	uint8_t hash[HASH_BYTES];

	return EVP_Digest(claims, bytes, hash, NULL, EVP_sha256(), NULL) == 1 &&
	       memcmp(area + OFF_BINDING, hash, HASH_BYTES) == 0 &&
	       all_zero(area + OFF_BINDING + HASH_BYTES, HASH_BYTES);
}

/*
 * Anybody with root in this boot can write the TPM's user data, and the
 * platform signs what it finds there: so what is not zero is somebody
 * else's statement in our evidence.  Older platforms have no such member.
 * The platform writes the text, bound by the hash; the search is exact.
 */
static int
user_data_zero(const uint8_t *claims, size_t bytes)
{
	static const char name[] = "\"user-data\"";
	static const char head[] = ":\"";
	const size_t n = sizeof(name) - 1, h = sizeof(head) - 1;
	const uint8_t *p = memmem(claims, bytes, name, n);
	size_t left;

	if (!p)
		return 1;
	p += n;
	left = bytes - (size_t)(p - claims);
	if (memmem(p, left, name, n) != NULL)
		return 0;
	if (left < h + USER_DIGITS + 1 || memcmp(p, head, h) != 0)
		return 0;
	p += h;
	for (size_t i = 0; i < USER_DIGITS; i++)
		if (p[i] != '0')
			return 0;
	return p[USER_DIGITS] == '"';
}

int
hcl_read(const uint8_t *area, size_t bytes, struct hcl *out)
{
	uint32_t size, data, claims, version;

	if (bytes < OFF_CLAIMS || memcmp(area, "HCLA", 4) != 0)
		return ERR_FORMAT;
	version = le32(area + 4);
	if ((version != 1 && version != 2) || le32(area + 12) != 2 ||
	    le32(area + 16) != 0 || !all_zero(area + 20, 12))
		return ERR_FORMAT;
	if (le32(area + OFF_DATA + 4) != 1 || le32(area + OFF_DATA + 8) != 2 ||
	    le32(area + OFF_DATA + 12) != 1)
		return ERR_FORMAT;
	size = le32(area + 8);
	data = le32(area + OFF_DATA);
	claims = le32(area + OFF_DATA + 16);
	/* The first test keeps the sums of the others from wrapping. */
	if (claims == 0 || claims > bytes - OFF_CLAIMS ||
	    data != DATA_HEAD + claims || size != OFF_DATA + data)
		return ERR_FORMAT;
	if (!all_zero(area + size, bytes - size) ||
	    !bound(area, area + OFF_CLAIMS, claims) ||
	    !user_data_zero(area + OFF_CLAIMS, claims))
		return ERR_FORMAT;
	*out = (struct hcl){size, area + OFF_CLAIMS, claims};
	return 0;
}

int
hcl_names_key(const struct hcl *h, const uint8_t modulus[static HCL_MODULUS])
{
	char text[B64_LEN(HCL_MODULUS) + 1];

	if (b64_encode(B64_URL, modulus, HCL_MODULUS, text) != KEY_CHARS)
		return ERR_MISMATCH;
	return memmem(h->claims, h->claims_bytes, text, KEY_CHARS)
		       ? 0
		       : ERR_MISMATCH;
}

int
ak_cert_length(const uint8_t *area, size_t bytes, size_t *out_bytes)
{
	size_t n;

	if (all_zero(area, bytes))
		return ERR_NOTFOUND;
	/* A certificate has from 256 to 65535 bytes: SEQUENCE, 0x82, u16. */
	if (bytes < 4 || area[0] != 0x30 || area[1] != 0x82)
		return ERR_FORMAT;
	n = (size_t)area[2] << 8 | area[3];
	if (n < 256 || n > bytes - 4 || !all_zero(area + 4 + n, bytes - 4 - n))
		return ERR_FORMAT;
	*out_bytes = 4 + n;
	return 0;
}
