/* SPDX-License-Identifier: Apache-2.0 */
/* The release of a key: question, answer, refusals; pure functions. */
#include <string.h>
#include <strings.h>

#include "akv.h"
#include "exit.h"
#include "json.h"

static const char *
enc_name(enum enc enc)
{
	switch (enc) {
	case ENC_SHA1:
		return "CKM_RSA_AES_KEY_WRAP";
	case ENC_SHA256:
		return "RSA_AES_KEY_WRAP_256";
	case ENC_SHA384:
		return "RSA_AES_KEY_WRAP_384";
	}
	BUG_ON(1); /* conf_read() lets no other pass */
}

/*
 * "/keys/NAME/VERSION/VERB"; without a version its place stays empty, which
 * means the newest: "/keys/NAME//VERB" (recorded).  verb NULL: the key itself.
 */
void
akv_key_path(const struct net_conf *c, const char *verb, struct text *out)
{
	const char *name = strchr(c->key_path + 1, '/') + 1;

	text_put(out, c->key_path);
	if (!strchr(name, '/'))
		text_put(out, "/");
	if (verb) {
		text_put(out, "/");
		text_put(out, verb);
	}
	text_put(out, "?api-version=7.4");
}

int
akv_release_body(const char *target, size_t bytes, const struct enc_ask *ask,
		 struct text *out)
{
	if (!text_is_compact(target, bytes, 2))
		return ERR_FORMAT;
	text_put(out, "{\"target\":\"");
	text_bytes(out, target, bytes);
	text_put(out, "\",\"nonce\":\"");
	text_put(out, ask->nonce);
	text_put(out, "\",\"enc\":\"");
	text_put(out, enc_name(ask->enc));
	text_put(out, "\"}");
	return 0;
}

int
akv_release_read(const char *body, size_t bytes, char *out, size_t *out_bytes)
{
	json_t *root = NULL;
	const char *s;
	size_t n;
	int r;

	if ((r = net_json_open(body, bytes, &root)) != 0 ||
	    (r = net_json_text(root, "value", 64, AKV_JWS_MAX, &s)) != 0)
		goto out;
	n = strlen(s);
	if (!text_is_compact(s, n, 2)) {
		r = ERR_FORMAT;
		goto out;
	}
	memcpy(out, s, n + 1);
	*out_bytes = n;
out:
	json_decref(root);
	return r;
}

/* Says whether the word stands alone in the text, in any case. */
static bool
has_word(const char *text, const char *word)
{
	size_t n = strlen(word);

	for (const char *p = text; *p != '\0'; p++) {
		bool starts = p == text || !text_is(p - 1, 1, TEXT_B64URL);

		if (starts && strncasecmp(p, word, n) == 0 &&
		    !text_is(p + n, 1, TEXT_B64URL))
			return true;
	}
	return false;
}

/*
 * No capture of this answer exists; a service that knows the member names it
 * ("Property enc has invalid value") or the algorithm.  Its AKV.SKR codes are
 * about the key and are never this.
 */
bool
akv_enc_refused(unsigned status, const struct service_error *e, enum enc enc)
{
	if (status != 400 || strcmp(e->code, "BadParameter") != 0 ||
	    has_word(e->message, "AKV"))
		return false;
	return has_word(e->message, "enc") ||
	       has_word(e->message, enc_name(enc));
}

int
akv_release_verdict(unsigned status, const struct service_error *e)
{
	/* refused before the policy is looked at: who may call */
	static const char *const denied[] = {
		"AccessDenied",	       "ForbiddenByRbac",
		"ForbiddenByFirewall", "ForbiddenByConnection",
		"ForbiddenByPolicy",
	};
	/* the key itself */
	static const char *const key[] = {"KeyDisabled",
					  "KeyOperationForbidden"};

	if (status < 400) /* a redirect: not the key vault's own word */
		return EXIT_AKV_AWAY;
	if (status == 401)
		return EXIT_AKV_DENIED;
	if (status != 403)
		return EXIT_RELEASE_BAD;
	for (size_t i = 0; i < sizeof(denied) / sizeof(denied[0]); i++)
		if (strcmp(e->inner, denied[i]) == 0)
			return EXIT_AKV_DENIED;
	for (size_t i = 0; i < sizeof(key) / sizeof(key[0]); i++)
		if (strcmp(e->inner, key[i]) == 0)
			return EXIT_RELEASE_BAD;
	if (strstr(e->message, "standard vault"))
		return EXIT_RELEASE_BAD;
	return EXIT_RELEASE;
}
