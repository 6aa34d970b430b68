/* SPDX-License-Identifier: Apache-2.0 */
/* Every field of the signed header, spoiled and signed anew: refused. */
#include "check.h"
#include "fake_signer.h"
#include "jws_chain.h"
#include "verify.h"

static struct fake fake;
static struct verify verify;
static struct answer answer;
static struct verdict v;

/* The answer with this header (freed) and the right payload. */
static int
with_header(json_t *header)
{
	char *text = fake_jws(&fake, header, fake_payload());
	int r;

	v.code = 0;
	r = verify_answer(&verify, text, strlen(text), &answer, &v);
	free(text);
	return r;
}

static json_t *
right_header(void)
{
	static const int order[] = {FAKE_LEAF, FAKE_MIDDLE, FAKE_ROOT};

	return fake_header(&fake, order, 3);
}

/* The right header with one member set (NULL: taken out). */
static int
with_member(const char *key, json_t *value)
{
	json_t *h = right_header();

	if (value)
		json_object_set_new(h, key, value);
	else
		json_object_del(h, key);
	return with_header(h);
}

#define REFUSED(expr)                                                          \
	do {                                                                   \
		EXPECT((expr) == ERR_REFUSED);                                 \
		EXPECT(v.code == EXIT_ANSWER_CHAIN);                           \
	} while (0)

CASE(accepts_the_right_answer)
{
	EXPECT(with_header(right_header()) == 0);
	EXPECT(answer.enc == 2 && answer.kwp_bytes == 1232);
}

CASE(accepts_a_chain_without_its_root)
{
	static const int order[] = {FAKE_LEAF, FAKE_MIDDLE};

	EXPECT(with_header(fake_header(&fake, order, 2)) == 0);
}

CASE(accepts_members_nobody_knows)
{
	EXPECT(with_member("iat", json_integer(1)) == 0);
	EXPECT(with_member("typ", NULL) == 0);
}

CASE(refuses_every_other_algorithm)
{
	static const char *const algs[] = {
		"none",	 "None",  "HS256", "HS512", "RS384",  "RS512", "PS256",
		"ES256", "EdDSA", "rs256", "",	    "RS256 ", "RS25",
	};

	for (size_t i = 0; i < sizeof(algs) / sizeof(algs[0]); i++)
		REFUSED(with_member("alg", json_string(algs[i])));
	REFUSED(with_member("alg", NULL));
	REFUSED(with_member("alg", json_null()));
	REFUSED(with_member("alg", json_pack("[s]", "RS256")));
}

CASE(refuses_critical_extensions)
{
	REFUSED(with_member("crit", json_pack("[s]", "exp")));
	REFUSED(with_member("crit", json_array()));
	REFUSED(with_member("b64", json_false()));
	REFUSED(with_member("typ", json_string("JWS")));
	REFUSED(with_member("typ", json_integer(1)));
}

CASE(refuses_a_wrong_or_missing_thumbprint)
{
	static const char *const names[] = {"kid", "x5t", "x5t#S256"};

	for (size_t i = 0; i < 3; i++) {
		json_t *h = right_header();
		char *s =
			strdup(json_string_value(json_object_get(h, names[i])));

		REFUSED(with_member(names[i], NULL));
		REFUSED(with_member(names[i], json_string("")));
		REFUSED(with_member(names[i], json_integer(7)));
		s[3] = s[3] == 'A' ? 'B' : 'A';
		REFUSED(with_member(names[i], json_string(s)));
		s[strlen(s) - 1] = '\0';
		REFUSED(with_member(names[i], json_string(s)));
		free(s);
		json_decref(h);
	}
}

CASE(refuses_kid_in_lower_case)
{
	json_t *h = right_header();
	char *s = strdup(json_string_value(json_object_get(h, "kid")));

	for (char *p = s; *p; p++)
		if (*p >= 'A' && *p <= 'F')
			*p = (char)(*p - 'A' + 'a');
	REFUSED(with_member("kid", json_string(s)));
	free(s);
	json_decref(h);
}

CASE(refuses_swapped_and_incomplete_chains)
{
	static const int swapped[] = {FAKE_MIDDLE, FAKE_LEAF, FAKE_ROOT};
	static const int back[] = {FAKE_LEAF, FAKE_ROOT, FAKE_MIDDLE};
	static const int gap[] = {FAKE_LEAF, FAKE_ROOT};
	static const int twice[] = {FAKE_LEAF, FAKE_LEAF, FAKE_MIDDLE};
	static const int six[] = {FAKE_LEAF, FAKE_MIDDLE, FAKE_ROOT,
				  FAKE_ROOT, FAKE_ROOT,	  FAKE_ROOT};

	REFUSED(with_header(fake_header(&fake, swapped, 3)));
	REFUSED(with_header(fake_header(&fake, back, 3)));
	REFUSED(with_header(fake_header(&fake, gap, 2)));
	REFUSED(with_header(fake_header(&fake, twice, 3)));
	REFUSED(with_header(fake_header(&fake, six, 6)));
	REFUSED(with_header(fake_header(&fake, six, 1)));
	EXPECT(with_header(fake_header(&fake, six, 5)) == 0);
}

