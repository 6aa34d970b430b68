/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A Vault 1.14 kind of server as control sees it, from uninitialised to
 * configured.  Whatever is written below sys/ or a mount can be read again.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "b64.h"
#include "peer.h"

#define SHARES	    16
#define HEX_MAX	    80
#define ROOT_TOKEN  "hvs.fixtureOfFirstLifesRoot1"
#define PROOF_TOKEN "hvs.fixtureOfThisLifesProof1"
#define OTP	    "abcdefghijklmnopqrstuvwxyz12"
#define NONCE	    "0b5e1d2c-0000-4000-8000-0123456789ab"
#define WRITTEN	    16

static struct {
	bool initialized, unsealed, started;
	bool root_dead, proof_dead;
	unsigned n, t, progress, proved;
	char share[SHARES][HEX_MAX];
	char path[WRITTEN][96];
	char body[WRITTEN][2048];
	unsigned written;
} sv;

static void
fail(struct http_reply *a, int status, const char *text)
{
	a->status = status;
	reply_put(a, "{\"errors\":[\"%s\"]}", text);
}

static void
seal_status(struct http_reply *a)
{
	reply_put(a,
		  "{\"type\":\"shamir\",\"initialized\":%s,\"sealed\":%s,"
		  "\"t\":%u,\"n\":%u,\"progress\":%u,\"nonce\":\"%s\","
		  "\"version\":\"1.14.0\",\"build_date\":\"\",\"migration\":"
		  "false,\"recovery_seal\":false,\"storage_type\":\"azure\"}",
		  sv.initialized ? "true" : "false",
		  sv.unsealed ? "false" : "true", sv.t, sv.n, sv.progress,
		  sv.progress ? NONCE : "");
}

static void
init(const struct http_ask *q, struct http_reply *a)
{
	uint8_t raw[33];

	if (sv.initialized ||
	    sscanf(q->body, "{\"secret_shares\":%u,\"secret_threshold\":%u}",
		   &sv.n, &sv.t) != 2 ||
	    sv.n > SHARES) {
		fail(a, 400, "not so");
		return;
	}
	sv.initialized = true;
	reply_put(a, "{\"keys\":[");
	for (unsigned i = 0; i < sv.n; i++) {
		memset(raw, (int)i + 1, sizeof(raw));
		hex_encode(raw, sizeof(raw), sv.share[i]);
		reply_put(a, "%s\"%s\"", i ? "," : "", sv.share[i]);
	}
	reply_put(a, "],\"keys_base64\":[");
	for (unsigned i = 0; i < sv.n; i++) {
		char text[B64_LEN(33) + 1];

		memset(raw, (int)i + 1, sizeof(raw));
		text[b64_encode(B64_STD, raw, sizeof(raw), text)] = '\0';
		reply_put(a, "%s\"%s\"", i ? "," : "", text);
	}
	reply_put(a, "],\"root_token\":\"" ROOT_TOKEN "\"}");
}

/* Says whether the body holds a share of ours. */
static bool
has_share(const char *body)
{
	const char *p = strstr(body, "\"key\":\"");

	for (unsigned i = 0; p && i < sv.n; i++)
		if (!strncmp(p + 7, sv.share[i], strlen(sv.share[i])))
			return true;
	return false;
}

static void
unseal(const struct http_ask *q, struct http_reply *a)
{
	if (strstr(q->body, "\"reset\":true")) {
		sv.progress = 0;
	} else if (!has_share(q->body)) {
		fail(a, 400, "no share");
		return;
	} else if (++sv.progress == sv.t) {
		sv.progress = 0;
		sv.unsealed = true;
	}
	seal_status(a);
}

