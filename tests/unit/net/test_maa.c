/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"
#include "json.h"
#include "maa.h"
#include "make_conf.h"
#include "make_evidence.h"

static char inner_buf[MAA_INNER_MAX], outer_buf[MAA_REQUEST_MAX + 1];
static struct maa_envelope envelope;

/* Makes a request and returns its inner JSON, parsed from the outer. */
static json_t *
request(const uint8_t *log, size_t log_bytes, size_t *out_bytes)
{
	static const struct swap none = {0, NULL, 0};
	static uint8_t body[4096], decoded[MAA_INNER_MAX];
	struct text inner, outer;
	struct net_conf c;
	struct evidence e;
	json_t *root = NULL, *in = NULL;
	const char *s;
	size_t n = make_evidence(body, sizeof(body), "{\"keys\":[]}");
	struct maa_input input = {&c, &e, {log, log_bytes}, "PEM\n"};

	EXPECT(make_conf(&none, true, &c) == 0);
	EXPECT(evidence_get(body, n, &e) == 0);
	text_init(&inner, inner_buf, sizeof(inner_buf));
	text_init(&outer, outer_buf, sizeof(outer_buf));
	maa_request(&input, &inner, &outer);
	if (text_end(&outer, out_bytes) != 0)
		return NULL;
	EXPECT(net_json_open(outer_buf, *out_bytes, &root) == 0);
	EXPECT(json_object_size(root) == 1);
	EXPECT(net_json_text(root, "AttestationInfo", 1, SIZE_MAX, &s) == 0);
	EXPECT(b64_decode(B64_URL, s, strlen(s), decoded, sizeof(decoded),
			  &n) == 0);
	EXPECT(net_json_open((const char *)decoded, n, &in) == 0);
	json_decref(root);
	return in;
}

static bool
is(const json_t *in, const char *name, const char *want)
{
	const char *s = json_string_value(json_object_get(in, name));

	return s && strcmp(s, want) == 0;
}

CASE(the_request_is_as_the_guest_client_writes_it)
{
	const json_t *tpm, *iso, *evidence, *pcrs, *one;
	size_t n;
	json_t *in = request((const uint8_t *)"LOG", 3, &n);

	EXPECT(is(in, "AttestationProtocolVersion", "2.0"));
	EXPECT(is(in, "OSType", "TGludXg="));
	EXPECT(is(in, "OSDistro", "RGViaWFuIEdOVS9MaW51eA=="));
	EXPECT(is(in, "OSBuild", "Tm90QXBwbGljYXRpb24="));
	EXPECT(json_integer_value(json_object_get(in, "OSVersionMajor")) == 12);
	EXPECT(json_integer_value(json_object_get(in, "OSVersionMinor")) == 4);
	EXPECT(is(in, "TcgLogs", "TE9H"));
	EXPECT(is(json_object_get(in, "ClientPayload"), "nonce",
		  "Y2RjZGNkY2RjZGNkY2RjZGNkY2RjZGNkY2RjZGNkY2RjZGNkY2RjZGNkY2R"
		  "jZGNkY2RjZGNkY2RjZGNkY2RjZA=="));
	tpm = json_object_get(in, "TpmInfo");
	EXPECT(is(tpm, "AikCert", "YWtjZXJ0"));
	EXPECT(is(tpm, "AikPub", "YWtwdWI="));
	EXPECT(is(tpm, "PcrQuote", "cXVvdGU="));
	EXPECT(is(tpm, "PcrSignature", "cXVvdGVzaWc="));
	EXPECT(is(tpm, "EncKeyPub", "ZW5jcHVi"));
	EXPECT(is(tpm, "EncKeyCertifyInfo", "Y2VydGlmeQ=="));
	EXPECT(is(tpm, "EncKeyCertifyInfoSignature", "Y2VydGlmeXNpZw=="));
	EXPECT(json_array_size(json_object_get(tpm, "PcrSet")) == 8);
	pcrs = json_object_get(tpm, "PCRs");
	EXPECT(json_array_size(pcrs) == 8);
	one = json_array_get(pcrs, 1);
	EXPECT(json_integer_value(json_object_get(one, "Index")) == 1);
	EXPECT(is(one, "Digest",
		  "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE="));
	iso = json_object_get(in, "IsolationInfo");
	EXPECT(is(iso, "Type", "SevSnp"));
	evidence = json_object_get(iso, "Evidence");
	EXPECT(is(evidence, "RunTimeData", "eyJrZXlzIjpbXX0="));
	json_decref(in);
}

