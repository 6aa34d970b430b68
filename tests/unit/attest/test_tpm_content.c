/* SPDX-License-Identifier: Apache-2.0 */
/* DESIGN P5: what is inside a blob, before it is anything. */
#include "check.h"
#include "tpm_content.h"
#include "tpm_help.h"

#define A64 "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFB"

typedef int decode_fn(const struct secret *, struct secret **);

/* Returns the error, or how many bytes came out. */
static int
of(decode_fn *f, const void *text, size_t bytes)
{
	struct secret *in = secret_of(text, bytes), *out = NULL;
	int r = f(in, &out);

	EXPECT((r == 0) == (out != NULL));
	r = r == 0 ? (int)secret_size(out) : r;
	secret_free(out);
	secret_free(in);
	return r;
}

static int
of_text(decode_fn *f, const char *text)
{
	return of(f, text, strlen(text));
}

CASE(passwords_are_1_to_128_printable_bytes)
{
	char text[200];
	struct secret *in, *out = NULL;

	memset(text, 'x', sizeof(text));
	EXPECT(of(content_password, text, 1) == PASSWORD_SEALED);
	EXPECT(of(content_password, text, 128) == PASSWORD_SEALED);
	EXPECT(of(content_password, text, 129) == ERR_FORMAT);
	for (int c = 0; c < 256; c++) {
		text[3] = (char)c;
		EXPECT((of(content_password, text, 9) > 0) ==
		       (c >= 0x20 && c <= 0x7e));
	}
	in = secret_of("p w", 3);
	EXPECT(content_password(in, &out) == 0);
	EXPECT(out && memcmp(secret_bytes(out), "\3p w\0\0", 6) == 0 &&
	       secret_bytes(out)[PASSWORD_MAX] == 0);
	secret_free(in);
	secret_free(out);
}

CASE(storage_keys_are_base64_of_64_bytes)
{
	static const char good[] =
		A64 "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQQ=="
		    "";
	char text[128];

	EXPECT(sizeof(good) - 1 == 88);
	EXPECT(of_text(content_storage_key, good) == 64);
	for (size_t at = 0; at < 88; at++) {
		memcpy(text, good, sizeof(good));
		text[at] = '-';
		EXPECT(of_text(content_storage_key, text) == ERR_FORMAT);
		text[at] = '\n';
		EXPECT(of_text(content_storage_key, text) == ERR_FORMAT);
	}
	memcpy(text, good, sizeof(good));
	text[85] = 'R'; /* a bit set that stands for nothing */
	EXPECT(of_text(content_storage_key, text) == ERR_FORMAT);
	snprintf(text, sizeof(text), "%s\n", good);
	EXPECT(of_text(content_storage_key, text) == ERR_FORMAT);
	EXPECT(of(content_storage_key, good, 87) == ERR_FORMAT);
	EXPECT(of(content_storage_key, good, 86) == ERR_FORMAT);
	memcpy(text, good, sizeof(good));
	text[86] = 'A'; /* 65 bytes */
	text[87] = '=';
	EXPECT(of_text(content_storage_key, text) == ERR_FORMAT);
}

CASE(shares_are_32_or_33_bytes_in_hex_or_base64)
{
	char hex[80];

	memset(hex, 'a', sizeof(hex));
	for (size_t n = 1; n < sizeof(hex); n++)
		EXPECT((of(content_share, hex, n) > 0) ==
		       (n == 64 || n == 66 || n == 44));
	EXPECT(of(content_share, hex, 64) == 32);
	EXPECT(of(content_share, hex, 66) == 33);
	EXPECT(of(content_share,
		  "AbCdEf0123456789AbCdEf0123456789"
		  "AbCdEf0123456789AbCdEf0123456789",
		  64) == 32);
	hex[10] = 'g';
	EXPECT(of(content_share, hex, 64) == ERR_FORMAT);
	EXPECT(of_text(content_share,
		       "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE=") == 32);
	EXPECT(of_text(content_share,
		       "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFB") == 33);
	EXPECT(of_text(content_share,
		       "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQQ==") ==
	       ERR_FORMAT);
	EXPECT(of_text(content_share,
		       "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQU_=") ==
	       ERR_FORMAT);
	EXPECT(of_text(content_share,
		       "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUF=") ==
	       ERR_FORMAT);
}

int
main(void)
{
	need_arena();
	return check_run();
}
