/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The HCL report's NV area, and the AK certificate's.  First byte: 1 binds
 * the claims again after a mutation, so that what is behind the hash is
 * reached; the rest is the area.
 */
#include <openssl/evp.h>
#include <string.h>

#include "../fuzz.h"
#include "tpm_hcl.h"

#define CLAIMS	1236u
#define BINDING (32u + 0x50u)

static void
bind(uint8_t *area, size_t bytes)
{
	size_t n;

	if (bytes < CLAIMS)
		return;
	n = (size_t)area[1232] | (size_t)area[1233] << 8;
	if (n > bytes - CLAIMS)
		return;
	EVP_Digest(area + CLAIMS, n, area + BINDING, NULL, EVP_sha256(), NULL);
	memset(area + BINDING + 32, 0, 32);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	static uint8_t area[4096], modulus[HCL_MODULUS];
	struct hcl h;
	size_t n;

	if (bytes < 1 || bytes - 1 > sizeof(area))
		return 0;
	memcpy(area, data + 1, bytes - 1);
	if (data[0] == 1)
		bind(area, bytes - 1);
	if (hcl_read(area, bytes - 1, &h) == 0) {
		REQUIRE(h.report_bytes <= bytes - 1);
		REQUIRE(h.claims == area + CLAIMS);
		REQUIRE(h.report_bytes == CLAIMS + h.claims_bytes);
		REQUIRE(hcl_names_key(&h, modulus) == 0 ||
			hcl_names_key(&h, modulus) == ERR_MISMATCH);
	}
	if (ak_cert_length(area, bytes - 1, &n) == 0)
		REQUIRE(n >= 260 && n <= bytes - 1);
	return 0;
}
