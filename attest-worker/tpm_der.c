/* SPDX-License-Identifier: Apache-2.0 */
/*
 *	SEQUENCE {
 *		INTEGER 0
 *		SEQUENCE { OID rsaEncryption, NULL }
 *		OCTET STRING {
 *			SEQUENCE {
 *				INTEGER 0
 *				INTEGER n, 65537, d, p, q, dp, dq, qi
 *			}
 *		}
 *	}
 */
#include "tpm_der.h"

#include <string.h>

#define T_INTEGER  0x02u
#define T_BITS	   0x03u
#define T_OCTETS   0x04u
#define T_SEQUENCE 0x30u

/* SEQUENCE { OID 1.2.840.113549.1.1.1, NULL } */
static const uint8_t rsa_algorithm[15] = {
	0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86,
	0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00,
};

static const uint8_t version_0[3] = {T_INTEGER, 1, 0};
static const uint8_t e_65537[5] = {T_INTEGER, 3, 1, 0, 1};

struct der {
	const uint8_t *p;
	size_t left;
};

/* A length in its shortest form; two bytes are enough for all we read. */
static int
take_length(struct der *d, size_t *out)
{
	size_t n, head = 1;

	if (d->left < 1)
		return ERR_FORMAT;
	n = d->p[0];
	if (n == 0x81) {
		if (d->left < 2 || d->p[1] < 0x80)
			return ERR_FORMAT;
		n = d->p[1];
		head = 2;
	} else if (n == 0x82) {
		if (d->left < 3 || d->p[1] == 0)
			return ERR_FORMAT;
		n = (size_t)d->p[1] << 8 | d->p[2];
		head = 3;
	} else if (n >= 0x80) {
		return ERR_FORMAT;
	}
	if (n > d->left - head)
		return ERR_FORMAT;
	d->p += head;
	d->left -= head;
	*out = n;
	return 0;
}

/* Takes one element of that tag; `in` views its content. */
static int
take(struct der *d, uint8_t tag, struct der *in)
{
	size_t n;
	int r;

	if (d->left < 2 || d->p[0] != tag)
		return ERR_FORMAT;
	d->p++;
	d->left--;
	if ((r = take_length(d, &n)) != 0)
		return r;
	*in = (struct der){d->p, n};
	d->p += n;
	d->left -= n;
	return 0;
}

/* Takes exactly these bytes. */
static int
take_fixed(struct der *d, const uint8_t *want, size_t bytes)
{
	if (d->left < bytes || memcmp(d->p, want, bytes) != 0)
		return ERR_FORMAT;
	d->p += bytes;
	d->left -= bytes;
	return 0;
}

/* A positive INTEGER in its shortest form, at most `max` bytes. */
static int
take_positive(struct der *d, size_t max, struct der_int *out)
{
	struct der in;
	int r;

	if ((r = take(d, T_INTEGER, &in)) != 0)
		return r;
	if (in.left == 0 || in.p[0] >= 0x80)
		return ERR_FORMAT;
	if (in.p[0] == 0) {
		if (in.left < 2 || in.p[1] < 0x80)
			return ERR_FORMAT; /* zero, or a zero too many */
		in.p++;
		in.left--;
	}
	if (in.left > max)
		return ERR_FORMAT;
	*out = (struct der_int){in.p, in.left};
	return 0;
}

static int
full(const struct der_int *i, size_t bytes)
{
	return i->bytes == bytes && i->p[0] >= 0x80;
}

static int
take_numbers(struct der *d, struct rsa_parts *k)
{
	size_t half;
	int r;

	if ((r = take_fixed(d, version_0, sizeof(version_0))) != 0 ||
	    (r = take_positive(d, RSA_BYTES_MAX, &k->n)) != 0)
		return r;
	half = k->n.bytes / 2;
	/* Bytes filled to the top bit, so that half is exactly half. */
	if (k->n.bytes < RSA_BYTES_MIN || k->n.bytes % 2 != 0 ||
	    !full(&k->n, k->n.bytes))
		return ERR_FORMAT;
	if ((r = take_fixed(d, e_65537, sizeof(e_65537))) != 0 ||
	    (r = take_positive(d, k->n.bytes, &k->sk_d)) != 0 ||
	    (r = take_positive(d, half, &k->sk_p)) != 0 ||
	    (r = take_positive(d, half, &k->sk_q)) != 0 ||
	    (r = take_positive(d, half, &k->sk_dp)) != 0 ||
	    (r = take_positive(d, half, &k->sk_dq)) != 0 ||
	    (r = take_positive(d, half, &k->sk_qi)) != 0)
		return r;
	return full(&k->sk_p, half) && full(&k->sk_q, half) ? 0 : ERR_FORMAT;
}

int
der_rsa_key(const uint8_t *sk_der, size_t bytes, struct rsa_parts *out)
{
	struct der whole = {sk_der, bytes}, info, octets, key;
	struct rsa_parts k;
	int r;

	if ((r = take(&whole, T_SEQUENCE, &info)) != 0 ||
	    (r = take_fixed(&info, version_0, sizeof(version_0))) != 0 ||
	    (r = take_fixed(&info, rsa_algorithm, sizeof(rsa_algorithm))) !=
		    0 ||
	    (r = take(&info, T_OCTETS, &octets)) != 0 ||
	    (r = take(&octets, T_SEQUENCE, &key)) != 0 ||
	    (r = take_numbers(&key, &k)) != 0)
		return r;
	if (whole.left != 0 || info.left != 0 || octets.left != 0 ||
	    key.left != 0)
		return ERR_FORMAT;
	*out = k;
	return 0;
}

/* Writes tag and two-byte length; all lengths here need two bytes. */
static uint8_t *
put_head(uint8_t *p, uint8_t tag, size_t bytes)
{
	*p++ = tag;
	*p++ = 0x82;
	*p++ = (uint8_t)(bytes >> 8);
	*p++ = (uint8_t)bytes;
	return p;
}

size_t
der_spki(const struct der_int *n, uint8_t out[static SPKI_MAX])
{
	size_t number = 1 + n->bytes; /* with the zero before the top bit */
	size_t key = 4 + number + sizeof(e_65537);
	size_t bits = 1 + 4 + key;
	uint8_t *p = out;

	p = put_head(p, T_SEQUENCE, sizeof(rsa_algorithm) + 4 + bits);
	memcpy(p, rsa_algorithm, sizeof(rsa_algorithm));
	p = put_head(p + sizeof(rsa_algorithm), T_BITS, bits);
	*p++ = 0; /* unused bits */
	p = put_head(p, T_SEQUENCE, key);
	p = put_head(p, T_INTEGER, number);
	*p++ = 0;
	memcpy(p, n->p, n->bytes);
	memcpy(p + n->bytes, e_65537, sizeof(e_65537));
	return (size_t)(p - out) + n->bytes + sizeof(e_65537);
}
