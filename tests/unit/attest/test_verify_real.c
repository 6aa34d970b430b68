/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The key service's real answer of 2023-03-02, and a real chain of a managed
 * HSM: what nobody on this project made must be accepted, as of its time.
 */
#include <jansson.h>
#include <openssl/pem.h>

#include "check.h"
#include "jws.h"
#include "jws_chain.h"
#include "release_answer.h"
#include "tags.h"
#include "vectors.h"

#define JWS_FILE "azure-sdk-for-net/akv-release-7.4.value.jws"
#define HSM_FILE "confidential-sidecar-containers/skr/x5c-svolos-myhsm-01.pem"
#define ODD_ROOT                                                               \
	"confidential-sidecar-containers/skr/unrelated-root-baltimore.pem"
#define REAL_TIME 1677718949 /* "created" of the key in the answer */
#define HSM_TIME  1672531200 /* 2023-01-01 */
#define REAL_HOST "tcac7e9c41ef52cec.vault.azure.net"
#define NONCE                                                                  \
	"00000000000000000000000000000000"                                     \
	"00000000000000000000000000000000"
#define REAL_KEY "https://" REAL_HOST "/keys/230066978"

static struct jws jws;
static struct jws_header header;
static struct verdict v;
static char *text;
static size_t chars;

/* Fills jws and header with the real answer. */
static void
load(void)
{
	if (!text)
		text = read_vector(JWS_FILE, &chars);
	while (chars && text[chars - 1] == '\n')
		chars--;
	EXPECT(jws_split(text, chars, &jws) == 0);
	EXPECT(jws_header_read(&jws, &header, &v) == 0);
}

/* A store with the root that the answer itself brings (x5c's last). */
static X509_STORE *
real_root(void)
{
	X509_STORE *s = X509_STORE_new();

	EXPECT(chain_add_root(s, header.x5c[2].der, header.x5c[2].bytes) == 0);
	return s;
}

static int
check(X509_STORE *roots, const char *host, time_t now)
{
	struct chain_want want = {roots, host, now};
	EVP_PKEY *key = NULL;
	int r = chain_check(&header, &want, &key, &v);

	EVP_PKEY_free(key);
	return r;
}

CASE(real_answer_verifies_to_its_root)
{
	struct chain_want want = {NULL, REAL_HOST, REAL_TIME};
	X509_STORE *roots;
	EVP_PKEY *key = NULL;

	load();
	roots = real_root();
	want.roots = roots;
	EXPECT(header.certs == 3);
	EXPECT(chain_check(&header, &want, &key, &v) == 0);
	EXPECT(key && jws_rs256(&jws, key) == 0);
	EVP_PKEY_free(key);
	X509_STORE_free(roots);
}

CASE(real_answer_is_refused_before_and_after_its_time)
{
	X509_STORE *roots;

	load();
	roots = real_root();
	EXPECT(check(roots, REAL_HOST, 1669084411) == ERR_REFUSED);
	EXPECT(v.code == EXIT_ANSWER_CHAIN);
	EXPECT(check(roots, REAL_HOST, 1669084412) == 0); /* 2022-11-22 */
	EXPECT(check(roots, REAL_HOST, 1700188411) == 0); /* 2023-11-17 */
	EXPECT(check(roots, REAL_HOST, 1700188412) == ERR_REFUSED);
	X509_STORE_free(roots);
}

CASE(real_answer_is_refused_for_another_service)
{
	X509_STORE *roots;

	load();
	roots = real_root();
	EXPECT(check(roots, "x.vault.azure.net", REAL_TIME) == 0);
	EXPECT(check(roots, "a.b.vault.azure.net", REAL_TIME) == ERR_REFUSED);
	EXPECT(check(roots, "x.managedhsm.azure.net", REAL_TIME) ==
	       ERR_REFUSED);
	EXPECT(check(roots, "x.vault.azure.net.evil.example", REAL_TIME) ==
	       ERR_REFUSED);
	EXPECT(check(roots, "evil.example", REAL_TIME) == ERR_REFUSED);
	EXPECT(v.code == EXIT_ANSWER_CHAIN);
	X509_STORE_free(roots);
}

CASE(real_answer_is_refused_under_any_other_root)
{
	X509_STORE *empty = X509_STORE_new(), *odd = X509_STORE_new();
	char path[PATH_MAX];
	X509 *root;
	FILE *f;

	load();
	vector_path(ODD_ROOT, path);
	f = fopen(path, "r");
	root = f ? PEM_read_X509(f, NULL, NULL, NULL) : NULL;
	EXPECT(root && X509_STORE_add_cert(odd, root) == 1);
	EXPECT(check(empty, REAL_HOST, REAL_TIME) == ERR_REFUSED);
	EXPECT(check(odd, REAL_HOST, REAL_TIME) == ERR_REFUSED);
	if (f)
		fclose(f);
	X509_free(root);
	X509_STORE_free(empty);
	X509_STORE_free(odd);
}

CASE(intermediate_is_no_anchor)
{
	X509_STORE *s = X509_STORE_new();
	const unsigned char *p;
	X509 *x;

	load();
	EXPECT(chain_add_root(s, header.x5c[1].der, header.x5c[1].bytes) ==
	       ERR_FORMAT);
	p = header.x5c[1].der;
	x = d2i_X509(NULL, &p, (long)header.x5c[1].bytes);
	EXPECT(x && X509_STORE_add_cert(s, x) == 1);
	EXPECT(check(s, REAL_HOST, REAL_TIME) == ERR_REFUSED);
	X509_free(x);
	X509_STORE_free(s);
}