static void
root_status(struct http_reply *a, const char *otp, const char *encoded)
{
	reply_put(a,
		  "{\"started\":%s,\"nonce\":\"%s\",\"progress\":%u,"
		  "\"required\":%u,\"complete\":%s,\"encoded_token\":\"%s\","
		  "\"encoded_root_token\":\"\",\"pgp_fingerprint\":\"\","
		  "\"otp\":\"%s\",\"otp_length\":28}",
		  sv.started ? "true" : "false", sv.started ? NONCE : "",
		  sv.proved, sv.t, encoded[0] ? "true" : "false", encoded, otp);
}

static void
generate_root(const struct http_ask *q, struct http_reply *a)
{
	char encoded[B64_LEN(28) + 1] = "";
	uint8_t raw[28];

	if (!strcmp(q->path, "/v1/sys/generate-root/attempt")) {
		bool start = !strcmp(q->method, "PUT");

		sv.started = sv.started || start;
		root_status(a, start ? OTP : "", "");
		return;
	}
	if (!has_share(q->body)) {
		fail(a, 400, "no share");
		return;
	}
	if (++sv.proved == sv.t) {
		for (unsigned i = 0; i < sizeof(raw); i++)
			raw[i] = (uint8_t)(PROOF_TOKEN[i] ^ OTP[i]);
		encoded[b64_encode(B64_STD, raw, sizeof(raw), encoded)] = '\0';
		encoded[strcspn(encoded, "=")] = '\0';
	}
	root_status(a, "", encoded);
	if (encoded[0])
		sv.started = false;
}

/* Answers with the token; NULL: dead or a stranger's. */
static bool *
token_dead(const struct http_ask *q)
{
	if (strstr(q->head, ROOT_TOKEN))
		return &sv.root_dead;
	return strstr(q->head, PROOF_TOKEN) ? &sv.proof_dead : NULL;
}

static void
write_or_read(const struct http_ask *q, struct http_reply *a)
{
	bool mount = !strncmp(q->path, "/v1/sys/mounts/", 15);
	unsigned i = 0;

	while (i < sv.written && strcmp(sv.path[i], q->path) != 0)
		i++;
	if (strcmp(q->method, "GET") != 0 && i < WRITTEN) {
		snprintf(sv.path[i], sizeof(sv.path[i]), "%s", q->path);
		snprintf(sv.body[i], sizeof(sv.body[i]), "%s", q->body);
		if (i == sv.written)
			sv.written++;
		a->status = 204;
	} else if (i < sv.written) {
		reply_put(a, "{\"data\":%s}", sv.body[i]);
	} else {
		fail(a, mount ? 400 : 404, "nothing there");
	}
}

static void
with_token(const struct http_ask *q, struct http_reply *a)
{
	bool *dead = token_dead(q);

	if (!dead || *dead) {
		fail(a, 403, "permission denied");
	} else if (!strcmp(q->path, "/v1/auth/token/lookup-self")) {
		reply_put(a, "{\"data\":{\"policies\":[\"root\"]}}");
	} else if (!strcmp(q->path, "/v1/auth/token/revoke-self")) {
		*dead = true;
		a->status = 204;
	} else {
		write_or_read(q, a);
	}
}

static void
answer(const struct http_ask *q, struct http_reply *a)
{
	if (!strcmp(q->path, "/v1/sys/health")) {
		a->status = !sv.initialized ? 501 : sv.unsealed ? 200 : 503;
		reply_put(a, "{}");
	} else if (!strcmp(q->path, "/v1/sys/seal-status")) {
		seal_status(a);
	} else if (!strcmp(q->path, "/v1/sys/init")) {
		init(q, a);
	} else if (!strcmp(q->path, "/v1/sys/unseal")) {
		unseal(q, a);
	} else if (!strncmp(q->path, "/v1/sys/generate-root/", 22)) {
		generate_root(q, a);
	} else {
		with_token(q, a);
	}
}

void
fake_server(const struct fixture *f, const int *fd, unsigned count)
{
	const struct http_serve s = {answer, fd, count, false, NULL};

	(void)f;
	http_serve(&s);
}
