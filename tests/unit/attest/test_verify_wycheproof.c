/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Wycheproof's json_web_signature and rsa_signature files: what is signed as
 * RS256 by the group's RSA key verifies, everything else does not.
 */
#include <jansson.h>
#include <openssl/core_names.h>
#include <openssl/param_build.h>
#include <openssl/x509.h>

#include "b64.h"
#include "check.h"
#include "jws.h"
#include "strict_json.h"
#include "vectors.h"

#define JWS_FILE "wycheproof/json_web_signature_test.json"

static const char *
str(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s ? s : "";
}

/* Any RSA public key of a JWK, whatever else it says; NULL: none. */
static EVP_PKEY *
jwk_key(const json_t *jwk)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
	uint8_t n[1024], e[16];
	size_t n_bytes, e_bytes;
	OSSL_PARAM *params;
	EVP_PKEY *key = NULL;

	if (strcmp(str(jwk, "kty"), "RSA") == 0 &&
	    sjson_b64url(jwk, "n", n, sizeof(n), &n_bytes) == 0 &&
	    sjson_b64url(jwk, "e", e, sizeof(e), &e_bytes) == 0) {
		BIGNUM *bn = BN_bin2bn(n, (int)n_bytes, NULL);
		BIGNUM *be = BN_bin2bn(e, (int)e_bytes, NULL);

		OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_N, bn);
		OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_E, be);
		params = OSSL_PARAM_BLD_to_param(bld);
		EVP_PKEY_fromdata_init(ctx);
		EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params);
		OSSL_PARAM_free(params);
		BN_free(bn);
		BN_free(be);
	}
	OSSL_PARAM_BLD_free(bld);
	EVP_PKEY_CTX_free(ctx);
	return key;
}

/* Our two rules for any JWS: strict header with alg RS256, and a signature. */
static bool
accepts(const char *text, EVP_PKEY *key)
{
	static struct jws j;
	const char *alg;
	json_t *h = NULL;
	bool yes;
	size_t n;

	if (jws_split(text, strlen(text), &j) != 0 ||
	    sjson_object(j.header, j.header_bytes, JWS_HEADER, &h) != 0)
		return false;
	yes = sjson_str(h, "alg", &alg, &n) == 0 && n == 5 &&
	      memcmp(alg, "RS256", 5) == 0 && !json_object_get(h, "crit") &&
	      !json_object_get(h, "b64") && key && jws_rs256(&j, key) == 0;
	json_decref(h);
	return yes;
}

CASE(json_web_signature_agrees_wherever_it_is_rs256)
{
	size_t bytes, i, k, seen = 0, good = 0, groups = 0;
	char *text = read_vector(JWS_FILE, &bytes);
	json_t *root = json_loadb(text, bytes, 0, NULL), *group, *test;

	json_array_foreach(json_object_get(root, "testGroups"), i, group)
	{
		const json_t *jwk = json_object_get(group, "public");
		/* keys that say they are for something else: a policy of
		   JWK readers; our keys come from certificates */
		bool ours = strcmp(str(jwk, "alg"), "RS256") == 0;
		EVP_PKEY *key = jwk_key(jwk);

		groups += key != NULL;
		json_array_foreach(json_object_get(group, "tests"), k, test)
		{
			bool valid = strcmp(str(test, "result"), "valid") == 0;
			bool yes = accepts(str(test, "jws"), key);

			seen++;
			good += yes;
			if (ours && yes != valid)
				printf("# tcId %lld: %s: ours %d\n",
				       (long long)json_integer_value(
					       json_object_get(test, "tcId")),
				       str(test, "comment"), yes);
			EXPECT(!ours || yes == valid);
		}
		EVP_PKEY_free(key);
	}
	printf("# %zu tests, %zu accepted, %zu RSA keys\n", seen, good, groups);
	EXPECT(seen == 401 && good > 0);
	json_decref(root);
	free(text);
}

/* A signature file: the message as the signed text. */
static void
signatures(const char *name, unsigned want)
{
	static struct jws j;
	size_t bytes, i, k;
	unsigned seen = 0, good = 0;
	char *text = read_vector(name, &bytes);
	json_t *root = json_loadb(text, bytes, 0, NULL), *group, *test;

	json_array_foreach(json_object_get(root, "testGroups"), i, group)
	{
		const char *hex = str(group, "publicKeyDer");
		uint8_t der[1024], msg[4096];
		const uint8_t *p = der;
		EVP_PKEY *key;
		size_t n = strlen(hex) / 2;

		EXPECT(n <= sizeof(der) && hex_decode(hex, 2 * n, der, n) == 0);
		key = d2i_PUBKEY(NULL, &p, (long)n);
		json_array_foreach(json_object_get(group, "tests"), k, test)
		{
			const char *m = str(test, "msg"), *s = str(test, "sig");
			const char *result = str(test, "result");
			bool yes;

			seen++;
			j.signed_text = (const char *)msg;
			j.signed_chars = strlen(m) / 2;
			j.signature_bytes = strlen(s) / 2;
			if (j.signature_bytes > JWS_SIGNATURE) {
				EXPECT(strcmp(result, "invalid") == 0);
				continue;
			}
			EXPECT(hex_decode(m, strlen(m), msg, j.signed_chars) ==
			       0);
			EXPECT(hex_decode(s, strlen(s), j.signature,
					  j.signature_bytes) == 0);
			yes = key && jws_rs256(&j, key) == 0;
			good += yes;
			EXPECT(strcmp(result, "valid") != 0 || yes);
			EXPECT(strcmp(result, "invalid") != 0 || !yes);
		}
		EVP_PKEY_free(key);
	}
	printf("# %s: %u tests, %u accepted\n", name, seen, good);
	EXPECT(seen == want && good > 0);
	json_decref(root);
	free(text);
}

CASE(rs256_agrees_with_rsa_signature_files)
{
	signatures("wycheproof/rsa_signature_2048_sha256_test.json", 259);
	signatures("wycheproof/rsa_signature_3072_sha256_test.json", 259);
	if (vector_there("wycheproof/rsa_signature_4096_sha256_test.json"))
		signatures("wycheproof/rsa_signature_4096_sha256_test.json",
			   258);
}

int
main(void)
{
	NEED_VECTOR(JWS_FILE);
	return check_run();
}