CASE(the_proof_is_base64_of_report_and_chain)
{
	uint8_t raw[4096];
	size_t n;
	json_t *in = request(NULL, 0, &n), *proof;
	const json_t *e = json_object_get(json_object_get(in, "IsolationInfo"),
					  "Evidence");
	const char *s = json_string_value(json_object_get(e, "Proof"));
	const char *report;

	EXPECT(is(in, "TcgLogs", ""));
	EXPECT(s &&
	       b64_decode(B64_STD, s, strlen(s), raw, sizeof(raw), &n) == 0);
	EXPECT(net_json_open((const char *)raw, n, &proof) == 0);
	EXPECT(is(proof, "VcekCertChain", "UEVNCg=="));
	EXPECT(net_json_text(proof, "SnpReport", 1579, 1579, &report) == 0);
	EXPECT(strncmp(report, "UlJS", 4) == 0);
	json_decref(proof);
	json_decref(in);
}

CASE(the_longest_event_log_fits_in_two_mebibytes)
{
	static uint8_t log[MAA_LOG_MAX];
	size_t n = 0;
	json_t *in = request(log, sizeof(log), &n);

	EXPECT(in != NULL);
	EXPECT(n > MAA_LOG_MAX && n <= MAA_REQUEST_MAX);
	json_decref(in);
}

#define PARAMS(mode, cipher, bits, iv)                                         \
	"{\"BlockMode\":\"" mode "\",\"BlockPadding\":\"PKCS7\",\"Cipher\":"   \
	"\"" cipher "\",\"KeySizeInBits\":" bits ",\"Iv\":\"" iv "\"}"
#define GOOD PARAMS("ChainingModeGCM", "AES", "256", "aWlpaWlpaWlpaWlp")
#define TAG  "dHR0dHR0dHR0dHR0dHR0dA=="

/* An answer with these members; key_bytes of inner key, 40 of token. */
static int
answer(const char *params, const char *tag, size_t key_bytes)
{
	static char key[1024], env[8192], b64[16384], body[16384];
	static uint8_t raw[512];
	int n;

	b64_encode(B64_STD, raw, key_bytes, key);
	n = snprintf(env, sizeof(env),
		     "{\"Jwt\":\"%s\",\"EncryptedInnerKey\":\"%s\","
		     "\"EncryptionParams\":%s,\"AuthenticationData\":\"%s\"}",
		     "QUJDREFCQ0RBQkNEQUJDREFCQ0RBQkNEQUJDREFCQ0Q=", key,
		     params, tag);
	b64_encode(B64_URL, (const uint8_t *)env, (size_t)n, b64);
	n = snprintf(body, sizeof(body), "{\"token\":\"%s\"}", b64);
	return maa_answer_read(body, (size_t)n, &envelope);
}

CASE(reads_the_envelope)
{
	EXPECT(answer(GOOD, TAG, 256) == 0);
	EXPECT(memcmp(envelope.iv, "iiiiiiiiiiii", 12) == 0);
	EXPECT(memcmp(envelope.tag, "tttttttttttttttt", 16) == 0);
	EXPECT(envelope.cipher_bytes == 32 &&
	       memcmp(envelope.cipher, "ABCD", 4) == 0);
}

CASE(takes_no_other_length_than_the_protocols)
{
	EXPECT(answer(GOOD, "dA==", 256) == ERR_RANGE); /* tag of one byte */
	EXPECT(answer(GOOD, "", 256) == ERR_RANGE);
	EXPECT(answer(GOOD, "dHR0dHR0dHR0dHR0dHR0dHQ=", 256) == ERR_RANGE);
	EXPECT(answer(GOOD, TAG, 255) == ERR_RANGE);
	EXPECT(answer(GOOD, TAG, 257) == ERR_RANGE);
	EXPECT(answer(PARAMS("ChainingModeGCM", "AES", "256", ""), TAG, 256) ==
	       ERR_RANGE);
	EXPECT(answer(PARAMS("ChainingModeGCM", "AES", "256",
			     "aWlpaWlpaWlpaWlpaWlpaQ=="),
		      TAG, 256) == ERR_RANGE);
}

CASE(takes_no_other_cipher)
{
	EXPECT(answer(PARAMS("ChainingModeCBC", "AES", "256",
			     "aWlpaWlpaWlpaWlp"),
		      TAG, 256) == ERR_MISMATCH);
	EXPECT(answer(PARAMS("ChainingModeGCM", "DES", "256",
			     "aWlpaWlpaWlpaWlp"),
		      TAG, 256) == ERR_MISMATCH);
	EXPECT(answer(PARAMS("ChainingModeGCM", "AES", "128",
			     "aWlpaWlpaWlpaWlp"),
		      TAG, 256) == ERR_MISMATCH);
	EXPECT(answer("[]", TAG, 256) == ERR_FORMAT);
}

CASE(what_is_no_envelope_is_refused)
{
	static const char *const bad[] = {
		"",
		"{}",
		"{\"token\":1}",
		"{\"token\":\"\"}",
		"{\"token\":\"a.b.c\"}", /* a token in clear */
		"{\"token\":\"e30\"}",	 /* {} */
		"{\"token\":\"W10\"}",	 /* [] */
		"{\"token\":\"e\"}",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		EXPECT(maa_answer_read(bad[i], strlen(bad[i]), &envelope) != 0);
}

int
main(void)
{
	return check_run();
}
