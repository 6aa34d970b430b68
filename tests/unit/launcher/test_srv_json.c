/* SPDX-License-Identifier: Apache-2.0 */
/* The decoders of the server's answers. */
#include "../check.h"
#include "control.h"
#include "srv_json.h"

#define H32 "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define B32 "ABEiM0RVZneImaq7zN3u/wARIjNEVWZ3iJmqu8zd7v8="
#define STATUS                                                                 \
	"{\"type\":\"shamir\",\"initialized\":true,\"sealed\":true,\"t\":3,"   \
	"\"n\":5,\"progress\":1,\"nonce\":\"x\",\"storage_type\":\"raft\"}"

static const uint8_t *
arena(const char *s)
{
	static int made;
	enum secret_kind kind;

	if (!made &&
	    (secret_arena(1024 * 1024, &kind) != 0 || json_secret() != 0))
		abort();
	made = 1;
	return (const uint8_t *)s;
}

static int
status_of(const char *s, struct seal_status *out)
{
	return read_seal_status(arena(s), strlen(s), out);
}

static int
init_of(const char *s, unsigned t, unsigned n, struct keyset *out)
{
	return read_init(arena(s), strlen(s), t, n, out);
}

CASE(reads_a_seal_status)
{
	struct seal_status s;

	EXPECT(status_of(STATUS, &s) == 0);
	EXPECT(s.initialized && s.sealed && s.t == 3 && s.n == 5);
	EXPECT(s.progress == 1 && strcmp(s.nonce, "x") == 0);
	EXPECT(strcmp(s.type, "shamir") == 0);
	EXPECT(strcmp(s.storage, "raft") == 0);
}

CASE(refuses_a_seal_status_with_a_member_missing_or_doubled)
{
	static const char *const names[] = {"type",  "initialized", "sealed",
					    "t",     "n",	    "progress",
					    "nonce", "storage_type"};
	struct seal_status s;
	char text[512];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char *at;
		char quoted[32];

		strcpy(text, STATUS);
		snprintf(quoted, sizeof(quoted), "\"%s\"", names[i]);
		at = strstr(text, quoted);
		at[1] = 'X';
		EXPECT(status_of(text, &s) == ERR_FORMAT);
		snprintf(text, sizeof(text), "{\"%s\":0,%s", names[i],
			 &STATUS[1]);
		EXPECT(status_of(text, &s) == ERR_FORMAT);
	}
}

CASE(refuses_what_is_no_object)
{
	static const char *const bad[] = {
		"",	"null", "[]",
		"1",	"\"\"", "{",
		"{}{}", "{} x", "{\"a\":\"\\ud800\"}"};
	struct seal_status s;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		EXPECT(status_of(bad[i], &s) == ERR_FORMAT);
}

CASE(leaves_its_output_alone_when_it_fails)
{
	struct seal_status s = {.t = 77};

	EXPECT(status_of("{\"t\":1}", &s) == ERR_FORMAT);
	EXPECT(s.t == 77);
}

CASE(reads_the_only_share_of_one)
{
	struct keyset k;
	size_t n = 0;

	EXPECT(init_of("{\"keys\":[\"" H32 "\"],\"keys_base64\":[\"" B32
		       "\"],\"root_token\":\"s.x\"}",
		       1, 1, &k) == 0);
	EXPECT(k.threshold == 1 && k.count == 1);
	EXPECT(keyset_share(&k, 0, &n)[1] == 0x11 && n == 32);
	EXPECT(memcmp(keyset_token(&k, &n), "s.x", 3) == 0 && n == 3);
	keyset_free(&k);
}

CASE(refuses_keys_that_are_not_as_asked_for)
{
	struct keyset k;

	/* two of them are 33 bytes each */
	EXPECT(init_of("{\"keys\":[\"" H32 "\",\"" H32
		       "\"],\"keys_base64\":[\"" B32 "\",\"" B32
		       "\"],\"root_token\":\"s.x\"}",
		       1, 2, &k) == ERR_FORMAT);
	/* one where two were asked for */
	EXPECT(init_of("{\"keys\":[\"" H32 "\"],\"keys_base64\":[\"" B32
		       "\"],\"root_token\":\"s.x\"}",
		       1, 2, &k) == ERR_FORMAT);
	/* the two writings differ */
	EXPECT(init_of("{\"keys\":[\"" H32 "\"],\"keys_base64\":[\"" B32
		       "\"],\"root_token\":\"s.x\"}",
		       1, 1, &k) == 0);
	keyset_free(&k);
	EXPECT(init_of("{\"keys\":[\"" H32 "\"],\"keys_base64\":"
		       "[\"BBEiM0RVZneImaq7zN3u/wARIjNEVWZ3iJmqu8zd7v8=\"],"
		       "\"root_token\":\"s.x\"}",
		       1, 1, &k) == ERR_FORMAT);
	EXPECT(init_of("{\"keys\":[\"" H32 "\"],\"keys_base64\":[\"" B32
		       "\"],\"root_token\":\"s.\\nx\"}",
		       1, 1, &k) == ERR_FORMAT);
	EXPECT(init_of("{\"keys\":[\"" H32 "\"],\"keys_base64\":[\"" B32 "\"]}",
		       1, 1, &k) == ERR_FORMAT);
}

