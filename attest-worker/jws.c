/* SPDX-License-Identifier: Apache-2.0 */
#include "jws.h"

#include <openssl/rsa.h>
#include <string.h>

#include "b64.h"
#include "strict_json.h"

/* Decodes one part; padding is a violation (RFC 7515 section 2). */
static int
part(const char *s, size_t chars, uint8_t *out, size_t cap, size_t *out_bytes)
{
	if (memchr(s, '=', chars))
		return ERR_FORMAT;
	return b64_decode(B64_URL, s, chars, out, cap, out_bytes);
}

int
jws_split(const char *text, size_t chars, struct jws *out_jws)
{
	const char *dot1, *dot2, *end = text + chars;
	int r;

	if (chars > JWS_CHARS)
		return ERR_RANGE;
	dot1 = memchr(text, '.', chars);
	if (!dot1)
		return ERR_FORMAT;
	dot2 = memchr(dot1 + 1, '.', (size_t)(end - dot1 - 1));
	if (!dot2 || memchr(dot2 + 1, '.', (size_t)(end - dot2 - 1)))
		return ERR_FORMAT;

	out_jws->signed_text = text;
	out_jws->signed_chars = (size_t)(dot2 - text);
	if ((r = part(text, (size_t)(dot1 - text), out_jws->header, JWS_HEADER,
		      &out_jws->header_bytes)) != 0)
		return r;
	if ((r = part(dot1 + 1, (size_t)(dot2 - dot1 - 1), out_jws->payload,
		      JWS_PAYLOAD, &out_jws->payload_bytes)) != 0)
		return r;
	return part(dot2 + 1, (size_t)(end - dot2 - 1), out_jws->signature,
		    JWS_SIGNATURE, &out_jws->signature_bytes);
}

/* Says whether the member is the string `want`. */
static bool
member_is(const json_t *o, const char *key, const char *want)
{
	const char *s;
	size_t n;

	return sjson_str(o, key, &s, &n) == 0 && n == strlen(want) &&
	       memcmp(s, want, n) == 0;
}

/* kid: 40 upper-case hex digits (5.5), so hex_decode alone is too lenient. */
static int
read_kid(const json_t *o, uint8_t out[static 20])
{
	const char *s;
	size_t n;
	int r;

	if ((r = sjson_str(o, "kid", &s, &n)) != 0)
		return r;
	if (n != 40 || strspn(s, "0123456789ABCDEF") != n)
		return ERR_FORMAT;
	return hex_decode(s, n, out, 20);
}

static int
read_thumbprint(const json_t *o, const char *key, uint8_t *out, size_t bytes)
{
	size_t got;
	int r;

	if ((r = sjson_b64url(o, key, out, bytes, &got)) != 0)
		return r;
	return got == bytes ? 0 : ERR_FORMAT;
}

static int
read_x5c(const json_t *o, struct jws_header *h)
{
	const json_t *list = json_object_get(o, "x5c");
	size_t count = json_array_size(list);
	int r;

	if (!json_is_array(list) || count < JWS_CERTS_MIN || count > JWS_CERTS)
		return ERR_FORMAT;
	for (size_t i = 0; i < count; i++) {
		const json_t *s = json_array_get(list, i);

		if (!json_is_string(s))
			return ERR_FORMAT;
		if ((r = b64_decode(B64_STD, json_string_value(s),
				    json_string_length(s), h->x5c[i].der,
				    JWS_CERT, &h->x5c[i].bytes)) != 0)
			return r;
	}
	h->certs = (unsigned)count;
	return 0;
}

int
jws_header_read(const struct jws *j, struct jws_header *out_header,
		struct verdict *v)
{
	json_t *o = NULL;
	int r;

	if (sjson_object(j->header, j->header_bytes, JWS_HEADER, &o) != 0)
		return refuse(v, EXIT_ANSWER_CHAIN,
			      "header is not strict JSON");
	r = refuse(v, EXIT_ANSWER_CHAIN, "header: alg is not RS256");
	if (!member_is(o, "alg", "RS256"))
		goto out;
	r = refuse(v, EXIT_ANSWER_CHAIN, "header: typ is not JWT");
	if (json_object_get(o, "typ") && !member_is(o, "typ", "JWT"))
		goto out;
	r = refuse(v, EXIT_ANSWER_CHAIN, "header: crit or b64 is there");
	if (json_object_get(o, "crit") || json_object_get(o, "b64"))
		goto out;
	r = refuse(v, EXIT_ANSWER_CHAIN, "header: a thumbprint is malformed");
	if (read_kid(o, out_header->kid) != 0 ||
	    read_thumbprint(o, "x5t", out_header->x5t, 20) != 0 ||
	    read_thumbprint(o, "x5t#S256", out_header->x5t_s256, 32) != 0)
		goto out;
	r = refuse(v, EXIT_ANSWER_CHAIN,
		   "header: x5c is not 2 to 5 certificates");
	if (read_x5c(o, out_header) != 0)
		goto out;
	r = 0;
out:
	json_decref(o);
	return r;
}

int
jws_rs256(const struct jws *j, EVP_PKEY *key)
{
	EVP_MD_CTX *md = NULL;
	EVP_PKEY_CTX *pk = NULL; /* owned by md */
	int bits = EVP_PKEY_get_bits(key);
	int r = ERR_CRYPTO;

	if (!EVP_PKEY_is_a(key, "RSA") || bits < 2048 || bits > 4096)
		return ERR_CRYPTO;
	/* RFC 8017 8.2.2 step 1: no other length than the modulus' */
	if (j->signature_bytes != (size_t)EVP_PKEY_get_size(key))
		return ERR_CRYPTO;
	md = EVP_MD_CTX_new();
	if (!md ||
	    EVP_DigestVerifyInit_ex(md, &pk, "SHA256", NULL, NULL, key, NULL) !=
		    1 ||
	    EVP_PKEY_CTX_set_rsa_padding(pk, RSA_PKCS1_PADDING) != 1)
		goto out;
	if (EVP_DigestVerify(md, j->signature, j->signature_bytes,
			     (const uint8_t *)j->signed_text,
			     j->signed_chars) == 1)
		r = 0;
out:
	EVP_MD_CTX_free(md);
	return r;
}
