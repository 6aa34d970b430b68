/* SPDX-License-Identifier: Apache-2.0 */
/* The parts and bags of a PKCS#12 file, against the one shape we take. */
#include <openssl/asn1t.h>
#include <openssl/objects.h>
#include <openssl/pkcs12.h>
#include <openssl/pkcs7.h>
#include <openssl/x509.h>

#include "pfx.h"

#define PARTS_MAX 8  /* AuthenticatedSafe entries */
#define BAGS_MAX  32 /* in one part */

static bool
rounds_fit(const ASN1_INTEGER *n, long max)
{
	int64_t v;

	return n && ASN1_INTEGER_get_int64(&v, n) == 1 && v >= 1 && v <= max;
}

/* RFC 8018 A.2, A.4: PBES2 with PBKDF2 and a block cipher in CBC. */
static bool
pbes2_fits(const ASN1_TYPE *param, long rounds)
{
	PBE2PARAM *p =
		ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(PBE2PARAM), param);
	PBKDF2PARAM *kdf = NULL;
	bool fits = false;

	if (!p || OBJ_obj2nid(p->keyfunc->algorithm) != NID_id_pbkdf2)
		goto out;
	switch (OBJ_obj2nid(p->encryption->algorithm)) {
	case NID_aes_128_cbc:
	case NID_aes_192_cbc:
	case NID_aes_256_cbc:
	case NID_des_ede3_cbc:
		break;
	default:
		goto out;
	}
	kdf = ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(PBKDF2PARAM),
					p->keyfunc->parameter);
	fits = kdf && rounds_fit(kdf->iter, rounds);
out:
	PBKDF2PARAM_free(kdf);
	PBE2PARAM_free(p);
	return fits;
}

/* The closed list of ciphers, and a bound on the work they ask for. */
static bool
cipher_fits(const X509_ALGOR *alg, long rounds)
{
	PBEPARAM *p;
	bool fits;

	switch (OBJ_obj2nid(alg->algorithm)) {
	case NID_pbes2:
		return alg->parameter && pbes2_fits(alg->parameter, rounds);
	case NID_pbe_WithSHA1And3_Key_TripleDES_CBC:
	case NID_pbe_WithSHA1And2_Key_TripleDES_CBC:
	case NID_pbe_WithSHA1And128BitRC2_CBC:
	case NID_pbe_WithSHA1And40BitRC2_CBC:
		break;
	default:
		return false;
	}
	if (!alg->parameter)
		return false;
	p = ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(PBEPARAM), alg->parameter);
	fits = p && rounds_fit(p->iter, rounds);
	PBEPARAM_free(p);
	return fits;
}

static bool
bag_fits(const PKCS12_SAFEBAG *bag, long rounds)
{
	const X509_SIG *sig;
	const X509_ALGOR *alg;

	switch (PKCS12_SAFEBAG_get_nid(bag)) {
	case NID_pkcs8ShroudedKeyBag:
		sig = PKCS12_SAFEBAG_get0_pkcs8(bag);
		if (!sig)
			return false;
		X509_SIG_get0(sig, &alg, NULL);
		return cipher_fits(alg, rounds);
	case NID_certBag:
		return PKCS12_SAFEBAG_get_bag_nid(bag) == NID_x509Certificate;
	default: /* an unencrypted key bag above all */
		return false;
	}
}

static bool
bags_fit(const STACK_OF(PKCS12_SAFEBAG) * bags, long rounds)
{
	int n = sk_PKCS12_SAFEBAG_num(bags);

	if (!bags || n > BAGS_MAX)
		return false;
	for (int i = 0; i < n; i++)
		if (!bag_fits(sk_PKCS12_SAFEBAG_value(bags, i), rounds))
			return false;
	return true;
}

static void
free_bags(STACK_OF(PKCS12_SAFEBAG) * bags)
{
	sk_PKCS12_SAFEBAG_pop_free(bags, PKCS12_SAFEBAG_free);
}

/* What can be said of a part without the password. */
static bool
part_fits(PKCS7 *part, long rounds)
{
	STACK_OF(PKCS12_SAFEBAG) * bags;
	bool fits;

	if (PKCS7_type_is_encrypted(part))
		return part->d.encrypted && part->d.encrypted->enc_data &&
		       cipher_fits(part->d.encrypted->enc_data->algorithm,
				   rounds);
	if (!PKCS7_type_is_data(part))
		return false;
	bags = PKCS12_unpack_p7data(part);
	fits = bags_fit(bags, rounds);
	free_bags(bags);
	return fits;
}

