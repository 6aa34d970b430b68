/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The attestation request and its answer; pure functions.  Nothing that goes
 * in needs escaping: it is base64, a number or a word of ours.
 */
#include "maa.h"

#include <string.h>

#include "json.h"

/* One member: ,"name":"base64" (the comma is the caller's, in `name`). */
static void
member(struct text *t, const char *name, const struct bytes *b)
{
	text_put(t, name);
	text_put(t, ":\"");
	text_b64(t, B64_STD, b->p, b->n);
	text_put(t, "\"");
}

static void
member_text(struct text *t, const char *name, const char *s)
{
	union {
		const char *text;
		const uint8_t *bytes;
	} u = {.text = s};

	member(t, name, &(struct bytes){u.bytes, strlen(s)});
}

static void
member_u32(struct text *t, const char *name, uint32_t v)
{
	text_put(t, name);
	text_put(t, ":");
	text_u32(t, v);
}

static void
put_tpm(const struct evidence *e, struct text *t)
{
	text_put(t, ",\"TpmInfo\":{");
	member(t, "\"AikCert\"", &e->ak_cert);
	member(t, ",\"AikPub\"", &e->ak_pub);
	member(t, ",\"PcrQuote\"", &e->quote);
	member(t, ",\"PcrSignature\"", &e->quote_sig);
	member(t, ",\"EncKeyPub\"", &e->enc_pub);
	member(t, ",\"EncKeyCertifyInfo\"", &e->certify);
	member(t, ",\"EncKeyCertifyInfoSignature\"", &e->certify_sig);
	text_put(t, ",\"PcrSet\":[0,1,2,3,4,5,6,7],\"PCRs\":[");
	for (uint32_t i = 0; i < EVIDENCE_PCRS; i++) {
		struct bytes pcr = {e->pcrs + 32 * i, 32};

		member_u32(t, i == 0 ? "{\"Index\"" : ",{\"Index\"", i);
		member(t, ",\"Digest\"", &pcr);
		text_put(t, "}");
	}
	text_put(t, "]}");
}

/* Proof: base64 of {"SnpReport": b64url, "VcekCertChain": b64 of the PEM}. */
static void
put_isolation(const struct maa_input *in, struct text *t)
{
	static char buf[SNP_REPORT_BYTES * 2 + 65536]; /* one thread */
	struct text proof;
	size_t n;

	text_init(&proof, buf, sizeof(buf));
	text_put(&proof, "{\"SnpReport\":\"");
	text_b64(&proof, B64_URL, in->evidence->snp.p, in->evidence->snp.n);
	text_put(&proof, "\"");
	member_text(&proof, ",\"VcekCertChain\"", in->pem);
	text_put(&proof, "}");
	if (text_end(&proof, &n) != 0)
		t->full = true;
	text_put(t, ",\"IsolationInfo\":{\"Type\":\"SevSnp\",\"Evidence\":{");
	member_text(t, "\"Proof\"", buf);
	member(t, ",\"RunTimeData\"", &in->evidence->claims);
	text_put(t, "}}");
}

void
maa_request(const struct maa_input *in, struct text *inner, struct text *out)
{
	const struct net_conf *c = in->conf;
	size_t n;

	text_put(inner, "{\"AttestationProtocolVersion\":\"2.0\"");
	member_text(inner, ",\"OSType\"", "Linux");
	member_text(inner, ",\"OSDistro\"", c->os_name);
	member_u32(inner, ",\"OSVersionMajor\"", c->os_major);
	member_u32(inner, ",\"OSVersionMinor\"", c->os_minor);
	member_text(inner, ",\"OSBuild\"", "NotApplication");
	member(inner, ",\"TcgLogs\"", &in->log);
	member_text(inner, ",\"ClientPayload\":{\"nonce\"", c->maa_nonce);
	text_put(inner, "}");
	put_tpm(in->evidence, inner);
	put_isolation(in, inner);
	text_put(inner, "}");
	if (text_end(inner, &n) != 0) {
		out->full = true;
		return;
	}
	text_put(out, "{\"AttestationInfo\":\"");
	text_b64(out, B64_URL, inner->p, n);
	text_put(out, "\"}");
}

/* A member that is base64 of min to max bytes. */
static int
unb64(const json_t *in, const char *name, size_t min, size_t max, uint8_t *out,
      size_t *out_bytes)
{
	const char *s;
	size_t n;
	int r;

	if ((r = net_json_text(in, name, 1, B64_LEN(max), &s)) != 0 ||
	    (r = b64_decode(B64_STD, s, strlen(s), out, max, &n)) != 0)
		return r;
	if (n < min)
		return ERR_RANGE;
	*out_bytes = n;
	return 0;
}

/*
 * IV 12, tag 16, key 256 bits, nothing else: the guest client takes whatever
 * the answer states, down to a tag of one byte.
 */
static int
read_params(const json_t *root, struct maa_envelope *out)
{
	const json_t *params;
	const char *mode, *cipher;
	uint64_t bits;
	size_t n;
	int r;

	if ((r = net_json_object(root, "EncryptionParams", &params)) != 0 ||
	    (r = net_json_text(params, "BlockMode", 1, 64, &mode)) != 0 ||
	    (r = net_json_text(params, "Cipher", 1, 64, &cipher)) != 0 ||
	    (r = net_json_u64(params, "KeySizeInBits", &bits)) != 0 ||
	    (r = unb64(params, "Iv", MAA_IV, MAA_IV, out->iv, &n)) != 0)
		return r;
	if (strcmp(mode, "ChainingModeGCM") != 0 ||
	    strcmp(cipher, "AES") != 0 || bits != 256)
		return ERR_MISMATCH;
	return 0;
}

static int
read_envelope(const char *p, size_t bytes, struct maa_envelope *out)
{
	json_t *root = NULL;
	size_t n;
	int r;

	if ((r = net_json_open(p, bytes, &root)) != 0 ||
	    (r = read_params(root, out)) != 0 ||
	    (r = unb64(root, "AuthenticationData", MAA_TAG, MAA_TAG, out->tag,
		       &n)) != 0 ||
	    (r = unb64(root, "EncryptedInnerKey", MAA_INNER_KEY, MAA_INNER_KEY,
		       out->inner_key, &n)) != 0)
		goto out;
	r = unb64(root, "Jwt", 32, MAA_TOKEN_MAX, out->cipher,
		  &out->cipher_bytes);
out:
	json_decref(root);
	return r;
}

int
maa_answer_read(const char *body, size_t bytes, struct maa_envelope *out)
{
	static uint8_t inside[MAA_ANSWER_MAX]; /* one thread */
	json_t *root = NULL;
	const char *s;
	size_t n;
	int r;
	union {
		const uint8_t *bytes;
		const char *text;
	} u = {.bytes = inside};

	if ((r = net_json_open(body, bytes, &root)) != 0 ||
	    (r = net_json_text(root, "token", 1, MAA_ANSWER_MAX, &s)) != 0 ||
	    (r = b64_decode(B64_URL, s, strlen(s), inside, sizeof(inside),
			    &n)) != 0)
		goto out;
	r = read_envelope(u.text, n, out);
out:
	json_decref(root);
	return r;
}
