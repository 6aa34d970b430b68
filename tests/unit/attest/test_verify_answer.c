/* SPDX-License-Identifier: Apache-2.0 */
/* The signed payload against the question: each field altered is refused. */
#include "check.h"
#include "fake_signer.h"
#include "tags.h"

static struct question question;
static struct answer answer;
static struct verdict v;

/* Reads a payload, which it frees. */
static int
read_it(json_t *p)
{
	char *text = json_dumps(p, JSON_COMPACT);
	int r;

	v.code = 0;
	r = release_answer_read(&question, (uint8_t *)text, strlen(text),
				&answer, &v);
	free(text);
	json_decref(p);
	return r;
}

/* The right payload with one member of `request` set (NULL: out). */
static int
request(const char *key, json_t *value)
{
	json_t *p = fake_payload(), *o = json_object_get(p, "request");

	if (value)
		json_object_set_new(o, key, value);
	else
		json_object_del(o, key);
	return read_it(p);
}

static int
key(const char *member, json_t *value)
{
	json_t *p = fake_payload();

	if (value)
		json_object_set_new(fake_key(p), member, value);
	else
		json_object_del(fake_key(p), member);
	return read_it(p);
}

static int
hsm(const char *member, json_t *value)
{
	json_t *p = fake_payload(), *h = fake_hsm();

	if (value)
		json_object_set_new(h, member, value);
	else
		json_object_del(h, member);
	fake_set_hsm(p, h);
	json_decref(h);
	return read_it(p);
}

/* key_hsm with a ciphertext of that many bytes. */
static int
cipher(size_t bytes)
{
	static uint8_t zeros[OAEP_BYTES + KWP_MAX + 64];
	char *s = fake_b64url(zeros, bytes);
	int r = hsm("ciphertext", json_string(s));

	free(s);
	return r;
}

/* The right payload with another modulus. */
static int
modulus(uint8_t first, size_t zeros, size_t bytes, uint8_t last)
{
	static uint8_t n[1100];
	char *s;
	int r;

	memset(n, 0, zeros);
	memset(n + zeros, 0xc5, bytes);
	n[zeros] = first;
	n[zeros + bytes - 1] = last;
	s = fake_b64url(n, zeros + bytes);
	r = key("n", json_string(s));
	free(s);
	return r;
}

#define REFUSED(expr, want)                                                    \
	do {                                                                   \
		EXPECT((expr) == ERR_REFUSED);                                 \
		EXPECT(v.code == (want));                                      \
	} while (0)
#define WRONG(expr) REFUSED(expr, EXIT_ANSWER_WRONG)
#define KIND(expr)  REFUSED(expr, EXIT_KEY_KIND)

CASE(accepts_the_answer_to_our_question)
{
	EXPECT(read_it(fake_payload()) == 0);
	EXPECT(answer.enc == ENC_SHA256);
	EXPECT(answer.kwp_bytes == 1232);
	EXPECT(answer.oaep[0] == 0x5a && answer.kwp[1231] == 0x5a);
}

CASE(refuses_another_key_url)
{
	WRONG(request("kid", NULL));
	WRONG(request("kid", json_string(FAKE_KEY "/")));
	WRONG(request("kid", json_string(FAKE_KEY "/" FAKE_VER)));
	WRONG(request("kid", json_string(FAKE_KEY "x")));
	WRONG(request("kid", json_string("https://evil.vault.azure.net/keys/"
					 "master")));
	WRONG(request("kid", json_string("HTTPS://" FAKE_HOST "/keys/master")));
	WRONG(request("kid", json_integer(1)));
}

CASE(refuses_a_nonce_that_is_not_ours)
{
	WRONG(request("nonce", NULL));
	WRONG(request("nonce", json_string("")));
	WRONG(request("nonce", json_null()));
	WRONG(request("nonce", json_string(FAKE_NONCE "a")));
	/* ours, but for the other algorithm: only the pair counts */
	WRONG(request("nonce", json_string(FAKE_NONCE2)));
	WRONG(request("enc", json_string("RSA_AES_KEY_WRAP_384")));
}

CASE(accepts_the_second_pair_as_a_pair)
{
	json_t *p = fake_payload(), *o = json_object_get(p, "request");
	json_t *h = fake_hsm();

	json_object_set_new(o, "nonce", json_string(FAKE_NONCE2));
	json_object_set_new(o, "enc", json_string("RSA_AES_KEY_WRAP_384"));
	json_object_set_new(json_object_get(h, "header"), "enc",
			    json_string("RSA_AES_KEY_WRAP_384"));
	fake_set_hsm(p, h);
	json_decref(h);
	EXPECT(read_it(p) == 0);
	EXPECT(answer.enc == ENC_SHA384);
}

