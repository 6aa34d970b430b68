/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include <fcntl.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "b64.h"
#include "cursor.h"

#define DAY   86400L
#define SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

struct want {
	const char *cn;
	const char *san; /* NULL: a root */
	EVP_PKEY *key;
	X509 *issuer; /* NULL: itself */
	EVP_PKEY *signer;
};

static int
extension(X509 *x, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509_EXTENSION *e;
	int ok;

	X509V3_set_ctx(&ctx, issuer, x, NULL, NULL, 0);
	e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	ok = e && X509_add_ext(x, e, -1) == 1;
	X509_EXTENSION_free(e);
	return ok;
}

static int
extensions(X509 *x, const struct want *w)
{
	X509 *issuer = w->issuer ? w->issuer : x;

	if (!w->san)
		return extension(x, issuer, NID_basic_constraints,
				 "critical,CA:TRUE") &&
		       extension(x, issuer, NID_key_usage,
				 "critical,keyCertSign");
	return extension(x, issuer, NID_basic_constraints,
			 "critical,CA:FALSE") &&
	       extension(x, issuer, NID_key_usage,
			 "critical,digitalSignature,keyEncipherment") &&
	       extension(x, issuer, NID_ext_key_usage, "serverAuth") &&
	       extension(x, issuer, NID_subject_alt_name, w->san);
}

static X509 *
certificate(const struct want *w)
{
	X509 *x = X509_new();
	X509_NAME *name = x ? X509_get_subject_name(x) : NULL;
	uint32_t serial;

	if (x && RAND_bytes((uint8_t *)&serial, sizeof(serial)) == 1 &&
	    X509_set_version(x, X509_VERSION_3) == 1 &&
	    ASN1_INTEGER_set_uint64(X509_get_serialNumber(x), serial | 1) ==
		    1 &&
	    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
				       (const unsigned char *)w->cn, -1, -1,
				       0) == 1 &&
	    X509_set_issuer_name(x, w->issuer ? X509_get_subject_name(w->issuer)
					      : name) == 1 &&
	    X509_set_pubkey(x, w->key) == 1 &&
	    X509_gmtime_adj(X509_getm_notBefore(x), -DAY) &&
	    X509_gmtime_adj(X509_getm_notAfter(x), 10 * DAY) &&
	    extensions(x, w) && X509_sign(x, w->signer, EVP_sha256()) > 0)
		return x;
	X509_free(x);
	return NULL;
}

static int
make_pin(struct fixture *f)
{
	uint8_t *der = NULL;
	int n = i2d_PUBKEY(f->master, &der);
	int ok = n > 0 && EVP_Digest(der, (size_t)n, f->pin, NULL, EVP_sha256(),
				     NULL) == 1;

	OPENSSL_free(der);
	return ok;
}

int
fixture_make(struct fixture *f)
{
	memset(f, 0, sizeof(*f));
	f->master = EVP_RSA_gen(2048);
	f->transfer = EVP_RSA_gen(2048);
	f->ca_key = EVP_EC_gen("P-256");
	f->tls_key = EVP_EC_gen("P-256");
	if (!f->master || !f->transfer || !f->ca_key || !f->tls_key ||
	    !make_pin(f))
		return ERR_CRYPTO;
	f->ca = certificate(&(struct want){"sallyport check", NULL, f->ca_key,
					   NULL, f->ca_key});
	if (!f->ca)
		return ERR_CRYPTO;
	f->tls = certificate(&(struct want){FIX_VAULT,
					    "DNS:" FIX_VAULT ",DNS:" FIX_MAA
					    ",DNS:" FIX_ACCOUNT
					    ".blob.core.windows.net",
					    f->tls_key, f->ca, f->ca_key});
	f->signer = certificate(&(struct want){
		"vault.azure.net", "DNS:vault.azure.net,DNS:*.vault.azure.net",
		f->master, f->ca, f->ca_key});
	f->leaf = certificate(&(struct want){FIX_HOST, "DNS:" FIX_HOST,
					     f->master, f->ca, f->ca_key});
	return f->tls && f->signer && f->leaf ? 0 : ERR_CRYPTO;
}

int
fixture_memfd(const void *p, size_t bytes)
{
	int fd = memfd_create("sallyport-check",
			      MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0)
		return -1;
	if (write(fd, p, bytes) == (ssize_t)bytes &&
	    fcntl(fd, F_ADD_SEALS, SEALS) == 0)
		return fd;
	close(fd);
	return -1;
}

int
fixture_roots(const struct fixture *f)
{
	BIO *pem = BIO_new(BIO_s_mem());
	char *p = NULL;
	int fd = -1;

	if (pem && PEM_write_bio_X509(pem, f->ca) == 1) {
		long n = BIO_get_mem_data(pem, &p);

		fd = fixture_memfd(p, (size_t)n);
	}
	BIO_free(pem);
	return fd;
}

