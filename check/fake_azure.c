/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Azure as far as a worker's life needs it: answers of the right shape, which
 * prove nothing.  The emulator (tests/emulator) is the one that checks.
 */
#include <openssl/rand.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "b64.h"
#include "peer.h"

#define SECRETS	  8u
#define VALUE_MAX 4096u
#define PEM	  "-----BEGIN CERTIFICATE-----\\nAAAA\\n-----END CERTIFICATE-----\\n"

static struct {
	char name[32];
	char value[VALUE_MAX];
} secrets[SECRETS];

static void
metadata(const struct http_ask *q, struct http_reply *a)
{
	const char *resource = strstr(q->path, "storage.azure.com")
				       ? "https://storage.azure.com/"
				       : "https://vault.azure.net";

	if (strstr(q->path, "/oauth2/token"))
		reply_put(a,
			  "{\"access_token\":\"e30.e30.fixture\","
			  "\"expires_on\":\"%lld\",\"resource\":"
			  "\"%s\",\"token_type\":\"Bearer\"}",
			  (long long)time(NULL) + 86400, resource);
	else
		reply_put(a, "{\"vcekCert\":\"" PEM
			     "\",\"tcbm\":\"DB18000000000004\","
			     "\"certificateChain\":\"" PEM PEM "\"}");
}

/* What the attestation service seals; the bytes mean nothing here. */
static void
attestation(struct http_reply *a)
{
	static const uint8_t zero[256];
	char key[B64_LEN(256) + 1], text[B64_LEN(100) + 1], iv[24], tag[32];
	char json[2048], out[B64_LEN(sizeof(json)) + 1];
	int n;

	key[b64_encode(B64_STD, zero, 256, key)] = '\0';
	text[b64_encode(B64_STD, zero, 100, text)] = '\0';
	iv[b64_encode(B64_STD, zero, 12, iv)] = '\0';
	tag[b64_encode(B64_STD, zero, 16, tag)] = '\0';
	n = snprintf(json, sizeof(json),
		     "{\"Jwt\":\"%s\",\"EncryptedInnerKey\":\"%s\","
		     "\"EncryptionParams\":{\"BlockMode\":\"ChainingModeGCM\","
		     "\"BlockPadding\":\"PKCS7\",\"Cipher\":\"AES\","
		     "\"KeySizeInBits\":256,\"Iv\":\"%s\"},"
		     "\"AuthenticationData\":\"%s\"}",
		     text, key, iv, tag);
	out[b64_encode(B64_URL, (const uint8_t *)json, (size_t)n, out)] = '\0';
	out[strcspn(out, "=")] = '\0';
	reply_put(a, "{\"token\":\"%s\"}", out);
}

static unsigned
find(const char *name, size_t chars)
{
	unsigned i = 0;

	while (i < SECRETS && secrets[i].name[0] &&
	       (strlen(secrets[i].name) != chars ||
		strncmp(secrets[i].name, name, chars) != 0))
		i++;
	return i;
}

static void
keep(unsigned i, const char *name, size_t chars, const char *body)
{
	const char *p = strstr(body, "\"value\":\"");

	if (i >= SECRETS || !p || chars >= sizeof(secrets[i].name))
		return;
	p += 9;
	snprintf(secrets[i].name, sizeof(secrets[i].name), "%.*s", (int)chars,
		 name);
	snprintf(secrets[i].value, VALUE_MAX, "%.*s", (int)strcspn(p, "\""), p);
}

static void
item(struct http_reply *a, unsigned i)
{
	reply_put(a,
		  "\"id\":\"https://" FIX_VAULT "/secrets/%s/%032x\","
		  "\"attributes\":{\"enabled\":true,\"created\":1700000000}",
		  secrets[i].name, i + 1);
}

static void
vault(const struct http_ask *q, struct http_reply *a)
{
	const char *name = q->path + 9; /* behind "/secrets/" */
	size_t chars;
	unsigned i;

	if (strstr(q->path, "/release?")) {
		reply_put(a, "{\"value\":\"eyJhbGciOiJSUzI1NiJ9.");
		for (i = 0; i < 40; i++)
			reply_put(a, "QUJD");
		reply_put(a, ".c2ln\"}");
		return;
	}
	if (!strncmp(q->path, "/keys/", 6)) { /* what nobody may */
		a->status = 403;
		reply_put(a, "{\"error\":{\"code\":\"Forbidden\","
			     "\"message\":\"no such right\"}}");
		return;
	}
	chars = strlen(q->path) > 9 ? strcspn(name, "/?") : 0;
	i = find(name, chars);
	if (!strcmp(q->method, "PUT"))
		keep(i, name, chars, q->body);
	if (i >= SECRETS || !secrets[i].name[0]) {
		a->status = 404;
		reply_put(a, "{\"error\":{\"code\":\"SecretNotFound\","
			     "\"message\":\"no such secret\"}}");
	} else if (!strncmp(name + chars, "/versions?", 10)) {
		reply_put(a, "{\"value\":[{");
		item(a, i);
		reply_put(a, "}],\"nextLink\":null}");
	} else {
		reply_put(a, "{\"value\":\"%s\",", secrets[i].value);
		item(a, i);
		reply_put(a, "}");
	}
}

static void
no(struct http_reply *a, int status, const char *code)
{
	a->status = status;
	a->code = code;
}

/*
 * One blob and its lease.  Who asks for it has it, if nobody else has; the
 * first renewal is answered as after an operator's "break".
 */
static void
storage(const struct http_ask *q, struct http_reply *a)
{
	static char holder[40];
	static bool blob;
	const char *id = strcasestr(q->head, "lease-id: ");
	const char *action = strcasestr(q->head, "x-ms-lease-action: ");
	char asks[sizeof(holder)] = "";

	if (id)
		snprintf(asks, sizeof(asks), "%.36s", id + 10);
	a->status = 201;
	if (!action)
		blob = true;
	else if (!blob)
		no(a, 404, "BlobNotFound");
	else if (!strncmp(action + 19, "renew", 5))
		no(a, 409, "LeaseIsBrokenAndCannotBeRenewed");
	else if (holder[0] && strcmp(holder, asks) != 0)
		no(a, 409, "LeaseAlreadyPresent");
	else if (!strncmp(action + 19, "acquire", 7))
		memcpy(holder, asks, sizeof(holder));
	else { /* release */
		holder[0] = '\0';
		a->status = 200;
	}
}

static void
answer(const struct http_ask *q, struct http_reply *a)
{
	if (q->service == 0)
		metadata(q, a);
	else if (q->service == 1)
		attestation(a);
	else if (q->service == 2)
		vault(q, a);
	else
		storage(q, a);
}

void
fake_azure(const struct fixture *f, const int *fd, unsigned count)
{
	static const char *const names[] = {
		"apm-tls-cert", "apm-tls-cert-password", "apm-saa-key"};
	struct http_serve s = {answer, fd, count, true,
			       SSL_CTX_new(TLS_server_method())};
	char *q;

	if (!s.tls || SSL_CTX_use_certificate(s.tls, f->tls) != 1 ||
	    SSL_CTX_use_PrivateKey(s.tls, f->tls_key) != 1)
		return;
	for (unsigned i = 0; i < 3; i++) {
		snprintf(secrets[i].name, sizeof(secrets[i].name), "%s",
			 names[i]);
		q = secrets[i].value;
		for (unsigned n = 0; n < 100; n++)
			memcpy(q + 4 * n, "QUJD", 5);
	}
	http_serve(&s);
}
