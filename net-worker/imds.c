/* SPDX-License-Identifier: Apache-2.0 */
/* The metadata service's requests and answers; pure functions. */
#include "imds.h"

#include <string.h>
#include <strings.h>

#include "json.h"

void
imds_token_ask(const struct net_conf *c, char path[static HTTP_PATH_MAX],
	       struct http_request *out)
{
	struct text t;
	size_t n;

	*out = (struct http_request){.remote = REMOTE_IMDS,
				     .method = "GET",
				     .path = path,
				     .max_bytes = IMDS_BODY_MAX,
				     .json = true};
	text_init(&t, path, HTTP_PATH_MAX);
	text_put(&t, "/metadata/identity/oauth2/token"
		     "?api-version=2018-02-01&resource=");
	text_percent(&t, conf_resource(c));
	if (c->selector[0] != '\0') {
		text_put(&t, "&");
		text_put(&t, c->selector);
		text_put(&t, "=");
		text_percent(&t, c->identity);
	}
	BUG_ON(text_end(&t, &n) != 0); /* CONF_IDENTITY * 3 fits */
}

/* Members that may be absent, but must be right if they are there. */
static int
check_kind(const json_t *root, const char *resource)
{
	const char *s;
	int r;

	if (json_object_get(root, "token_type")) {
		if ((r = net_json_text(root, "token_type", 1, 64, &s)) != 0)
			return r;
		if (strcasecmp(s, "Bearer") != 0)
			return ERR_MISMATCH;
	}
	if (json_object_get(root, "resource")) {
		if ((r = net_json_text(root, "resource", 1, 1024, &s)) != 0)
			return r;
		if (strcmp(s, resource) != 0)
			return ERR_MISMATCH;
	}
	return 0;
}

int
imds_token_read(const char *body, size_t bytes, const char *resource,
		uint64_t now, char *sk_token)
{
	const unsigned kinds = TEXT_B64URL | TEXT_B64 | TEXT_DOT | TEXT_TILDE;
	const char *sk_text;
	json_t *root = NULL;
	uint64_t end;
	size_t n;
	int r;

	if ((r = net_json_open(body, bytes, &root)) != 0 ||
	    (r = net_json_text(root, "access_token", 1, IMDS_TOKEN_MAX,
			       &sk_text)) != 0 ||
	    (r = net_json_u64(root, "expires_on", &end)) != 0 ||
	    (r = check_kind(root, resource)) != 0)
		goto out;
	n = strlen(sk_text);
	if (!text_is(sk_text, n, kinds)) {
		r = ERR_FORMAT;
		goto out;
	}
	if (end < now || end - now < IMDS_LEFT_MIN) {
		r = ERR_RANGE;
		goto out;
	}
	memcpy(sk_token, sk_text, n + 1);
out:
	json_decref(root);
	return r;
}

/* PEM text: printable, with line ends of either kind. */
static int
check_pem(const char *s)
{
	static const char head[] = "-----BEGIN CERTIFICATE-----";
	static const char tail[] = "-----END CERTIFICATE-----";

	if (strncmp(s, head, sizeof(head) - 1) != 0 || !strstr(s, tail))
		return ERR_FORMAT;
	for (; *s != '\0'; s++)
		if (*s != '\n' && *s != '\r' && (*s < 0x20 || *s > 0x7e))
			return ERR_FORMAT;
	return 0;
}

static int
add_pem(const json_t *root, const char *name, struct text *out)
{
	const char *s;
	size_t n;
	int r;

	if ((r = net_json_text(root, name, 1, THIM_PEM_MAX, &s)) != 0 ||
	    (r = check_pem(s)) != 0)
		return r;
	text_put(out, s);
	n = strlen(s);
	if (s[n - 1] != '\n')
		text_put(out, "\n");
	return 0;
}

int
imds_thim_read(const char *body, size_t bytes, struct text *out)
{
	struct text mine = *out;
	json_t *root = NULL;
	size_t n;
	int r;

	if ((r = net_json_open(body, bytes, &root)) != 0 ||
	    (r = add_pem(root, "vcekCert", &mine)) != 0 ||
	    (r = add_pem(root, "certificateChain", &mine)) != 0)
		goto out;
	if (text_end(&mine, &n) != 0) {
		r = ERR_RANGE;
		goto out;
	}
	*out = mine;
out:
	json_decref(root);
	return r;
}