/* The setting becomes a path that this process alone can open. */
static int
put_memfd(struct conf *c, enum conf_key k, BIO *pem)
{
	char path[64], *p = NULL;
	long n = BIO_get_mem_data(pem, &p);
	int fd = n > 0 ? fixture_memfd(p, (size_t)n) : -1;

	if (fd < 0)
		return ERR_SYS;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return conf_put(c, k, path);
}

static int
put_cert(struct conf *c, enum conf_key k, X509 *x)
{
	BIO *pem = BIO_new(BIO_s_mem());
	int r = ERR_CRYPTO;

	if (pem && PEM_write_bio_X509(pem, x) == 1)
		r = put_memfd(c, k, pem);
	BIO_free(pem);
	return r;
}

static int
put_operator(struct conf *c, EVP_PKEY *key)
{
	BIO *pem = BIO_new(BIO_s_mem());
	int r = ERR_CRYPTO;

	if (pem && PEM_write_bio_PUBKEY(pem, key) == 1)
		r = put_memfd(c, CONF_OPERATOR, pem);
	BIO_free(pem);
	return r;
}

int
fixture_conf(const struct fixture *f, struct conf *c)
{
	static const struct {
		enum conf_key key;
		const char *value;
	} own[] = {
		{CONF_HOSTNAME, FIX_HOST},
		{CONF_PORT, "8200"},
		{CONF_SA_NAME, FIX_ACCOUNT},
		{CONF_KEYVAULT, "check"},
		{CONF_MK_ID, FIX_KEY},
		{CONF_MAA, "https://" FIX_MAA},
		{CONF_LAYOUT, "auto"},
		{CONF_SHARES, "5"},
		{CONF_THRESHOLD, "3"},
		{CONF_STORAGE, "azure"},
		{CONF_STORE_PATH, NULL},
		{CONF_CONTAINER, "vault"},
		{CONF_LEASE_CONT, "lease"},
		{CONF_LEASE_TIME, "15"},
		{CONF_TEMPLATE, NULL},
		{CONF_PLUGINS, NULL},
		{CONF_IDENTITY, NULL},
		{CONF_ALGS, "RSA_AES_KEY_WRAP_256 RSA_AES_KEY_WRAP_384"},
		{CONF_T_CONNECT, "10"},
		{CONF_T_CALL, "20"},
		{CONF_T_RETRY, "40"},
		{CONF_T_WAVE, "60"},
		{CONF_T_ABSENT, "0"},
	};
	char pin[65];
	int r = 0;

	for (size_t i = 0; r == 0 && i < sizeof(own) / sizeof(own[0]); i++)
		r = conf_put(c, own[i].key, own[i].value);
	hex_encode(f->pin, sizeof(f->pin), pin);
	if (r != 0 || (r = conf_put(c, CONF_PIN, pin)) != 0 ||
	    (r = put_cert(c, CONF_ROOTS, f->ca)) != 0 ||
	    (r = put_cert(c, CONF_SIGN_ROOTS, f->ca)) != 0 ||
	    (r = put_cert(c, CONF_TLS_CA, f->ca)) != 0)
		return r;
	return put_operator(c, f->master);
}

const char *
fixture_local(bool dns)
{
	return dns || access("/etc/hosts", R_OK) == 0 ? "localhost"
						      : "127.0.0.1";
}

int
fixture_ports(struct conf *c, const uint16_t ports[static FIX_SERVICES],
	      bool dns)
{
	char imds[64], maa[64], akv[64], blob[64];
	int r;

	snprintf(imds, sizeof(imds), "http://127.0.0.1:%u", ports[0]);
	snprintf(maa, sizeof(maa), "%s:%u", fixture_local(dns), ports[1]);
	snprintf(akv, sizeof(akv), "%s:%u", dns ? FIX_HOST : "127.0.0.1",
		 ports[2]);
	snprintf(blob, sizeof(blob), "127.0.0.1:%u", ports[3]);
	if ((r = conf_put(c, CONF_IMDS_URL, imds)) != 0 ||
	    (r = conf_put(c, CONF_MAA_CONN, maa)) != 0 ||
	    (r = conf_put(c, CONF_BLOB_CONN, blob)) != 0)
		return r;
	return conf_put(c, CONF_AKV_CONN, akv);
}

void
fixture_addrs(uint8_t out[static FIX_ADDRS])
{
	static const uint8_t local[16] = {127, 0, 0, 1};
	struct wr w;
	size_t n;

	wr_init(&w, out, FIX_ADDRS);
	for (unsigned i = 0; i < REMOTE_COUNT; i++) {
		wr_u8(&w, (uint8_t)i);
		wr_u8(&w, 4);
		wr_bytes(&w, local, sizeof(local));
	}
	BUG_ON(wr_end(&w, &n) != 0 || n != FIX_ADDRS);
}