CASE(every_changed_bit_of_the_signature_is_seen)
{
	struct chain_want want = {NULL, REAL_HOST, REAL_TIME};
	X509_STORE *roots;
	EVP_PKEY *key = NULL;

	load();
	roots = real_root();
	want.roots = roots;
	EXPECT(chain_check(&header, &want, &key, &v) == 0);
	for (size_t i = 0; i < jws.signature_bytes; i += 17) {
		jws.signature[i] ^= 0x10;
		EXPECT(jws_rs256(&jws, key) == ERR_CRYPTO);
		jws.signature[i] ^= 0x10;
	}
	jws.signature_bytes--;
	EXPECT(jws_rs256(&jws, key) == ERR_CRYPTO);
	jws.signature_bytes++;
	jws.signed_chars--;
	EXPECT(jws_rs256(&jws, key) == ERR_CRYPTO);
	EVP_PKEY_free(key);
	X509_STORE_free(roots);
}

/* The capture has no nonce: it is put in, and the payload read unsigned. */
static int
read_payload(const char *nonce, struct question *q, struct answer *out)
{
	json_t *p = json_loadb((char *)jws.payload, jws.payload_bytes, 0, NULL);
	char *dump;
	int r;

	if (nonce)
		json_object_set_new(json_object_get(p, "request"), "nonce",
				    json_string(nonce));
	dump = json_dumps(p, JSON_COMPACT);
	r = release_answer_read(q, (uint8_t *)dump, strlen(dump), out, &v);
	free(dump);
	json_decref(p);
	return r;
}

CASE(real_payload_gives_the_recorded_ciphertext)
{
	struct question q = {0};
	static struct answer a;
	char *want;
	size_t bytes;

	load();
	want = read_vector("azure-sdk-for-net/akv-release-7.4.ciphertext.bin",
			   &bytes);
	EXPECT(question_key(&q, REAL_KEY) == 0);
	EXPECT(question_pair(&q, (const uint8_t *)"\1" NONCE, 65) == 0);
	EXPECT(read_payload(NONCE, &q, &a) == 0);
	EXPECT(a.enc == ENC_SHA1);
	EXPECT(bytes == 1488 && a.kwp_bytes == bytes - OAEP_BYTES);
	EXPECT(memcmp(a.oaep, want, OAEP_BYTES) == 0);
	EXPECT(memcmp(a.kwp, want + OAEP_BYTES, a.kwp_bytes) == 0);
	EXPECT(read_payload(NULL, &q, &a) == ERR_REFUSED);
	EXPECT(v.code == EXIT_ANSWER_WRONG);
	free(want);
}

/* The pin was computed by another library (Python's cryptography). */
CASE(real_key_has_the_pin_of_its_public_key)
{
	static const uint8_t pin[32] = {
		0x17, 0x15, 0x31, 0x75, 0x21, 0xfe, 0xeb, 0x59,
		0x75, 0x54, 0x96, 0xa0, 0x68, 0x5b, 0x65, 0xfd,
		0x4e, 0x40, 0x6a, 0xd8, 0xba, 0xdf, 0xab, 0xcc,
		0x2c, 0x7f, 0xfa, 0xa6, 0x2e, 0x1a, 0x9c, 0x30,
	};
	struct question q = {0};
	static struct answer a;

	load();
	EXPECT(question_key(&q, REAL_KEY) == 0);
	EXPECT(question_pair(&q, (const uint8_t *)"\1" NONCE, 65) == 0);
	EXPECT(read_payload(NONCE, &q, &a) == 0);
	EXPECT(memcmp(a.pin, pin, 32) == 0);
}

/* The HSM's PEM file as a header with right thumbprints. */
static void
load_hsm(void)
{
	char path[PATH_MAX];
	X509 *x;
	FILE *f;

	memset(&header, 0, sizeof(header));
	vector_path(HSM_FILE, path);
	f = fopen(path, "r");
	EXPECT(f != NULL);
	while (f && header.certs < JWS_CERTS &&
	       (x = PEM_read_X509(f, NULL, NULL, NULL)) != NULL) {
		uint8_t *p = header.x5c[header.certs].der;

		header.x5c[header.certs].bytes = (size_t)i2d_X509(x, &p);
		header.certs++;
		X509_free(x);
	}
	if (f)
		fclose(f);
	EVP_Digest(header.x5c[0].der, header.x5c[0].bytes, header.kid, NULL,
		   EVP_sha1(), NULL);
	memcpy(header.x5t, header.kid, 20);
	EVP_Digest(header.x5c[0].der, header.x5c[0].bytes, header.x5t_s256,
		   NULL, EVP_sha256(), NULL);
}

CASE(real_managed_hsm_chain_verifies_for_its_host)
{
	X509_STORE *roots;

	load();
	roots = real_root(); /* the same DigiCert root */
	load_hsm();
	EXPECT(header.certs >= 2);
	EXPECT(check(roots, "svolos-myhsm-01.managedhsm.azure.net", HSM_TIME) ==
	       0);
	EXPECT(check(roots, "another.managedhsm.azure.net", HSM_TIME) ==
	       ERR_REFUSED);
	EXPECT(check(roots, "svolos-myhsm-01.managedhsm.azure.net",
		     REAL_TIME + 10000000) == ERR_REFUSED);
	X509_STORE_free(roots);
}

int
main(void)
{
	NEED_VECTOR(JWS_FILE);
	NEED_VECTOR(HSM_FILE);
	return check_run();
}
