/* SPDX-License-Identifier: Apache-2.0 */
/* The decoders: each takes one answer apart, or refuses it. */
#include "srv_json.h"

#include <string.h>

#include "b64.h"
#include "json_whole.h"

int
json_secret(void)
{
	return json_begin(secret_malloc, secret_mfree);
}

int
json_object_in(const uint8_t *sk_p, size_t bytes, json_t **out)
{
	json_t *j = json_whole((const char *)sk_p, bytes);

	if (!j)
		return ERR_FORMAT;
	*out = j;
	return 0;
}

static int
get_bool(const json_t *j, const char *name, bool *out)
{
	const json_t *v = json_object_get(j, name);

	if (!json_is_boolean(v))
		return ERR_FORMAT;
	*out = json_is_true(v);
	return 0;
}

/* A count: shares are at most 255 on any server. */
static int
get_count(const json_t *j, const char *name, unsigned *out)
{
	const json_t *v = json_object_get(j, name);

	if (!json_is_integer(v) || json_integer_value(v) < 0 ||
	    json_integer_value(v) > 255)
		return ERR_FORMAT;
	*out = (unsigned)json_integer_value(v);
	return 0;
}

static int
get_word(const json_t *j, const char *name, char out[static SEAL_WORD])
{
	const json_t *v = json_object_get(j, name);

	if (!json_is_string(v) || json_string_length(v) >= SEAL_WORD)
		return ERR_FORMAT;
	memcpy(out, json_string_value(v), json_string_length(v) + 1);
	return 0;
}

int
read_seal_status(const uint8_t *p, size_t bytes, struct seal_status *out)
{
	struct seal_status s = {0};
	json_t *j;
	int r;

	if ((r = json_object_in(p, bytes, &j)) != 0)
		return r;
	if ((r = get_bool(j, "initialized", &s.initialized)) != 0 ||
	    (r = get_bool(j, "sealed", &s.sealed)) != 0 ||
	    (r = get_count(j, "t", &s.t)) != 0 ||
	    (r = get_count(j, "n", &s.n)) != 0 ||
	    (r = get_count(j, "progress", &s.progress)) != 0 ||
	    (r = get_word(j, "nonce", s.nonce)) != 0 ||
	    (r = get_word(j, "type", s.type)) != 0 ||
	    (r = get_word(j, "storage_type", s.storage)) != 0)
		goto out;
	*out = s;
out:
	json_decref(j);
	return r;
}

/* Share i, in both writings; they must say the same. */
static int
put_share(struct keyset *k, unsigned i, const json_t *hex, const json_t *b64)
{
	struct secret *sk = NULL;
	size_t want = k->count == 1 ? 32 : 33, got;
	uint8_t *p;
	int r;

	if (!json_is_string(hex) || !json_is_string(b64) ||
	    json_string_length(hex) != 2 * want)
		return ERR_FORMAT;
	if ((r = secret_new(2u * KEYSET_SHARE, &sk)) != 0)
		return r;
	p = secret_bytes(sk);
	if ((r = hex_decode(json_string_value(hex), 2 * want, p, want)) != 0)
		goto out;
	r = b64_decode(B64_STD, json_string_value(b64), json_string_length(b64),
		       p + KEYSET_SHARE, KEYSET_SHARE, &got);
	if (r != 0 || got != want || equal_ct(p, p + KEYSET_SHARE, want)) {
		r = ERR_FORMAT;
		goto out;
	}
	r = keyset_put_share(k, i, p, want);
out:
	secret_free(sk);
	return r;
}

int
read_init(const uint8_t *sk_p, size_t bytes, unsigned threshold,
	  unsigned shares, struct keyset *out_set)
{
	const json_t *hex, *b64, *token;
	struct keyset k = {0};
	json_t *j;
	int r;

	if ((r = json_object_in(sk_p, bytes, &j)) != 0)
		return r;
	hex = json_object_get(j, "keys");
	b64 = json_object_get(j, "keys_base64");
	token = json_object_get(j, "root_token");
	r = ERR_FORMAT;
	if (json_array_size(hex) != shares || json_array_size(b64) != shares ||
	    !json_is_string(token))
		goto out;
	if ((r = keyset_new(threshold, shares, &k)) != 0)
		goto out;
	for (unsigned i = 0; i < shares; i++)
		if ((r = put_share(&k, i, json_array_get(hex, i),
				   json_array_get(b64, i))) != 0)
			goto out;
	r = keyset_put_token(&k, json_string_value(token),
			     json_string_length(token));
	if (r != 0)
		goto out;
	*out_set = k;
	k = (struct keyset){0};
out:
	keyset_free(&k);
	json_decref(j);
	return r == ERR_RANGE ? ERR_FORMAT : r;
}

/* An absent, null or empty text is none; otherwise a copy in a secret. */
static int
get_secret(const json_t *j, const char *name, struct secret **out)
{
	const json_t *v = json_object_get(j, name);
	struct secret *sk;
	int r;

	if (!v || json_is_null(v))
		return 0;
	if (!json_is_string(v) || json_string_length(v) > 2u * KEYSET_TOKEN)
		return ERR_FORMAT;
	if (json_string_length(v) == 0)
		return 0;
	if ((r = secret_new(json_string_length(v), &sk)) != 0)
		return r;
	memcpy(secret_bytes(sk), json_string_value(v), secret_size(sk));
	*out = sk;
	return 0;
}

int
read_root(const uint8_t *sk_p, size_t bytes, struct root_status *out)
{
	struct root_status s = {0};
	json_t *j;
	int r;

	if ((r = json_object_in(sk_p, bytes, &j)) != 0)
		return r;
	if ((r = get_bool(j, "started", &s.started)) != 0 ||
	    (r = get_bool(j, "complete", &s.complete)) != 0 ||
	    (r = get_count(j, "progress", &s.progress)) != 0 ||
	    (r = get_count(j, "required", &s.required)) != 0 ||
	    (r = get_word(j, "nonce", s.nonce)) != 0 ||
	    (r = get_secret(j, "otp", &s.sk_otp)) != 0 ||
	    (r = get_secret(j, "encoded_token", &s.sk_encoded)) != 0)
		goto out;
	*out = s;
	s = (struct root_status){0};
out:
	root_status_free(&s);
	json_decref(j);
	return r;
}

void
root_status_free(struct root_status *s)
{
	secret_free(s->sk_otp);
	secret_free(s->sk_encoded);
	*s = (struct root_status){0};
}

int
read_is_root(const uint8_t *p, size_t bytes, bool *out_root)
{
	const json_t *policies, *v;
	bool root = false;
	size_t i;
	json_t *j;
	int r;

	if ((r = json_object_in(p, bytes, &j)) != 0)
		return r;
	policies = json_object_get(json_object_get(j, "data"), "policies");
	if (!json_is_array(policies)) {
		r = ERR_FORMAT;
		goto out;
	}
	json_array_foreach(policies, i, v) if (json_is_string(v) &&
					       strcmp(json_string_value(v),
						      "root") == 0) root = true;
	*out_root = root;
out:
	json_decref(j);
	return r;
}

void
read_error(const uint8_t *p, size_t bytes, char *out, size_t cap)
{
	const json_t *v;
	json_t *j;

	out[0] = '\0';
	if (json_object_in(p, bytes, &j) != 0)
		return;
	v = json_array_get(json_object_get(j, "errors"), 0);
	if (json_is_string(v)) {
		size_t n = json_string_length(v);

		n = n < cap ? n : cap - 1;
		memcpy(out, json_string_value(v), n);
		out[n] = '\0';
	}
	json_decref(j);
}