CASE(refuses_an_algorithm_nobody_asked_for)
{
	WRONG(request("enc", NULL));
	WRONG(request("enc", json_string("CKM_RSA_AES_KEY_WRAP")));
	WRONG(request("enc", json_string("rsa_aes_key_wrap_256")));
	WRONG(request("enc", json_string("")));
}

CASE(refuses_another_answered_key)
{
	WRONG(key("kid", NULL));
	WRONG(key("kid", json_string(FAKE_KEY)));
	WRONG(key("kid", json_string(FAKE_KEY "/")));
	WRONG(key("kid", json_string(FAKE_KEY "/0123456789abcdef")));
	WRONG(key("kid", json_string(FAKE_KEY "/" FAKE_VER "0")));
	WRONG(key("kid", json_string(FAKE_KEY "/g123456789abcdef"
					      "0123456789abcdef")));
	WRONG(key("kid", json_string(FAKE_KEY "x" FAKE_VER)));
	WRONG(key("kid", json_string(FAKE_KEY "2/" FAKE_VER)));
}

CASE(versioned_question_wants_that_version_alone)
{
	struct question plain = question;
	json_t *p;

	EXPECT(question_key(&question, FAKE_KEY "/" FAKE_VER) == 0);
	p = fake_payload();
	json_object_set_new(json_object_get(p, "request"), "kid",
			    json_string(FAKE_KEY "/" FAKE_VER));
	EXPECT(read_it(json_deep_copy(p)) == 0);
	json_object_set_new(fake_key(p), "kid",
			    json_string(FAKE_KEY "/" FAKE_VER "/" FAKE_VER));
	WRONG(read_it(json_deep_copy(p)));
	json_object_set_new(fake_key(p), "kid",
			    json_string(FAKE_KEY "/f123456789abcdef"
						 "0123456789abcdef"));
	WRONG(read_it(p));
	question = plain;
}

CASE(refuses_keys_that_are_not_rsa_of_2048_to_4096_bits)
{
	KIND(key("kty", NULL));
	KIND(key("kty", json_string("EC-HSM")));
	KIND(key("kty", json_string("oct-HSM")));
	KIND(key("kty", json_string("RSA-HSM2")));
	EXPECT(key("kty", json_string("RSA")) == 0);
	KIND(key("n", NULL));
	KIND(key("n", json_string("")));
	KIND(key("n", json_string("AQAB")));
	KIND(key("e", NULL));
	KIND(key("e", json_string("Aw")));     /* 3 */
	KIND(key("e", json_string("AQAC")));   /* 65538 */
	KIND(key("e", json_string("AAAA")));   /* 0 */
	KIND(key("e", json_string("AQABAA"))); /* 65537 * 256 */
	EXPECT(key("e", json_string("AQAB")) == 0);
	KIND(modulus(0x7f, 0, 256, 0xc5)); /* 2047 bits */
	KIND(modulus(0xc5, 0, 255, 0xc5));
	KIND(modulus(0xc5, 0, 256, 0xc4)); /* even */
	KIND(modulus(0x01, 0, 513, 0xc5)); /* 4097 bits */
	EXPECT(modulus(0xc5, 0, 512, 0xc5) == 0);
	EXPECT(modulus(0x80, 0, 256, 0xc5) == 0);
	KIND(modulus(0xc5, 600, 256, 0xc5));
}

CASE(leading_zeros_do_not_change_the_pin)
{
	uint8_t pin[32];

	EXPECT(modulus(0xc5, 0, 256, 0xc5) == 0);
	memcpy(pin, answer.pin, 32);
	EXPECT(modulus(0xc5, 4, 512, 0xc5) == 0);
	EXPECT(modulus(0xc5, 1, 256, 0xc5) == 0);
	EXPECT(memcmp(pin, answer.pin, 32) == 0);
	EXPECT(key("e", json_string("AQAB")) == 0);
	EXPECT(memcmp(pin, answer.pin, 32) == 0);
	EXPECT(modulus(0xc7, 0, 256, 0xc5) == 0);
	EXPECT(memcmp(pin, answer.pin, 32) != 0);
}

