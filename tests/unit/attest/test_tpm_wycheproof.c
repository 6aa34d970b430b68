/* SPDX-License-Identifier: Apache-2.0 */
/* Wycheproof: AES-KWP, RSA-OAEP (SHA-256 twice) and AES-GCM, all that fit. */
#include <jansson.h>

#include "b64.h"
#include "check.h"
#include "tpm_cipher.h"
#include "tpm_help.h"
#include "tpm_master.h"
#include "vectors.h"

#define DIR	   "wycheproof/"
#define KWP_FILE   DIR "aes_kwp_test.json"
#define GCM_FILE   DIR "aes_gcm_test.json"
#define OAEP(bits) DIR "rsa_oaep_" bits "_sha256_mgf1sha256_test.json"

struct bytes {
	uint8_t p[4096];
	size_t n;
};

static struct bytes
member(const json_t *o, const char *name)
{
	const char *s = json_string_value(json_object_get(o, name));
	struct bytes b = {.n = s ? strlen(s) / 2 : 0};

	if (!s || b.n > sizeof(b.p) ||
	    hex_decode(s, strlen(s), b.p, b.n) != 0) {
		printf("Bail out! no hex in %s\n", name);
		exit(EXIT_FAILURE);
	}
	return b;
}

static json_t *
load(const char *name)
{
	size_t n;
	char *text = read_vector(name, &n);
	json_t *o = json_loadb(text, n, 0, NULL);

	free(text);
	return o;
}

static int
valid(const json_t *test)
{
	const char *s = json_string_value(json_object_get(test, "result"));

	return s && strcmp(s, "valid") == 0;
}

/* Says which case disagrees, and counts. */
static void
agrees(const json_t *test, int want, int got)
{
	if (want != got)
		printf("# tcId %lld\n", (long long)json_integer_value(
						json_object_get(test, "tcId")));
	EXPECT(want == got);
}

CASE(aes_kwp_agrees)
{
	json_t *root = load(KWP_FILE), *group, *test;
	size_t i, k, ran = 0;

	json_array_foreach(json_object_get(root, "testGroups"), i, group)
		json_array_foreach(json_object_get(group, "tests"), k, test)
	{
		struct bytes key = member(test, "key");
		struct bytes msg = member(test, "msg");
		struct bytes ct = member(test, "ct");
		struct secret *sk = NULL;
		int ok;

		if (key.n != AES_KEY)
			continue;
		ok = kwp_unwrap(key.p, ct.p, ct.n, &sk) == 0;
		if (ok && valid(test))
			EXPECT(secret_size(sk) == msg.n &&
			       memcmp(secret_bytes(sk), msg.p, msg.n) == 0);
		agrees(test, valid(test), ok);
		secret_free(sk);
		ran++;
	}
	EXPECT(ran > 70);
	json_decref(root);
}

static void
oaep_agrees(const char *file, size_t least)
{
	json_t *root = load(file), *group, *test;
	size_t i, k, ran = 0;

	json_array_foreach(json_object_get(root, "testGroups"), i, group)
	{
		struct bytes der = member(group, "privateKeyPkcs8");
		struct master *m = NULL;

		EXPECT(master_new(der.p, der.n, NULL, &m) == 0);
		json_array_foreach(json_object_get(group, "tests"), k, test)
		{
			struct bytes ct = member(test, "ct");
			struct bytes msg = member(test, "msg");
			/* We have no label, and no use for an empty text. */
			int want = valid(test) && msg.n > 0 &&
				   member(test, "label").n == 0;
			struct secret *sk = NULL;
			int ok = m && master_open(m, ct.p, ct.n, &sk) == 0;

			agrees(test, want, ok);
			if (ok && want)
				EXPECT(secret_size(sk) == msg.n &&
				       memcmp(secret_bytes(sk), msg.p, msg.n) ==
					       0);
			secret_free(sk);
			ran++;
		}
		master_free(m);
	}
	EXPECT(ran >= least);
	json_decref(root);
}

CASE(rsa_oaep_2048_agrees)
{
	oaep_agrees(OAEP("2048"), 37);
}

CASE(rsa_oaep_3072_agrees)
{
	oaep_agrees(OAEP("3072"), 37);
}

CASE(rsa_oaep_4096_agrees)
{
	oaep_agrees(OAEP("4096"), 37);
}

CASE(aes_gcm_agrees)
{
	json_t *root = load(GCM_FILE), *group, *test;
	size_t i, k, ran = 0;

	json_array_foreach(json_object_get(root, "testGroups"), i, group)
		json_array_foreach(json_object_get(group, "tests"), k, test)
	{
		struct bytes key = member(test, "key");
		struct bytes iv = member(test, "iv");
		struct bytes aad = member(test, "aad");
		struct bytes msg = member(test, "msg");
		struct bytes ct = member(test, "ct");
		struct bytes tag = member(test, "tag");
		struct gcm g = {key.p, iv.p, aad.p, aad.n};
		uint8_t got[4096];
		int ok;

		if (key.n != AES_KEY || iv.n != GCM_IV || tag.n != GCM_TAG ||
		    ct.n == 0)
			continue;
		ok = gcm_open(&g, ct.p, ct.n, tag.p, got) == 0;
		agrees(test, valid(test), ok);
		if (ok)
			EXPECT(memcmp(got, msg.p, msg.n) == 0);
		ran++;
	}
	EXPECT(ran > 30);
	json_decref(root);
}

int
main(void)
{
	NEED_VECTOR(KWP_FILE);
	NEED_VECTOR(GCM_FILE);
	NEED_VECTOR(OAEP("2048"));
	NEED_VECTOR(OAEP("3072"));
	NEED_VECTOR(OAEP("4096"));
	need_arena();
	return check_run();
}
