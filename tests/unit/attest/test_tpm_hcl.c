/* SPDX-License-Identifier: Apache-2.0 */
/* The HCL report's reader, one broken rule at a time; the certificate area. */
#include "check.h"
#include "hcl_sample.h"
#include "tpm_hcl.h"

#define ZEROS_32  "00000000000000000000000000000000"
#define ZEROS_128 ZEROS_32 ZEROS_32 ZEROS_32 ZEROS_32

static uint8_t area[SAMPLE_AREA];
static struct hcl h;

static int
claims_are(const char *text)
{
	sample_report(area, text);
	return hcl_read(area, sizeof(area), &h);
}

CASE(a_whole_report_is_read)
{
	const char *text = "{\"user-data\":\"" ZEROS_128 "\"}";

	EXPECT(claims_are(text) == 0);
	EXPECT(h.report_bytes == SAMPLE_CLAIMS + strlen(text));
	EXPECT(h.claims_bytes == strlen(text));
	EXPECT(memcmp(h.claims, text, strlen(text)) == 0);
	put_le32(area + 4, 1);
	EXPECT(hcl_read(area, sizeof(area), &h) == 0);
	EXPECT(hcl_read(area, SAMPLE_CLAIMS + strlen(text), &h) == 0);
}

CASE(every_header_field_is_looked_at)
{
	/* REPORT_DATA and all fields; the rest of the report is MAA's. */
	for (unsigned at = 0; at < SAMPLE_AREA; at++) {
		if (at >= 32 && at < 32 + 0x50)
			continue;
		if (at >= 32 + 0x90 && at < 1216)
			continue;
		sample_report(area, "{\"a\":1}");
		area[at] ^= 0x40;
		EXPECT(hcl_read(area, sizeof(area), &h) == ERR_FORMAT);
	}
}

CASE(other_values_of_the_enumerations_are_refused)
{
	static const struct {
		unsigned at;
		uint32_t value;
	} bad[] = {
		{4, 0},	   {4, 3},    {12, 0},	 {12, 1},   {12, 3},
		{16, 1},   {20, 1},   {28, 1},	 {1220, 0}, {1220, 2},
		{1224, 0}, {1224, 1}, {1224, 3}, {1224, 4}, {1224, 5},
		{1228, 0}, {1228, 2}, {1228, 3},
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		sample_report(area, "{\"a\":1}");
		put_le32(area + bad[i].at, bad[i].value);
		EXPECT(hcl_read(area, sizeof(area), &h) == ERR_FORMAT);
	}
}

CASE(lengths_beyond_the_area_are_refused)
{
	static const uint32_t claims[] = {
		0,	     SAMPLE_AREA - SAMPLE_CLAIMS + 1,
		SAMPLE_AREA, 0x7fffffff,
		0xffffffff,  0xffffffff - 1235,
		0xffffffec,  0x80000000};

	for (size_t i = 0; i < sizeof(claims) / sizeof(claims[0]); i++) {
		sample_report(area, "{\"a\":1}");
		put_le32(area + 8, SAMPLE_CLAIMS + claims[i]);
		put_le32(area + 1216, 20 + claims[i]);
		put_le32(area + 1232, claims[i]);
		EXPECT(hcl_read(area, sizeof(area), &h) == ERR_FORMAT);
	}
}

CASE(an_area_cut_anywhere_is_refused)
{
	uint32_t n = sample_report(area, "{\"a\":1}");

	for (uint32_t cut = 0; cut < n; cut++)
		EXPECT(hcl_read(area, cut, &h) == ERR_FORMAT);
}