CASE(refuses_x5c_that_is_not_certificates)
{
	json_t *h = right_header(), *x5c = json_object_get(h, "x5c");
	const char *leaf = json_string_value(json_array_get(x5c, 0));
	char *cut = strdup(leaf), more[20000];

	REFUSED(with_member("x5c", NULL));
	REFUSED(with_member("x5c", json_string(leaf)));
	REFUSED(with_member("x5c", json_array()));
	REFUSED(with_member("x5c", json_pack("[i,i]", 1, 2)));
	REFUSED(with_member("x5c", json_pack("[s,s]", "", "")));
	REFUSED(with_member("x5c", json_pack("[s,s]", leaf, "AAAA")));
	cut[40] = '-'; /* base64url is for the other members */
	REFUSED(with_member("x5c", json_pack("[s,s]", cut, leaf)));
	memset(more, 'A', sizeof(more) - 1);
	more[sizeof(more) - 1] = '\0';
	REFUSED(with_member("x5c", json_pack("[s,s]", more, leaf)));
	free(cut);
	json_decref(h);
}

CASE(refuses_duplicate_members)
{
	json_t *h = right_header(), *p = fake_payload();
	char *head = json_dumps(h, JSON_COMPACT), twice[20000];
	char *body = json_dumps(p, JSON_COMPACT), *text;

	snprintf(twice, sizeof(twice), "{\"alg\":\"RS256\",%s", head + 1);
	text = fake_sign(fake.key[FAKE_LEAF], twice, body);
	REFUSED(verify_answer(&verify, text, strlen(text), &answer, &v));
	free(text);
	snprintf(twice, sizeof(twice), "%s ", head);
	text = fake_sign(fake.key[FAKE_LEAF], twice, body);
	EXPECT(verify_answer(&verify, text, strlen(text), &answer, &v) == 0);
	free(text);
	snprintf(twice, sizeof(twice), "%s{}", head);
	text = fake_sign(fake.key[FAKE_LEAF], twice, body);
	REFUSED(verify_answer(&verify, text, strlen(text), &answer, &v));
	free(text);
	free(head);
	free(body);
	json_decref(h);
	json_decref(p);
}

CASE(refuses_what_is_not_three_parts)
{
	static struct jws j;
	static const char *const bad[] = {
		"",
		".",
		"e30",
		"e30.e30",
		"e30.e30.AA.",
		"e30.e30.AA.AA",
		"e30=.e30.AA",
		"e30.e30.AA==",
		"e 30.e30.AA",
		"e30.e30.A",
		"e30.e30.AB",
		"e+0.e30.AA",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		EXPECT(jws_split(bad[i], strlen(bad[i]), &j) != 0);
	EXPECT(jws_split("e30.e30.AA", 10, &j) == 0);
	EXPECT(jws_split("e30..AA", 7, &j) == 0 && j.payload_bytes == 0);
	EXPECT(jws_split("e30.e30.AA\0", 11, &j) != 0);
}

CASE(the_answer_has_a_longest_length)
{
	static struct jws j;
	static char text[JWS_CHARS + 2];

	/* both parts below their own limits */
	memset(text, 'A', sizeof(text));
	text[40000] = '.';
	text[JWS_CHARS - 400] = '.';
	EXPECT(jws_split(text, JWS_CHARS, &j) == 0);
	EXPECT(jws_split(text, JWS_CHARS + 1, &j) == ERR_RANGE);
	text[40000] = 'A';
	text[44000] = '.'; /* a header of 33,000 bytes */
	EXPECT(jws_split(text, JWS_CHARS, &j) == ERR_RANGE);
}

CASE(refuses_a_signature_by_a_small_key)
{
	static struct jws j;
	EVP_PKEY *small = EVP_RSA_gen(1024), *ec = EVP_EC_gen("P-256");
	char *text = fake_sign(small, "{}", "{}");

	EXPECT(jws_split(text, strlen(text), &j) == 0);
	EXPECT(jws_rs256(&j, small) == ERR_CRYPTO);
	EXPECT(jws_rs256(&j, ec) == ERR_CRYPTO);
	free(text);
	text = fake_sign(ec, "{}", "{}");
	EXPECT(jws_split(text, strlen(text), &j) == 0);
	EXPECT(jws_rs256(&j, ec) == ERR_CRYPTO);
	free(text);
	EVP_PKEY_free(small);
	EVP_PKEY_free(ec);
}

CASE(refuses_the_signature_of_another_key)
{
	json_t *h = right_header(), *p = fake_payload();
	char *head = json_dumps(h, JSON_COMPACT);
	char *body = json_dumps(p, JSON_COMPACT);
	char *text = fake_sign(fake.key[FAKE_MIDDLE], head, body);

	REFUSED(verify_answer(&verify, text, strlen(text), &answer, &v));
	free(text);
	free(head);
	free(body);
	json_decref(h);
	json_decref(p);
}

int
main(void)
{
	static const struct fake_leaf leaf;
	int r;

	fake_begin(&fake, &leaf);
	verify.question = fake_question();
	strcpy(verify.host, FAKE_HOST);
	verify.roots = fake.roots;
	verify.now = FAKE_NOW;
	r = check_run();
	fake_end(&fake);
	return r;
}
