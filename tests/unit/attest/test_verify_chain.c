/* SPDX-License-Identifier: Apache-2.0 */
/* Leaves that a right root signed and that must not sign answers. */
#include "check.h"
#include "fake_signer.h"
#include "jws_chain.h"

#define DAY 86400L

static struct verdict v;

static int
check_at(const struct fake *f, X509_STORE *roots, const char *host, time_t now)
{
	static const int order[] = {FAKE_LEAF, FAKE_MIDDLE, FAKE_ROOT};
	static struct jws_header header;
	static struct jws j;
	json_t *h = fake_header(f, order, 3);
	char *text = json_dumps(h, JSON_COMPACT);
	struct chain_want want = {roots, host, now};
	EVP_PKEY *key = NULL;
	int r;

	v.code = 0;
	j.header_bytes = strlen(text);
	memcpy(j.header, text, j.header_bytes);
	EXPECT(jws_header_read(&j, &header, &v) == 0);
	r = chain_check(&header, &want, &key, &v);
	EVP_PKEY_free(key);
	free(text);
	json_decref(h);
	return r;
}

/* The outcome for one kind of leaf and the right everything else. */
static int
leaf(struct fake_leaf l, const char *host)
{
	struct fake f;
	int r;

	fake_begin(&f, &l);
	r = check_at(&f, f.roots, host, FAKE_NOW);
	fake_end(&f);
	return r;
}

CASE(accepts_the_right_leaf)
{
	EXPECT(leaf((struct fake_leaf){0}, FAKE_HOST) == 0);
}

CASE(refuses_a_leaf_outside_its_time)
{
	struct fake_leaf old = {.from = -9 * DAY, .until = -1};
	struct fake_leaf young = {.from = 1, .until = DAY};

	EXPECT(leaf(old, FAKE_HOST) == ERR_REFUSED);
	EXPECT(v.code == EXIT_ANSWER_CHAIN);
	EXPECT(leaf(young, FAKE_HOST) == ERR_REFUSED);
}

CASE(refuses_a_leaf_without_server_authentication)
{
	EXPECT(leaf((struct fake_leaf){.eku = ""}, FAKE_HOST) == ERR_REFUSED);
	EXPECT(leaf((struct fake_leaf){.eku = "clientAuth"}, FAKE_HOST) ==
	       ERR_REFUSED);
	EXPECT(leaf((struct fake_leaf){.eku = "codeSigning"}, FAKE_HOST) ==
	       ERR_REFUSED);
	EXPECT(leaf((struct fake_leaf){.usage = "keyEncipherment"},
		    FAKE_HOST) == ERR_REFUSED);
	EXPECT(leaf((struct fake_leaf){.ca = 1}, FAKE_HOST) == ERR_REFUSED);
}

CASE(refuses_a_leaf_for_another_name)
{
	static const char *const san[] = {
		"",
		"DNS:evil.example",
		"DNS:*.azure.net",
		"DNS:*.vault.azure.net.evil.example",
		"DNS:my*.vault.azure.net",
		"DNS:xmyvault.vault.azure.net",
		"email:myvault.vault.azure.net@x",
		"DNS:managedhsm.azure.net",
		"DNS:azure.net",
	};

	for (size_t i = 0; i < sizeof(san) / sizeof(san[0]); i++) {
		EXPECT(leaf((struct fake_leaf){.san = san[i]}, FAKE_HOST) ==
		       ERR_REFUSED);
		EXPECT(v.code == EXIT_ANSWER_CHAIN);
	}
}

CASE(accepts_the_host_its_wildcard_or_its_service_domain)
{
	EXPECT(leaf((struct fake_leaf){.san = "DNS:" FAKE_HOST}, FAKE_HOST) ==
	       0);
	EXPECT(leaf((struct fake_leaf){.san = "DNS:*.vault.azure.net"},
		    FAKE_HOST) == 0);
	EXPECT(leaf((struct fake_leaf){.san = "DNS:vault.azure.net"},
		    FAKE_HOST) == 0);
	EXPECT(leaf((struct fake_leaf){.san = "DNS:managedhsm.azure.net"},
		    "h.managedhsm.azure.net") == 0);
	/* a domain of nobody's is no such literal */
	EXPECT(leaf((struct fake_leaf){.san = "DNS:example.org"},
		    "vault.example.org") == ERR_REFUSED);
}

CASE(refuses_weak_keys_and_digests)
{
	EXPECT(leaf((struct fake_leaf){.bits = 1024}, FAKE_HOST) ==
	       ERR_REFUSED);
	EXPECT(leaf((struct fake_leaf){.digest = "SHA1"}, FAKE_HOST) ==
	       ERR_REFUSED);
	EXPECT(leaf((struct fake_leaf){.bits = 3072}, FAKE_HOST) == 0);
}

CASE(refuses_a_root_of_the_same_name)
{
	struct fake_leaf l = {0}, other = {.other = 1};
	struct fake a, b;

	fake_begin(&a, &l);
	fake_begin(&b, &other);
	EXPECT(check_at(&a, a.roots, FAKE_HOST, FAKE_NOW) == 0);
	EXPECT(check_at(&a, b.roots, FAKE_HOST, FAKE_NOW) == ERR_REFUSED);
	EXPECT(v.code == EXIT_ANSWER_CHAIN);
	fake_end(&a);
	fake_end(&b);
}

CASE(refuses_when_the_root_has_ended)
{
	struct fake_leaf l = {.from = 5 * DAY, .until = 30 * DAY};
	struct fake f;

	fake_begin(&f, &l);
	EXPECT(check_at(&f, f.roots, FAKE_HOST, FAKE_NOW + 6 * DAY) == 0);
	EXPECT(check_at(&f, f.roots, FAKE_HOST, FAKE_NOW + 11 * DAY) ==
	       ERR_REFUSED);
	fake_end(&f);
}

CASE(root_must_be_one_self_signed_certificate)
{
	X509_STORE *s = X509_STORE_new();
	unsigned char der[8192], *p = der;
	struct fake_leaf l = {0};
	struct fake f;
	size_t n;

	fake_begin(&f, &l);
	n = (size_t)i2d_X509(f.cert[FAKE_ROOT], &p);
	EXPECT(chain_add_root(s, der, n) == 0);
	EXPECT(chain_add_root(s, der, n - 1) == ERR_FORMAT);
	EXPECT(chain_add_root(s, der, n + 1) == ERR_FORMAT);
	EXPECT(chain_add_root(s, der, 0) == ERR_FORMAT);
	der[n - 1] ^= 1; /* its own signature */
	EXPECT(chain_add_root(s, der, n) == ERR_FORMAT);
	p = der;
	n = (size_t)i2d_X509(f.cert[FAKE_MIDDLE], &p);
	EXPECT(chain_add_root(s, der, n) == ERR_FORMAT);
	fake_end(&f);
	X509_STORE_free(s);
}

int
main(void)
{
	return check_run();
}