CASE(refuses_a_key_hsm_that_contradicts)
{
	json_t *other = json_pack("{s:s,s:s,s:s}", "kid", "x", "alg", "dir",
				  "enc", "RSA_AES_KEY_WRAP_384");

	WRONG(hsm("header", other));
	WRONG(hsm("header", NULL));
	WRONG(hsm("header", json_string("dir")));
	WRONG(hsm("header", json_pack("{s:s,s:s}", "alg", "A256KW", "enc",
				      "RSA_AES_KEY_WRAP_256")));
	WRONG(hsm("header", json_pack("{s:s}", "alg", "dir")));
	WRONG(hsm("ciphertext", NULL));
	WRONG(hsm("ciphertext", json_string("AA=")));
	WRONG(key("key_hsm", NULL));
	WRONG(key("key_hsm", json_string("e30=")));
	WRONG(key("key_hsm", json_string("W10"))); /* [] */
	WRONG(key("key_hsm", json_object()));
}

CASE(ciphertext_has_limits)
{
	WRONG(cipher(0));
	WRONG(cipher(255));
	WRONG(cipher(256));
	WRONG(cipher(256 + 8));
	EXPECT(cipher(256 + 16) == 0);
	EXPECT(answer.kwp_bytes == 16);
	WRONG(cipher(256 + 17));
	WRONG(cipher(256 + 1228));
	EXPECT(cipher(256 + 8192) == 0);
	EXPECT(answer.kwp_bytes == KWP_MAX);
	WRONG(cipher(256 + 8200));
}

CASE(refuses_a_payload_of_another_shape)
{
	static const char *const bad[] = {
		"",
		"{}",
		"[]",
		"null",
		"{\"request\":{}}",
		"{\"request\":{},\"response\":{}}",
		"{\"request\":{},\"response\":{\"key\":{}}}",
		"{\"request\":{},\"response\":{\"key\":{\"key\":[]}}}",
		"{\"request\":1,\"response\":{\"key\":{\"key\":{}}}}",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		WRONG(release_answer_read(&question, (const uint8_t *)bad[i],
					  strlen(bad[i]), &answer, &v));
}

CASE(refuses_duplicates_and_nul)
{
	json_t *p = fake_payload();
	char *text = json_dumps(p, JSON_COMPACT), more[8192];
	int n;

	n = snprintf(more, sizeof(more), "{\"request\":{},%s", text + 1);
	WRONG(release_answer_read(&question, (uint8_t *)more, (size_t)n,
				  &answer, &v));
	n = snprintf(more, sizeof(more), "{\"x\":\"a\\u0000\",%s", text + 1);
	WRONG(release_answer_read(&question, (uint8_t *)more, (size_t)n,
				  &answer, &v));
	n = snprintf(more, sizeof(more), "{\"x\":\"a\",%s", text + 1);
	EXPECT(release_answer_read(&question, (uint8_t *)more, (size_t)n,
				   &answer, &v) == 0);
	n = snprintf(more, sizeof(more), "%s", text);
	WRONG(release_answer_read(&question, (uint8_t *)more, (size_t)n + 1,
				  &answer, &v)); /* the NUL behind it */
	free(text);
	json_decref(p);
}

CASE(question_is_one_key_and_pairs_that_differ)
{
	static const char *const urls[] = {
		"",
		"http://h/keys/k",
		"https://h/keys/",
		"https:///keys/k",
		"https://h/key/k",
		"https://h/secrets/k",
		"https://h/keys//" FAKE_VER,
		"https://h/keys/k/",
		"https://h/keys/k/12",
		"https://h/keys/k/" FAKE_VER "/x",
	};
	struct question q = {0};

	for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++)
		EXPECT(question_key(&q, urls[i]) == ERR_FORMAT);
	EXPECT(question_key(&q, "https://h/keys/k") == 0 && !q.versioned);
	EXPECT(question_key(&q, "https://h/keys/k/" FAKE_VER) == 0);
	EXPECT(q.versioned);
#define ITEM(s) (const uint8_t *)(s)
	EXPECT(question_pair(&q, ITEM("\4" FAKE_NONCE), 65) == ERR_FORMAT);
	EXPECT(question_pair(&q, ITEM("\2" FAKE_NONCE), 64) == ERR_FORMAT);
	EXPECT(question_pair(&q, ITEM("\2" FAKE_NONCE), 65) == 0);
	EXPECT(question_pair(&q, ITEM("\2" FAKE_NONCE2), 65) == ERR_FORMAT);
	EXPECT(question_pair(&q, ITEM("\3" FAKE_NONCE), 65) == ERR_FORMAT);
	EXPECT(question_pair(&q, ITEM("\3" FAKE_NONCE2), 65) == 0);
	EXPECT(q.pairs == 2);
}

int
main(void)
{
	question = fake_question();
	return check_run();
}