CASE(gives_back_all_memory_of_what_it_refused)
{
	struct secret *all;
	struct keyset k;

	for (int i = 0; i < 2000; i++)
		EXPECT(init_of("{\"keys\":[\"" H32 "\"],\"keys_base64\":[1],"
			       "\"root_token\":\"s.x\"}",
			       1, 1, &k) == ERR_FORMAT);
	/* the arena is as it was: nearly all of it in one piece */
	EXPECT(secret_new(1000 * 1024, &all) == 0);
	secret_free(all);
}

CASE(reads_a_root_generation)
{
	static const char start[] =
		"{\"started\":true,\"complete\":false,\"progress\":0,"
		"\"required\":3,\"nonce\":\"n\",\"otp\":\"abc\","
		"\"encoded_token\":\"\"}";
	struct root_status s;

	EXPECT(read_root(arena(start), strlen(start), &s) == 0);
	EXPECT(s.started && !s.complete && s.required == 3);
	EXPECT(s.sk_otp && secret_size(s.sk_otp) == 3 && !s.sk_encoded);
	root_status_free(&s);
	EXPECT(!s.sk_otp);
	root_status_free(&s);
}

CASE(knows_a_root_token_from_another)
{
	static const char root[] =
		"{\"data\":{\"policies\":[\"default\",\"root\"]}}";
	static const char other[] = "{\"data\":{\"policies\":[\"rooted\"]}}";
	static const char none[] = "{\"data\":{\"policies\":\"root\"}}";
	bool is = false;

	EXPECT(read_is_root(arena(root), strlen(root), &is) == 0 && is);
	EXPECT(read_is_root(arena(other), strlen(other), &is) == 0 && !is);
	EXPECT(read_is_root(arena(none), strlen(none), &is) == ERR_FORMAT);
}

CASE(reads_the_first_error_text_or_none)
{
	static const char e[] = "{\"errors\":[\"sealed\",\"x\"]}";
	char text[5];

	read_error(arena(e), strlen(e), text, sizeof(text));
	EXPECT(strcmp(text, "seal") == 0);
	read_error(arena("x"), 1, text, sizeof(text));
	EXPECT(text[0] == '\0');
}

static int
decode(const char *encoded, const char *otp, struct token *t)
{
	struct secret *e, *o;
	int r;

	arena("");
	if (secret_new(strlen(encoded), &e) != 0 ||
	    secret_new(strlen(otp), &o) != 0)
		abort();
	memcpy(secret_bytes(e), encoded, strlen(encoded));
	memcpy(secret_bytes(o), otp, strlen(otp));
	r = prove_decode(e, o, t);
	secret_free(e);
	secret_free(o);
	return r;
}

CASE(takes_the_token_out_of_its_one_time_pad)
{
	struct token t = {0};

	/* "s.ab" xor "0123", base64 without its padding */
	EXPECT(decode("Qx9TUQ", "0123", &t) == 0);
	EXPECT(secret_size(t.sk) == 4);
	EXPECT(memcmp(secret_bytes(t.sk), "s.ab", 4) == 0);
	token_free(&t);
	EXPECT(decode("Qx9TUQ", "012", &t) == ERR_FORMAT);
	EXPECT(decode("Qx9TUQ", "01234", &t) == ERR_FORMAT);
	EXPECT(decode("Qx9TU", "0123", &t) == ERR_FORMAT);
	EXPECT(decode("Qx9TUR", "0123", &t) == ERR_FORMAT);
	EXPECT(decode("!!!!", "012", &t) == ERR_FORMAT);
	EXPECT(decode("", "", &t) == ERR_FORMAT);
	/* a space would come out */
	EXPECT(decode("EA", "0", &t) == ERR_FORMAT);
}

int
main(void)
{
	return check_run();
}
