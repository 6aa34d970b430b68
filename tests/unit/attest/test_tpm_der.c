/* SPDX-License-Identifier: Apache-2.0 */
/* The reader of the released key: its one shape, and everything beside it. */
#include "check.h"
#include "release_answer.h"
#include "tpm_der.h"
#include "tpm_help.h"

static struct test_key key; /* RSA-2048 */

/* A DER writer for hostile shapes; nothing in it checks anything. */
struct out {
	uint8_t b[6000];
	size_t n;
};

static void
wrap(struct out *o, uint8_t tag)
{
	struct out in = *o;
	size_t n = in.n;

	o->n = 0;
	o->b[o->n++] = tag;
	if (n > 255) {
		o->b[o->n++] = 0x82;
		o->b[o->n++] = (uint8_t)(n >> 8);
	} else if (n > 127) {
		o->b[o->n++] = 0x81;
	}
	o->b[o->n++] = (uint8_t)n;
	memcpy(o->b + o->n, in.b, n);
	o->n += n;
}

static void
add(struct out *o, const void *p, size_t n)
{
	memcpy(o->b + o->n, p, n);
	o->n += n;
}

static void
add_int(struct out *o, const uint8_t *p, size_t n)
{
	struct out i = {.n = 0};

	if (n > 0 && p[0] >= 0x80)
		i.b[i.n++] = 0;
	add(&i, p, n);
	wrap(&i, 2);
	add(o, i.b, i.n);
}

struct shape {
	const uint8_t *version; /* of RSAPrivateKey */
	const char *e;
	size_t e_bytes;
	int swap_p;  /* p without its top bit */
	size_t drop; /* leave out the last numbers */
	const char *tail_key, *tail_info, *tail_all;
	size_t tail;
	size_t cut_p; /* bytes fewer of p */
};

/* Builds PKCS#8 from the parts of the real key, bent as told. */
static struct out
build(const struct rsa_parts *k, const struct shape *s)
{
	static const uint8_t head[18] = {2,    1,    0,	   0x30, 0x0d, 6,
					 9,    0x2a, 0x86, 0x48, 0x86, 0xf7,
					 0x0d, 1,    1,	   1,	 5,    0};
	const struct der_int n[] = {k->sk_d,  k->sk_p,	k->sk_q,
				    k->sk_dp, k->sk_dq, k->sk_qi};
	struct out o = {.n = 0}, all = {.n = 0};
	uint8_t p[256];

	add_int(&o, s->version ? s->version : (const uint8_t *)"\0", 1);
	add_int(&o, k->n.p, k->n.bytes);
	add_int(&o, (const uint8_t *)(s->e ? s->e : "\1\0\1"),
		s->e ? s->e_bytes : 3);
	for (size_t i = 0; i + s->drop < 6; i++) {
		memcpy(p, n[i].p, n[i].bytes);
		if (i == 1 && s->swap_p)
			p[0] &= 0x7f;
		add_int(&o, p, n[i].bytes - (i == 1 ? s->cut_p : 0));
	}
	if (s->tail_key)
		add(&o, s->tail_key, s->tail);
	wrap(&o, 0x30);
	wrap(&o, 4);
	add(&all, head, sizeof(head));
	add(&all, o.b, o.n);
	if (s->tail_info)
		add(&all, s->tail_info, s->tail);
	wrap(&all, 0x30);
	if (s->tail_all)
		add(&all, s->tail_all, s->tail);
	return all;
}

static int
read_shape(const struct shape *s)
{
	struct rsa_parts k, got;
	struct out o;

	if (der_rsa_key(key.der, key.der_bytes, &k) != 0)
		return 1;
	o = build(&k, s);
	return der_rsa_key(o.b, o.n, &got);
}

CASE(what_openssl_writes_is_read)
{
	static const unsigned bits[] = {2048, 3072, 4096};

	for (size_t i = 0; i < 3; i++) {
		struct test_key k = new_key(bits[i]);
		struct rsa_parts p;
		BIGNUM *n = NULL;
		uint8_t raw[512];

		EXPECT(der_rsa_key(k.der, k.der_bytes, &p) == 0);
		EXPECT(p.n.bytes == bits[i] / 8);
		EXPECT(p.sk_p.bytes == bits[i] / 16);
		EXPECT(p.sk_q.bytes == bits[i] / 16);
		EVP_PKEY_get_bn_param(k.key, "n", &n);
		EXPECT(BN_bn2binpad(n, raw, (int)p.n.bytes) > 0);
		EXPECT(memcmp(raw, p.n.p, p.n.bytes) == 0);
		BN_free(n);
		drop_key(&k);
	}
}

CASE(the_builder_of_hostile_shapes_builds_good_ones_too)
{
	EXPECT(read_shape(&(struct shape){0}) == 0);
}

CASE(every_cut_is_refused)
{
	struct rsa_parts p;

	for (size_t n = 0; n < key.der_bytes; n++) {
		uint8_t *copy = malloc(n ? n : 1); /* ASan watches its end */

		memcpy(copy, key.der, n);
		EXPECT(der_rsa_key(copy, n, &p) == ERR_FORMAT);
		free(copy);
	}
}

/*
 * Where a number begins: with its sign byte where it is shorter than it may
 * be (by chance of the key), since another byte there only makes it longer.
 */
