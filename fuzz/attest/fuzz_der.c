/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The released key's DER.  DER is one encoding per value: what is accepted
 * must come out byte for byte when the parts are written again.
 */
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "../fuzz.h"
#include "tpm_der.h"

static const uint8_t head[] = {2,    1,	   0,	 0x30, 0x0d, 6, 9, 0x2a, 0x86,
			       0x48, 0x86, 0xf7, 0x0d, 1,    1, 1, 5,	 0};

struct out {
	uint8_t b[8192];
	size_t n;
};

static void
put(struct out *o, const void *p, size_t n)
{
	REQUIRE(n <= sizeof(o->b) - o->n);
	memcpy(o->b + o->n, p, n);
	o->n += n;
}

static void
put_head(struct out *o, uint8_t tag, size_t n)
{
	uint8_t h[4] = {tag, 0x82, (uint8_t)(n >> 8), (uint8_t)n};

	if (n < 128)
		h[1] = (uint8_t)n;
	else if (n < 256)
		h[1] = 0x81, h[2] = (uint8_t)n;
	put(o, h, n < 128 ? 2 : n < 256 ? 3 : 4);
}

static void
put_int(struct out *o, const struct der_int *i)
{
	size_t zero = i->p[0] >= 0x80;

	put_head(o, 2, i->bytes + zero);
	put(o, "", zero);
	put(o, i->p, i->bytes);
}

static void
wrap(struct out *o, uint8_t tag)
{
	static struct out in;

	in = *o;
	o->n = 0;
	put_head(o, tag, in.n);
	put(o, in.b, in.n);
}

static void
write_again(const struct rsa_parts *k, struct out *o)
{
	static struct out key;

	key.n = 0;
	put(&key, "\2\1\0", 3);
	put_int(&key, &k->n);
	put(&key, "\2\3\1\0\1", 5);
	for (const struct der_int *i = &k->sk_d; i <= &k->sk_qi; i++)
		put_int(&key, i);
	wrap(&key, 0x30);
	wrap(&key, 4);
	o->n = 0;
	put(o, head, sizeof(head));
	put(o, key.b, key.n);
	wrap(o, 0x30);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	static struct out again;
	uint8_t spki[SPKI_MAX];
	struct rsa_parts k;
	size_t n;

	if (der_rsa_key(data, bytes, &k) != 0)
		return 0;
	for (const struct der_int *i = &k.n; i <= &k.sk_qi; i++) {
		REQUIRE(i->p > data && i->bytes > 0);
		REQUIRE(i->p + i->bytes <= data + bytes);
	}
	REQUIRE(k.n.bytes >= RSA_BYTES_MIN && k.n.bytes <= RSA_BYTES_MAX);
	REQUIRE(k.sk_p.bytes * 2 == k.n.bytes);
	REQUIRE(k.sk_q.bytes * 2 == k.n.bytes);
	write_again(&k, &again);
	REQUIRE(again.n == bytes && memcmp(again.b, data, bytes) == 0);
	n = der_spki(&k.n, spki);
	REQUIRE(n > k.n.bytes && n <= sizeof(spki));
	return 0;
}
