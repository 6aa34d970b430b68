/* SPDX-License-Identifier: Apache-2.0 */
#include "../check.h"
#include "blob.h"
#include "envelope.h"
#include "msg.h"

/* The sizes in messages.def are these and no others. */
_Static_assert(STORAGE_KEY_BYTES + ENV_OVERHEAD == 112, "SEALED_STORAGE");
_Static_assert(PASSWORD_SEALED + ENV_OVERHEAD == 177, "SEALED_PASSWORD");
_Static_assert(KEYSET_BYTES + ENV_OVERHEAD == 724, "SEALED_SHARES, _KEYS");
_Static_assert(BUNDLE_BYTES == 780, "BUNDLE");

static const uint8_t session[32] = {1, 2, 3};
static const uint8_t other_session[32] = {1, 2, 4};
static const struct env_info info = {session, SEAT_TPM, SEAT_UNSEAL,
				     MSG_SEALED_SHARES};
static const uint8_t plain[64] = "shares";

static struct env_key *key;
static uint8_t pub[ENV_PUB], msg[sizeof(plain) + ENV_OVERHEAD];

static void
seal(void)
{
	EXPECT(env_key_new(&key, pub) == 0);
	EXPECT(env_seal(pub, &info, plain, sizeof(plain), msg) == 0);
}

/* Opens with a fresh key that seal() made; the secret is checked, freed. */
static int
open_as(const struct env_info *as, size_t bytes)
{
	struct secret *sk = NULL;
	int r = env_open(key, as, msg, bytes, &sk);

	if (r == 0) {
		EXPECT(secret_size(sk) == sizeof(plain));
		EXPECT(memcmp(secret_bytes(sk), plain, sizeof(plain)) == 0);
	} else {
		EXPECT(sk == NULL);
	}
	secret_free(sk);
	env_key_free(key);
	return r;
}

CASE(nothing_works_before_it_is_primed)
{
	uint8_t zero[sizeof(msg)] = {0};
	struct secret *sk = NULL;

	EXPECT(env_key_new(&key, pub) == 0);
	EXPECT(env_seal(pub, &info, plain, sizeof(plain), msg) == ERR_CRYPTO);
	EXPECT(env_open(key, &info, zero, sizeof(zero), &sk) == ERR_CRYPTO);
	env_key_free(key);
	EXPECT(env_prime() == ERR_NOMEM); /* no arena */
}

CASE(primes_once_the_arena_stands)
{
	enum secret_kind kind;

	EXPECT(secret_arena(65536, &kind) == 0);
	EXPECT(env_prime() == 0);
	EXPECT(env_prime() == 0);
}

CASE(opens_what_was_sealed)
{
	seal();
	EXPECT(memcmp(msg, pub, ENV_PUB) != 0);
	EXPECT(open_as(&info, sizeof(msg)) == 0);
}

CASE(carries_an_empty_message)
{
	struct secret *sk = NULL;

	EXPECT(env_key_new(&key, pub) == 0);
	EXPECT(env_seal(pub, &info, NULL, 0, msg) == 0);
	EXPECT(env_open(key, &info, msg, ENV_OVERHEAD, &sk) == 0);
	EXPECT(sk && secret_size(sk) == 0);
	secret_free(sk);
	env_key_free(key);
}

CASE(every_changed_bit_is_refused)
{
	for (size_t at = 0; at < sizeof(msg); at++) {
		/* 0x80 of enc's last byte: X25519 masks it, HPKE does not */
		seal();
		msg[at] ^= (uint8_t)(at == ENV_PUB - 1 ? 0x80 : 1u << at % 8);
		EXPECT(open_as(&info, sizeof(msg)) == ERR_CRYPTO);
	}
}

CASE(every_other_length_is_refused)
{
	for (size_t n = 0; n < sizeof(msg); n++) {
		seal();
		EXPECT(open_as(&info, n) == ERR_CRYPTO);
	}
}

CASE(a_message_opens_in_its_place_alone)
{
	struct env_info as = info;

	as.session = other_session;
	seal();
	EXPECT(open_as(&as, sizeof(msg)) == ERR_CRYPTO);
	as = info;
	as.from = SEAT_INIT;
	seal();
	EXPECT(open_as(&as, sizeof(msg)) == ERR_CRYPTO);
	as = info;
	as.to = SEAT_TLS;
	seal();
	EXPECT(open_as(&as, sizeof(msg)) == ERR_CRYPTO);
	as = info;
	as.type = MSG_SEALED_KEYS;
	seal();
	EXPECT(open_as(&as, sizeof(msg)) == ERR_CRYPTO);
}

CASE(another_receiver_cannot_open_it)
{
	struct env_key *first;

	seal();
	first = key;
	EXPECT(env_key_new(&key, pub) == 0);
	EXPECT(open_as(&info, sizeof(msg)) == ERR_CRYPTO);
	env_key_free(first);
}

CASE(a_key_opens_one_message)
{
	struct secret *sk = NULL, *again = NULL;

	seal();
	EXPECT(env_open(key, &info, msg, sizeof(msg), &sk) == 0);
	EXPECT(env_open(key, &info, msg, sizeof(msg), &again) == ERR_CRYPTO);
	EXPECT(again == NULL);
	secret_free(sk);
	env_key_free(key);
}

CASE(a_key_is_gone_after_a_failure_too)
{
	struct secret *sk = NULL;

	seal();
	EXPECT(env_open(key, &info, msg, 3, &sk) == ERR_CRYPTO);
	EXPECT(env_open(key, &info, msg, sizeof(msg), &sk) == ERR_CRYPTO);
	EXPECT(sk == NULL);
	env_key_free(key);
}

CASE(points_of_small_order_are_refused)
{
	uint8_t low[ENV_PUB] = {0};

	EXPECT(env_seal(low, &info, plain, sizeof(plain), msg) == ERR_CRYPTO);
	low[0] = 1;
	EXPECT(env_seal(low, &info, plain, sizeof(plain), msg) == ERR_CRYPTO);
	seal();
	memcpy(msg, low, ENV_PUB);
	EXPECT(open_as(&info, sizeof(msg)) == ERR_CRYPTO);
}

CASE(keys_and_messages_never_repeat)
{
	uint8_t first_pub[ENV_PUB], first[sizeof(msg)];

	seal();
	memcpy(first_pub, pub, ENV_PUB);
	memcpy(first, msg, sizeof(msg));
	EXPECT(env_seal(pub, &info, plain, sizeof(plain), msg) == 0);
	EXPECT(memcmp(first, msg, ENV_PUB) != 0);
	env_key_free(key);
	seal();
	EXPECT(memcmp(first_pub, pub, ENV_PUB) != 0);
	env_key_free(key);
	env_key_free(NULL);
}

CASE(a_full_arena_is_no_memory_and_still_costs_the_key)
{
	struct secret *sk = NULL;
	void *p, *all[4096];
	size_t n = 0;

	seal();
	while (n < 4096 && (p = secret_malloc(1)) != NULL)
		all[n++] = p;
	EXPECT(env_open(key, &info, msg, sizeof(msg), &sk) == ERR_NOMEM);
	EXPECT(env_seal(pub, &info, plain, sizeof(plain), msg) == ERR_NOMEM);
	while (n > 0)
		secret_mfree(all[--n]);
	EXPECT(env_open(key, &info, msg, sizeof(msg), &sk) == ERR_CRYPTO);
	env_key_free(key);
}

int
main(void)
{
	return check_run();
}
