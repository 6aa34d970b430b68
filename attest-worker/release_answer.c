/* SPDX-License-Identifier: Apache-2.0 */
#include "release_answer.h"

#include <string.h>

#include "jws.h"
#include "strict_json.h"
#include "tags.h"

#define HEX_DIGITS "0123456789abcdefABCDEF"

/* One name per hash; the names are the service's (5.6). */
static const struct {
	uint8_t enc;
	const char *name;
} enc_names[] = {
	{ENC_SHA1, "CKM_RSA_AES_KEY_WRAP"},
	{ENC_SHA256, "RSA_AES_KEY_WRAP_256"},
	{ENC_SHA384, "RSA_AES_KEY_WRAP_384"},
};

static const char *
enc_name(uint8_t enc)
{
	for (size_t i = 0; i < sizeof(enc_names) / sizeof(enc_names[0]); i++)
		if (enc_names[i].enc == enc)
			return enc_names[i].name;
	return NULL;
}

static bool
is_version(const char *s, size_t n)
{
	return n == KEY_VERSION && strspn(s, HEX_DIGITS) >= n;
}

int
question_key(struct question *q, const char *key_url)
{
	static const char scheme[] = "https://", keys[] = "/keys/";
	size_t chars = strlen(key_url);
	const char *path, *name, *version;

	if (chars > KEY_URL_MAX ||
	    strncmp(key_url, scheme, sizeof(scheme) - 1) != 0)
		return ERR_FORMAT;
	path = strchr(key_url + sizeof(scheme) - 1, '/');
	if (!path || path == key_url + sizeof(scheme) - 1 ||
	    strncmp(path, keys, sizeof(keys) - 1) != 0)
		return ERR_FORMAT;
	name = path + sizeof(keys) - 1;
	version = strchr(name, '/');
	if (name[0] == '\0' || version == name)
		return ERR_FORMAT;
	if (version && !is_version(version + 1, strlen(version + 1)))
		return ERR_FORMAT;
	memcpy(q->key_url, key_url, chars + 1);
	q->versioned = version != NULL;
	return 0;
}

int
question_pair(struct question *q, const uint8_t *item, size_t bytes)
{
	char nonce[NONCE_CHARS + 1];

	if (q->pairs == QUESTION_PAIRS || bytes != 1 + NONCE_CHARS ||
	    !enc_name(item[0]))
		return ERR_FORMAT;
	memcpy(nonce, item + 1, NONCE_CHARS);
	nonce[NONCE_CHARS] = '\0';
	if (strspn(nonce, HEX_DIGITS) != NONCE_CHARS)
		return ERR_FORMAT;
	for (unsigned i = 0; i < q->pairs; i++)
		if (q->pair[i].enc == item[0] ||
		    memcmp(q->pair[i].nonce, nonce, NONCE_CHARS) == 0)
			return ERR_FORMAT;
	q->pair[q->pairs].enc = item[0];
	memcpy(q->pair[q->pairs].nonce, nonce, sizeof(nonce));
	q->pairs++;
	return 0;
}

/* Says whether the member is that text; NULL, which no name has, is none. */
static bool
text_is(const json_t *o, const char *key, const char *want)
{
	const char *s;
	size_t n;

	return want && sjson_str(o, key, &s, &n) == 0 && n == strlen(want) &&
	       memcmp(s, want, n) == 0;
}

/* The exact key URL, and one of our (enc, nonce) pairs, never a mixture. */
static int
check_request(const struct question *q, const json_t *request, uint8_t *out_enc,
	      struct verdict *v)
{
	if (!text_is(request, "kid", q->key_url))
		return refuse(v, EXIT_ANSWER_WRONG,
			      "request.kid is not the key that was asked for");
	for (unsigned i = 0; i < q->pairs; i++) {
		if (!text_is(request, "enc", enc_name(q->pair[i].enc)))
			continue;
		if (!text_is(request, "nonce", q->pair[i].nonce))
			return refuse(v, EXIT_ANSWER_WRONG,
				      "request.nonce is not ours");
		*out_enc = q->pair[i].enc;
		return 0;
	}
	return refuse(v, EXIT_ANSWER_WRONG,
		      "request.enc is not one that was asked for");
}

