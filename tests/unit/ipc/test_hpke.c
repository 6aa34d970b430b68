/* SPDX-License-Identifier: Apache-2.0 */
/* RFC 9180's vectors (rfc9180.txt), sealed and opened. */
#include <stdbool.h>

#include "../check.h"
#include "b64.h"
#include "hpke.h"
#include "secret.h"

#define FIELD_MAX 128u

enum { INFO, SK_EPH, SK_RECV, PK_RECV, ENC, AAD, PT, CT, FIELDS };

static const char *const fields[FIELDS] = {"info", "skEm", "skRm", "pkRm",
					   "enc",  "aad",  "pt",   "ct"};

struct vector {
	unsigned aead;
	uint8_t v[FIELDS][FIELD_MAX];
	size_t n[FIELDS];
};

static struct vector vectors[2];
static size_t vector_count;

static void
parse(const char *name, const char *text)
{
	struct vector *v = &vectors[vector_count - 1];

	for (size_t i = 0; i < FIELDS; i++)
		if (strcmp(name, fields[i]) == 0) {
			v->n[i] = strlen(text) / 2;
			if (v->n[i] <= FIELD_MAX &&
			    hex_decode(text, strlen(text), v->v[i], v->n[i]) ==
				    0)
				return;
		}
	printf("Bail out! cannot read %s\n", name);
	exit(EXIT_FAILURE);
}

static void
load(const char *path)
{
	char line[512], name[16], text[256];
	FILE *f = fopen(path, "re");

	while (f && fgets(line, sizeof(line), f)) {
		if (line[0] == '#' ||
		    sscanf(line, "%15s %255s", name, text) != 2)
			continue;
		if (strcmp(name, "aead") == 0 && vector_count < 2)
			vectors[vector_count++].aead = (unsigned)atoi(text);
		else
			parse(name, text);
	}
	if (!f || vector_count != 2) {
		printf("Bail out! no two vectors at %s\n", path);
		exit(EXIT_FAILURE);
	}
	fclose(f);
}

static struct hpke_bytes
field(const struct vector *v, int i)
{
	return (struct hpke_bytes){v->v[i], v->n[i]};
}

static EVP_PKEY *
private_key(const struct vector *v, int i)
{
	EVP_PKEY *k = EVP_PKEY_new_raw_private_key_ex(NULL, "X25519", NULL,
						      v->v[i], v->n[i]);

	EXPECT(k != NULL);
	return k;
}

static void
run(const struct vector *v, const struct hpke_suite *suite)
{
	struct hpke_context c = {suite, field(v, INFO), field(v, AAD)};
	EVP_PKEY *eph = private_key(v, SK_EPH);
	EVP_PKEY *recv = private_key(v, SK_RECV);
	uint8_t msg[2 * FIELD_MAX], plain[FIELD_MAX];
	size_t bytes = v->n[PT] + HPKE_OVERHEAD;

	EXPECT(v->n[CT] == v->n[PT] + 16 && v->n[ENC] == HPKE_PUB);
	EXPECT(hpke_seal(&c, eph, v->v[PK_RECV], field(v, PT), msg) == 0);
	EXPECT(memcmp(msg, v->v[ENC], HPKE_PUB) == 0);
	EXPECT(memcmp(msg + HPKE_PUB, v->v[CT], v->n[CT]) == 0);

	memcpy(msg, v->v[ENC], HPKE_PUB);
	memcpy(msg + HPKE_PUB, v->v[CT], v->n[CT]);
	EXPECT(hpke_open(&c, recv, (struct hpke_bytes){msg, bytes}, plain) ==
	       0);
	EXPECT(memcmp(plain, v->v[PT], v->n[PT]) == 0);

	for (size_t n = 0; n < HPKE_OVERHEAD; n++)
		EXPECT(hpke_open(&c, recv, (struct hpke_bytes){msg, n},
				 plain) == ERR_CRYPTO);
	c.aad.n--; /* the associated data count, too */
	EXPECT(hpke_open(&c, recv, (struct hpke_bytes){msg, bytes}, plain) ==
	       ERR_CRYPTO);
	EVP_PKEY_free(eph);
	EVP_PKEY_free(recv);
}

CASE(the_vector_of_appendix_a_1_with_aes_128_gcm)
{
	EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, "AES-128-GCM", NULL);

	EXPECT(vectors[0].aead == 1);
	run(&vectors[0], &(struct hpke_suite){1, 16, cipher});
	EVP_CIPHER_free(cipher);
}

CASE(the_vector_of_our_suite_with_aes_256_gcm)
{
	EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);

	EXPECT(vectors[1].aead == 2);
	run(&vectors[1], &(struct hpke_suite){2, 32, cipher});
	EVP_CIPHER_free(cipher);
}

int
main(int argc, char **argv)
{
	enum secret_kind kind;

	load(argc > 1 ? argv[1] : "rfc9180.txt");
	if (secret_arena(16384, &kind) != 0 || hpke_init() != 0)
		return EXIT_FAILURE;
	return check_run();
}
