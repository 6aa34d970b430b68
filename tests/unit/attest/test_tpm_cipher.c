/* SPDX-License-Identifier: Apache-2.0 */
/* HKDF by RFC 5869's vectors; the edges of GCM and KWP. */
#include "b64.h"
#include "check.h"
#include "tpm_cipher.h"
#include "tpm_help.h"

static void
hkdf_is(const char *ikm, const char *salt, const char *info, const char *okm)
{
	uint8_t i[128], s[128], f[128], want[128], got[128];
	struct hkdf h = {i, strlen(ikm) / 2, s, strlen(salt) / 2,
			 f, strlen(info) / 2};
	size_t n = strlen(okm) / 2;

	EXPECT(hex_decode(ikm, strlen(ikm), i, h.ikm_bytes) == 0);
	EXPECT(hex_decode(salt, strlen(salt), s, h.salt_bytes) == 0);
	EXPECT(hex_decode(info, strlen(info), f, h.info_bytes) == 0);
	EXPECT(hex_decode(okm, strlen(okm), want, n) == 0);
	EXPECT(hkdf_sha256(&h, got, n) == 0);
	EXPECT(memcmp(got, want, n) == 0);
}

CASE(hkdf_gives_what_rfc_5869_says)
{
	hkdf_is("0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b",
		"000102030405060708090a0b0c", "f0f1f2f3f4f5f6f7f8f9",
		"3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4"
		"c5bf34007208d5b887185865");
	hkdf_is("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d"
		"1e1f202122232425262728292a2b2c2d2e2f303132333435363738393a3b"
		"3c3d3e3f404142434445464748494a4b4c4d4e4f",
		"606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d"
		"7e7f808182838485868788898a8b8c8d8e8f909192939495969798999a9b"
		"9c9d9e9fa0a1a2a3a4a5a6a7a8a9aaabacadaeaf",
		"b0b1b2b3b4b5b6b7b8b9babbbcbdbebfc0c1c2c3c4c5c6c7c8c9cacbcccd"
		"cecfd0d1d2d3d4d5d6d7d8d9dadbdcdddedfe0e1e2e3e4e5e6e7e8e9eaeb"
		"ecedeeeff0f1f2f3f4f5f6f7f8f9fafbfcfdfeff",
		"b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19af"
		"a97c59045a99cac7827271cb41c65e590e09da3275600c2f09b8367793a9"
		"aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87");
}

CASE(gcm_refuses_and_wipes)
{
	uint8_t key[AES_KEY] = {1}, iv[GCM_IV] = {2}, aad[5] = "head";
	uint8_t text[40] = "forty bytes of text that must come back";
	uint8_t box[sizeof(text) + GCM_TAG], got[sizeof(text)];
	static const uint8_t zero[sizeof(text)];
	struct gcm g = {key, iv, aad, sizeof(aad)};

	EXPECT(gcm_seal(&g, text, sizeof(text), box) == 0);
	EXPECT(gcm_open(&g, box, sizeof(text), box + sizeof(text), got) == 0);
	EXPECT(memcmp(got, text, sizeof(text)) == 0);
	for (size_t at = 0; at < sizeof(box); at++) {
		box[at] ^= 0x80;
		EXPECT(gcm_open(&g, box, sizeof(text), box + sizeof(text),
				got) == ERR_CRYPTO);
		EXPECT(memcmp(got, zero, sizeof(got)) == 0);
		box[at] ^= 0x80;
	}
	aad[0] ^= 1;
	EXPECT(gcm_open(&g, box, sizeof(text), box + sizeof(text), got) ==
	       ERR_CRYPTO);
	g.aad_bytes = 0;
	EXPECT(gcm_open(&g, box, sizeof(text), box + sizeof(text), got) ==
	       ERR_CRYPTO);
}

CASE(kwp_takes_no_other_lengths)
{
	static uint8_t in[KWP_MAX + 8];
	uint8_t kek[AES_KEY] = {3};
	struct secret *sk = NULL;

	for (size_t n = 0; n < 64; n++)
		if (n < KWP_MIN || n % 8 != 0)
			EXPECT(kwp_unwrap(kek, in, n, &sk) == ERR_RANGE);
	EXPECT(kwp_unwrap(kek, in, KWP_MAX + 8, &sk) == ERR_RANGE);
	EXPECT(kwp_unwrap(kek, in, KWP_MAX, &sk) == ERR_CRYPTO);
	EXPECT(sk == NULL);
}

int
main(void)
{
	need_arena();
	return check_run();
}
