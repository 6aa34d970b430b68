/* SPDX-License-Identifier: Apache-2.0 */
/* An HCL report that keeps every rule, for tests to break one at a time. */
#ifndef SP_HCL_SAMPLE_H
#define SP_HCL_SAMPLE_H

#include <openssl/evp.h>
#include <stdint.h>
#include <string.h>

#define SAMPLE_AREA   2600u
#define SAMPLE_CLAIMS 1236u

static inline void
put_le32(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)v;
	p[1] = (uint8_t)(v >> 8);
	p[2] = (uint8_t)(v >> 16);
	p[3] = (uint8_t)(v >> 24);
}

/* Binds the claims that are there: lengths and REPORT_DATA. */
static inline void
sample_bind(uint8_t area[static SAMPLE_AREA], uint32_t claims)
{
	put_le32(area + 8, SAMPLE_CLAIMS + claims);
	put_le32(area + 1216, 20 + claims);
	put_le32(area + 1232, claims);
	EVP_Digest(area + SAMPLE_CLAIMS, claims, area + 32 + 0x50, NULL,
		   EVP_sha256(), NULL);
}

/* Makes the report with this text as claims; returns its length. */
static inline uint32_t
sample_report(uint8_t area[static SAMPLE_AREA], const char *claims)
{
	uint32_t n = (uint32_t)strlen(claims);

	memset(area, 0, SAMPLE_AREA);
	memcpy(area, "HCLA", 4);
	put_le32(area + 4, 2);
	put_le32(area + 12, 2);
	memset(area + 32, 0x5a, 0x50);
	memset(area + 32 + 0x90, 0x5a, 1184 - 0x90);
	put_le32(area + 1220, 1);
	put_le32(area + 1224, 2);
	put_le32(area + 1228, 1);
	memcpy(area + SAMPLE_CLAIMS, claims, n);
	sample_bind(area, n);
	return SAMPLE_CLAIMS + n;
}

#endif