static const uint8_t *
begin_of(const struct rsa_parts *parts, const struct der_int *i)
{
	bool whole = i == &parts->n || i == &parts->sk_d;
	size_t full = whole ? parts->n.bytes : parts->n.bytes / 2;

	return i->bytes < full && i->p[0] & 0x80 ? i->p - 1 : i->p;
}

/* A changed byte is refused, or it is inside a number. */
CASE(every_byte_of_the_frame_counts)
{
	struct rsa_parts p, q;
	unsigned refused = 0;

	EXPECT(der_rsa_key(key.der, key.der_bytes, &p) == 0);
	for (size_t at = 0; at < key.der_bytes; at++) {
		const struct der_int *i = &p.n;
		int inside = 0;

		for (; i <= &p.sk_qi; i++)
			inside |= key.der + at >= begin_of(&p, i) &&
				  key.der + at < i->p + i->bytes;
		for (unsigned bit = 0; bit < 8; bit++) {
			key.der[at] ^= (uint8_t)(1u << bit);
			int r = der_rsa_key(key.der, key.der_bytes, &q);
			key.der[at] ^= (uint8_t)(1u << bit);
			EXPECT(inside || r == ERR_FORMAT);
			refused += r != 0;
		}
	}
	EXPECT(refused > 8 * 50);
}

CASE(other_exponents_are_refused)
{
	EXPECT(read_shape(&(struct shape){.e = "\3", .e_bytes = 1}) != 0);
	EXPECT(read_shape(&(struct shape){.e = "\1\0\3", .e_bytes = 3}) != 0);
	EXPECT(read_shape(&(struct shape){.e = "\0\1\0\1", .e_bytes = 4}) != 0);
	EXPECT(read_shape(&(struct shape){.e = "\1\0\0\1", .e_bytes = 4}) != 0);
}

CASE(multi_prime_versions_and_numbers_are_refused)
{
	static const char third[] = "\x30\x09\2\1\5\2\1\5\2\1\5";

	EXPECT(read_shape(&(struct shape){.version = (const uint8_t *)"\1"}) !=
	       0);
	EXPECT(read_shape(&(struct shape){.tail_key = third, .tail = 11}) != 0);
	EXPECT(read_shape(&(struct shape){.version = (const uint8_t *)"\1",
					  .tail_key = third,
					  .tail = 11}) != 0);
}

CASE(attributes_and_trailing_bytes_are_refused)
{
	static const char attr[] = "\xa0\x02\x30\x00";

	EXPECT(read_shape(&(struct shape){.tail_info = attr, .tail = 4}) != 0);
	EXPECT(read_shape(&(struct shape){.tail_all = attr, .tail = 1}) != 0);
	EXPECT(read_shape(&(struct shape){.tail_key = "\0", .tail = 1}) != 0);
	EXPECT(read_shape(&(struct shape){.tail_info = "\5\0", .tail = 2}) !=
	       0);
}

CASE(missing_numbers_are_refused)
{
	for (size_t n = 1; n <= 6; n++)
		EXPECT(read_shape(&(struct shape){.drop = n}) == ERR_FORMAT);
}

CASE(primes_that_are_not_half_as_long_are_refused)
{
	EXPECT(read_shape(&(struct shape){.swap_p = 1}) == ERR_FORMAT);
	EXPECT(read_shape(&(struct shape){.cut_p = 1}) == ERR_FORMAT);
	EXPECT(read_shape(&(struct shape){.cut_p = 8}) == ERR_FORMAT);
}

CASE(sizes_out_of_range_are_refused)
{
	struct test_key k = new_key(1024);
	struct rsa_parts p;

	EXPECT(der_rsa_key(k.der, k.der_bytes, &p) == ERR_FORMAT);
	drop_key(&k);
}

CASE(lengths_not_in_their_shortest_form_are_refused)
{
	static const uint8_t bad[][8] = {
		{0x30, 0x80, 2, 1, 0},
		{0x30, 0x81, 5, 2, 1, 0, 0x30, 0},
		{0x30, 0x82, 0, 5, 2, 1, 0},
		{0x30, 0x83, 0, 0, 1, 0},
		{0x30, 0x84, 0, 0, 0, 1},
		{0x30, 0xff},
		{0x30, 0x82},
		{0x30, 0x81},
	};
	struct rsa_parts p;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		EXPECT(der_rsa_key(bad[i], 8, &p) == ERR_FORMAT);
}

CASE(the_spki_is_what_openssl_and_verify_write)
{
	static const unsigned bits[] = {2048, 3072, 4096};
	static const uint8_t e[3] = {1, 0, 1};

	for (size_t i = 0; i < 3; i++) {
		struct test_key k = new_key(bits[i]);
		struct rsa_parts p;
		uint8_t mine[SPKI_MAX], *der = NULL, pin[32], hash[32];
		int n = i2d_PUBKEY(k.key, &der);

		EXPECT(der_rsa_key(k.der, k.der_bytes, &p) == 0);
		EXPECT(der_spki(&p.n, mine) == (size_t)n);
		EXPECT(memcmp(mine, der, (size_t)n) == 0);
		EVP_Digest(mine, (size_t)n, hash, NULL, EVP_sha256(), NULL);
		EXPECT(spki_pin(p.n.p, p.n.bytes, e, sizeof(e), pin) == 0);
		EXPECT(memcmp(pin, hash, sizeof(pin)) == 0);
		OPENSSL_free(der);
		drop_key(&k);
	}
}

int
main(void)
{
	int r;

	key = new_key(2048);
	r = check_run();
	drop_key(&key);
	return r;
}