/* The digest of the MAC, and its rounds (absent: 1, RFC 7292 4). */
static bool
mac_fits(const PKCS12 *p12, long rounds)
{
	const ASN1_INTEGER *iter = NULL;
	const X509_ALGOR *alg = NULL;
	const ASN1_OBJECT *digest;

	if (PKCS12_mac_present(p12) != 1)
		return false;
	PKCS12_get0_mac(NULL, &alg, NULL, &iter, p12);
	if (!alg || (iter && !rounds_fit(iter, rounds)))
		return false;
	X509_ALGOR_get0(&digest, NULL, NULL, alg);
	switch (OBJ_obj2nid(digest)) {
	case NID_sha1:
	case NID_sha224:
	case NID_sha256:
	case NID_sha384:
	case NID_sha512:
		return true;
	default:
		return false;
	}
}

int
pfx_inspect(const PKCS12 *p12, long rounds)
{
	STACK_OF(PKCS7) * parts;
	int n, r = ERR_REFUSED;

	if (!mac_fits(p12, rounds))
		return ERR_REFUSED;
	parts = PKCS12_unpack_authsafes(p12);
	n = sk_PKCS7_num(parts);
	if (!parts || n < 1 || n > PARTS_MAX)
		goto out;
	for (int i = 0; i < n; i++)
		if (!part_fits(sk_PKCS7_value(parts, i), rounds))
			goto out;
	r = 0;
out:
	sk_PKCS7_pop_free(parts, PKCS7_free);
	return r;
}

/* Takes one bag of a part; what it keeps stays owned by the part's list. */
static bool
take(struct pfx_bags *b, const PKCS12_SAFEBAG *bag)
{
	X509 *x;

	if (PKCS12_SAFEBAG_get_nid(bag) == NID_pkcs8ShroudedKeyBag) {
		if (b->key)
			return false; /* which of two would be meant? */
		b->key = bag;
		return true;
	}
	x = PKCS12_SAFEBAG_get1_cert(bag);
	if (!x || sk_X509_num(b->certs) == PFX_CERTS ||
	    sk_X509_push(b->certs, x) <= 0) {
		X509_free(x);
		return false;
	}
	return true;
}

static bool
take_part(const struct pfx_file *file, PKCS7 *part, struct pfx_bags *b)
{
	STACK_OF(PKCS12_SAFEBAG) * bags;
	bool fits;

	bags = PKCS7_type_is_encrypted(part)
		       ? PKCS12_unpack_p7encdata(part, file->sk_password, -1)
		       : PKCS12_unpack_p7data(part);
	fits = bags_fit(bags, file->rounds);
	while (fits && sk_PKCS12_SAFEBAG_num(bags) > 0) {
		PKCS12_SAFEBAG *bag = sk_PKCS12_SAFEBAG_shift(bags);

		if (sk_PKCS12_SAFEBAG_push(b->held, bag) <= 0) {
			PKCS12_SAFEBAG_free(bag);
			fits = false;
		} else {
			fits = take(b, bag);
		}
	}
	free_bags(bags);
	return fits;
}

int
pfx_unpack(const struct pfx_file *file, const PKCS12 *p12,
	   struct pfx_bags *out_bags)
{
	struct pfx_bags b = {
		.held = sk_PKCS12_SAFEBAG_new_null(),
		.certs = sk_X509_new_null(),
	};
	STACK_OF(PKCS7) *parts = PKCS12_unpack_authsafes(p12);
	int r = ERR_REFUSED;

	if (!b.held || !b.certs || !parts)
		goto out;
	for (int i = 0; i < sk_PKCS7_num(parts); i++)
		if (!take_part(file, sk_PKCS7_value(parts, i), &b))
			goto out;
	if (!b.key || sk_X509_num(b.certs) < 1)
		goto out;
	*out_bags = b;
	r = 0;
out:
	sk_PKCS7_pop_free(parts, PKCS7_free);
	if (r != 0)
		pfx_bags_free(&b);
	return r;
}

void
pfx_bags_free(struct pfx_bags *b)
{
	sk_X509_pop_free(b->certs, X509_free);
	free_bags(b->held);
}