CASE(user_data_must_be_zero)
{
	static const char *const bad[] = {
		"{\"user-data\":\"1" ZEROS_32 ZEROS_32 ZEROS_32
		"0000000000000000000000000000000\"}",
		"{\"user-data\":\"" ZEROS_32 ZEROS_32 ZEROS_32
		"0000000000000000000000000000000F\"}",
		"{\"user-data\":\"" ZEROS_128 "00\"}",
		"{\"user-data\":\"" ZEROS_32 "\"}",
		"{\"user-data\":\"\"}",
		"{\"user-data\":null}",
		"{\"user-data\":\"" ZEROS_128,
		"{\"user-data\"",
		"{\"user-data\" :\"" ZEROS_128 "\"}",
		"{\"user-data\":\"" ZEROS_128 "\",\"user-data\":\"" ZEROS_128
		"\"}",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		EXPECT(claims_are(bad[i]) == ERR_FORMAT);
	EXPECT(claims_are("{\"vm-configuration\":{}}") == 0); /* older ones */
}

CASE(the_key_must_be_named_in_the_claims)
{
	uint8_t modulus[HCL_MODULUS];
	char text[600] = "{\"keys\":[{\"kid\":\"HCLAkPub\",\"n\":\"";

	memset(modulus, 0xff, sizeof(modulus));
	/* 256 bytes of ones: 340 times '_', then "_w" for the last two bytes.
	 */
	memset(text + strlen(text), '_', 341);
	strcat(text, "w\"}]}");
	EXPECT(claims_are(text) == 0);
	EXPECT(hcl_names_key(&h, modulus) == 0);
	modulus[255] = 0xfe;
	EXPECT(hcl_names_key(&h, modulus) == ERR_MISMATCH);
	modulus[255] = 0xff;
	modulus[0] = 0x7f;
	EXPECT(hcl_names_key(&h, modulus) == ERR_MISMATCH);
	EXPECT(claims_are("{}") == 0);
	EXPECT(hcl_names_key(&h, modulus) == ERR_MISMATCH);
}

static void
cert_area(uint8_t *p, size_t bytes, uint16_t length)
{
	memset(p, 0, bytes);
	p[0] = 0x30;
	p[1] = 0x82;
	p[2] = (uint8_t)(length >> 8);
	p[3] = (uint8_t)length;
	if (length <= bytes - 4)
		memset(p + 4, 0xa5, length);
}

CASE(a_certificate_is_der_and_then_zeros)
{
	static uint8_t p[4096];
	size_t n = 0;

	cert_area(p, sizeof(p), 900);
	EXPECT(ak_cert_length(p, sizeof(p), &n) == 0 && n == 904);
	cert_area(p, sizeof(p), 4092);
	EXPECT(ak_cert_length(p, sizeof(p), &n) == 0 && n == 4096);
	EXPECT(ak_cert_length(p, sizeof(p) - 1, &n) == ERR_FORMAT);
	cert_area(p, sizeof(p), 900);
	for (size_t at = 904; at < sizeof(p); at += 17) {
		p[at] = 1;
		EXPECT(ak_cert_length(p, sizeof(p), &n) == ERR_FORMAT);
		p[at] = 0;
	}
	p[4095] = 1;
	EXPECT(ak_cert_length(p, sizeof(p), &n) == ERR_FORMAT);
}

CASE(a_certificate_area_without_one)
{
	static uint8_t p[4096];
	size_t n = 7;

	EXPECT(ak_cert_length(p, sizeof(p), &n) == ERR_NOTFOUND);
	EXPECT(ak_cert_length(p, 0, &n) == ERR_NOTFOUND);
	cert_area(p, sizeof(p), 255); /* would have a shorter length form */
	EXPECT(ak_cert_length(p, sizeof(p), &n) == ERR_FORMAT);
	cert_area(p, sizeof(p), 0xffff);
	EXPECT(ak_cert_length(p, sizeof(p), &n) == ERR_FORMAT);
	cert_area(p, sizeof(p), 900);
	p[0] = 0x31;
	EXPECT(ak_cert_length(p, sizeof(p), &n) == ERR_FORMAT);
	p[0] = 0x30;
	p[1] = 0x81;
	EXPECT(ak_cert_length(p, sizeof(p), &n) == ERR_FORMAT);
	EXPECT(ak_cert_length(p, 3, &n) == ERR_FORMAT);
	EXPECT(n == 7);
}

int
main(void)
{
	return check_run();
}
