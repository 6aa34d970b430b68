/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The body of each answer of the server.  First byte: which decoder; second:
 * how many shares were asked for.  Whatever comes, nothing of the secret arena
 * may be left behind.
 */
#include <string.h>

#include "../fuzz.h"
#include "configure.h"
#include "control.h"
#include "srv_json.h"

#define ARENA (1024u * 1024u)

static void
one_init(const uint8_t *p, size_t bytes, unsigned shares)
{
	struct keyset k, again;
	size_t n = 0;

	if (read_init(p, bytes, 1, shares, &k) != 0)
		return;
	REQUIRE(k.count == shares && k.threshold == 1);
	for (unsigned i = 0; i < shares; i++) {
		(void)keyset_share(&k, i, &n);
		REQUIRE(n == (shares == 1 ? 32u : 33u));
	}
	REQUIRE(keyset_token(&k, &n) && n >= 1 && n <= KEYSET_TOKEN);
	REQUIRE(keyset_open(k.sk_set, &again) == 0);
	keyset_free(&k);
}

/* The status of a root generation, and its token if there is one. */
static void
one_root(const uint8_t *p, size_t bytes)
{
	struct root_status s;
	struct token t = {0};

	if (read_root(p, bytes, &s) != 0)
		return;
	REQUIRE(memchr(s.nonce, 0, sizeof(s.nonce)));
	if (s.sk_otp && s.sk_encoded &&
	    prove_decode(s.sk_encoded, s.sk_otp, &t) == 0) {
		REQUIRE(secret_size(t.sk) == secret_size(s.sk_otp));
		token_free(&t);
	}
	root_status_free(&s);
}

static void
one_status(const uint8_t *p, size_t bytes)
{
	struct seal_status s;

	if (read_seal_status(p, bytes, &s) != 0)
		return;
	REQUIRE(memchr(s.nonce, 0, sizeof(s.nonce)));
	REQUIRE(memchr(s.type, 0, sizeof(s.type)));
	REQUIRE(memchr(s.storage, 0, sizeof(s.storage)));
	REQUIRE(s.t <= 255 && s.n <= 255 && s.progress <= 255);
}

/* {"want": ..., "have": ...}: what configure compares. */
static void
one_compare(const uint8_t *p, size_t bytes)
{
	const json_t *want, *have;
	json_t *j;

	if (json_object_in(p, bytes, &j) != 0)
		return;
	want = json_object_get(j, "want");
	have = json_object_get(j, "have");
	if (want) {
		REQUIRE(conf_same(want, want));
		(void)conf_same(want, have);
	}
	if (json_is_object(want)) {
		REQUIRE(conf_match(want, want) == MATCH_ALL);
		(void)conf_match(want, have);
	}
	json_decref(j);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	static int made;
	enum secret_kind kind;
	struct secret *all;
	char text[100];
	bool root;

	if (!made)
		REQUIRE(secret_arena(ARENA, &kind) == 0 && json_secret() == 0);
	made = 1;
	if (bytes < 2 || bytes > 16384)
		return 0;
	switch (data[0] % 6) {
	case 0:
		one_status(data + 2, bytes - 2);
		break;
	case 1:
		one_init(data + 2, bytes - 2, data[1] % 16 + 1u);
		break;
	case 2:
		one_root(data + 2, bytes - 2);
		break;
	case 3:
		if (read_is_root(data + 2, bytes - 2, &root) != 0)
			root = false;
		break;
	case 4:
		read_error(data + 2, bytes - 2, text, sizeof(text));
		REQUIRE(memchr(text, 0, sizeof(text)));
		break;
	default:
		one_compare(data + 2, bytes - 2);
	}
	REQUIRE(secret_new(ARENA - 256, &all) == 0);
	secret_free(all);
	return 0;
}
