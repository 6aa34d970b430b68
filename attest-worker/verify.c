/* SPDX-License-Identifier: Apache-2.0 */
#include "verify.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <string.h>

#include "cursor.h"
#include "jws.h"
#include "jws_chain.h"
#include "strict_json.h"
#include "tags.h"

static int
load_roots(const struct items *config, X509_STORE *store)
{
	unsigned count = items_count(config, TAG_ROOT);
	const uint8_t *der;
	size_t bytes;
	int r;

	if (count == 0 || count > VERIFY_ROOTS)
		return ERR_FORMAT;
	for (unsigned i = 0; i < count; i++)
		if ((r = items_get(config, TAG_ROOT, i, &der, &bytes)) != 0 ||
		    (r = chain_add_root(store, der, bytes)) != 0)
			return r;
	return 0;
}

static int
load_question(const struct items *config, struct question *q)
{
	unsigned count = items_count(config, TAG_ENC);
	char url[KEY_URL_MAX + 1];
	const uint8_t *item;
	size_t bytes;
	int r;

	if (count == 0)
		return ERR_FORMAT;
	if ((r = items_str(config, TAG_KEY_URL, 0, url, sizeof(url))) != 0 ||
	    (r = question_key(q, url)) != 0)
		return r;
	for (unsigned i = 0; i < count; i++)
		if ((r = items_get(config, TAG_ENC, i, &item, &bytes)) != 0 ||
		    (r = question_pair(q, item, bytes)) != 0)
			return r;
	return 0;
}

/* One round of what the work uses: digests by name, the pin's encoder. */
static int
prime(void)
{
	uint8_t n[256], e[3] = {1, 0, 1}, md[32];

	memset(n, 0xff, sizeof(n));
	if (EVP_Q_digest(NULL, "SHA1", NULL, n, sizeof(n), md, NULL) != 1)
		return ERR_CRYPTO;
	return spki_pin(n, sizeof(n), e, sizeof(e), md);
}

int
verify_begin(const struct items *config, struct verify *out)
{
	struct verify v = {0};
	int r = ERR_CRYPTO;

	/* what is trusted comes from CONFIG, not from an openssl.cnf */
	if (OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL) != 1)
		return ERR_CRYPTO;
	v.roots = X509_STORE_new();
	if (!v.roots)
		return ERR_NOMEM;
	if ((r = load_question(config, &v.question)) != 0 ||
	    (r = items_str(config, TAG_AKV_HOST, 0, v.host, sizeof(v.host))) !=
		    0 ||
	    (r = load_roots(config, v.roots)) != 0 || (r = prime()) != 0) {
		X509_STORE_free(v.roots);
		return r;
	}
	*out = v;
	return 0;
}

void
verify_end(struct verify *v)
{
	X509_STORE_free(v->roots);
	v->roots = NULL;
}

int
verify_answer(const struct verify *v, const char *text, size_t chars,
	      struct answer *out_answer, struct verdict *out_verdict)
{
	static struct jws jws;
	static struct jws_header header;
	struct chain_want want = {v->roots, v->host, v->now};
	EVP_PKEY *key = NULL;
	int r;

	if (jws_split(text, chars, &jws) != 0)
		return refuse(out_verdict, EXIT_ANSWER_CHAIN,
			      "the answer is not a compact JWS");
	if ((r = jws_header_read(&jws, &header, out_verdict)) != 0 ||
	    (r = chain_check(&header, &want, &key, out_verdict)) != 0)
		return r;
	if (jws_rs256(&jws, key) != 0)
		r = refuse(out_verdict, EXIT_ANSWER_CHAIN,
			   "the signature is not the leaf's");
	else
		r = release_answer_read(&v->question, jws.payload,
					jws.payload_bytes, out_answer,
					out_verdict);
	EVP_PKEY_free(key);
	return r;
}

size_t
verify_wrapped(const struct answer *a, uint8_t out[static WRAPPED_MAX])
{
	size_t bytes;
	struct wr w;

	wr_init(&w, out, WRAPPED_MAX);
	wr_u8(&w, a->enc);
	wr_bytes(&w, a->oaep, OAEP_BYTES);
	wr_var16(&w, a->kwp, a->kwp_bytes);
	BUG_ON(wr_end(&w, &bytes) != 0);
	return bytes;
}