/* The answered key: the URL itself, or the URL, a slash and a version. */
static bool
kid_fits(const struct question *q, const json_t *key)
{
	size_t n, url = strlen(q->key_url);
	const char *s;

	if (sjson_str(key, "kid", &s, &n) != 0 || n < url ||
	    memcmp(s, q->key_url, url) != 0)
		return false;
	if (q->versioned)
		return n == url;
	return n == url + 1 + KEY_VERSION && s[url] == '/' &&
	       is_version(s + url + 1, KEY_VERSION);
}

static int
check_key(const struct question *q, const json_t *key, struct answer *out,
	  struct verdict *v)
{
	uint8_t n[RSA_MAX + 8], e[16]; /* room for leading zeros */
	size_t n_bytes, e_bytes;

	if (!kid_fits(q, key))
		return refuse(v, EXIT_ANSWER_WRONG,
			      "the answered key is not the one asked for");
	if (!text_is(key, "kty", "RSA-HSM") && !text_is(key, "kty", "RSA"))
		return refuse(v, EXIT_KEY_KIND, "kty is not RSA");
	if (sjson_b64url(key, "n", n, sizeof(n), &n_bytes) != 0 ||
	    sjson_b64url(key, "e", e, sizeof(e), &e_bytes) != 0 ||
	    spki_pin(n, n_bytes, e, e_bytes, out->pin) != 0)
		return refuse(v, EXIT_KEY_KIND,
			      "n and e are no RSA key of 2048 to 4096 bits "
			      "with exponent 65537");
	return 0;
}

/*
 * key_hsm names the hash once more; what is signed as request.enc goes to
 * the unwrapper, so the two must agree.
 */
static int
check_hsm(const json_t *hsm, struct answer *out, struct verdict *v)
{
	uint8_t both[OAEP_BYTES + KWP_MAX];
	json_t *header;
	size_t bytes;

	if (sjson_member(hsm, "header", &header) != 0 ||
	    !text_is(header, "alg", "dir"))
		return refuse(v, EXIT_ANSWER_WRONG,
			      "key_hsm: header or alg is not as it must be");
	if (!text_is(header, "enc", enc_name(out->enc)))
		return refuse(v, EXIT_ANSWER_WRONG,
			      "key_hsm: enc is not the requested one");
	if (sjson_b64url(hsm, "ciphertext", both, sizeof(both), &bytes) != 0 ||
	    bytes < OAEP_BYTES + KWP_MIN || bytes % 8 != 0)
		return refuse(v, EXIT_ANSWER_WRONG,
			      "key_hsm: the ciphertext has a wrong length");
	memcpy(out->oaep, both, OAEP_BYTES);
	out->kwp_bytes = bytes - OAEP_BYTES;
	memcpy(out->kwp, both + OAEP_BYTES, out->kwp_bytes);
	return 0;
}

static int
read_hsm(const json_t *key, struct answer *out, struct verdict *v)
{
	uint8_t text[JWS_PAYLOAD];
	json_t *hsm = NULL;
	size_t bytes;
	int r;

	if (sjson_b64url(key, "key_hsm", text, sizeof(text), &bytes) != 0 ||
	    sjson_object(text, bytes, sizeof(text), &hsm) != 0)
		return refuse(v, EXIT_ANSWER_WRONG,
			      "key_hsm is not strict JSON in base64url");
	r = check_hsm(hsm, out, v);
	json_decref(hsm);
	return r;
}

int
release_answer_read(const struct question *q, const uint8_t *payload,
		    size_t bytes, struct answer *out_answer, struct verdict *v)
{
	json_t *root = NULL, *request, *response, *outer, *key;
	struct answer a;
	int r;

	if (sjson_object(payload, bytes, JWS_PAYLOAD, &root) != 0)
		return refuse(v, EXIT_ANSWER_WRONG,
			      "the payload is not strict JSON");
	r = refuse(v, EXIT_ANSWER_WRONG, "the payload lacks a member");
	if (sjson_member(root, "request", &request) != 0 ||
	    sjson_member(root, "response", &response) != 0 ||
	    sjson_member(response, "key", &outer) != 0 ||
	    sjson_member(outer, "key", &key) != 0)
		goto out;
	if ((r = check_request(q, request, &a.enc, v)) != 0 ||
	    (r = check_key(q, key, &a, v)) != 0 ||
	    (r = read_hsm(key, &a, v)) != 0)
		goto out;
	*out_answer = a;
out:
	json_decref(root);
	return r;
}
