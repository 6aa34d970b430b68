/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One plugin in the catalog: what the server would execute, by which hash.
 * A changed entry does not touch processes that already run: reload.
 */
#include <stdio.h>
#include <string.h>

#include "b64.h"
#include "configure.h"
#include "tags.h"

#define WORD_CAP   128u
#define HASH_BYTES 32u

/* Vault's documents show base64 in places, the servers give hex. */
static bool
same_hash(const char *hex, const json_t *have)
{
	uint8_t want[HASH_BYTES], got[HASH_BYTES];
	const char *s = json_string_value(have);
	size_t n = json_string_length(have), bytes;

	if (!s || hex_decode(hex, 2 * HASH_BYTES, want, HASH_BYTES) != 0)
		return false;
	if (n == 2 * HASH_BYTES)
		return hex_decode(s, n, got, HASH_BYTES) == 0 &&
		       memcmp(want, got, HASH_BYTES) == 0;
	return b64_decode(B64_STD, s, n, got, sizeof(got), &bytes) == 0 &&
	       bytes == HASH_BYTES && memcmp(want, got, HASH_BYTES) == 0;
}

static bool
same_text(const json_t *want, const json_t *have, const char *member)
{
	const json_t *w = json_object_get(want, member);

	return !w || json_equal(w, json_object_get(have, member));
}

static bool
same_entry(const json_t *want, const json_t *have)
{
	if (json_is_true(json_object_get(have, "builtin")))
		return false;
	return same_hash(json_string_value(json_object_get(want, "sha256")),
			 json_object_get(have, "sha256")) &&
	       same_text(want, have, "command") &&
	       same_text(want, have, "version");
}

static int
reload(const struct configure *c, const char *name)
{
	json_t *body = json_pack("{s:s}", "plugin", name);
	int r;

	if (!body)
		return ERR_NOMEM;
	r = conf_write(c, "PUT", "sys/plugins/reload/backend", body);
	json_decref(body);
	return r;
}

/* Reads the entry, writes it if it differs, reloads what ran by the old. */
static int
bring(const struct configure *c, const char *name, const char *path,
      const char *query, const json_t *want)
{
	char asked[SRV_PATH_MAX];
	json_t *have;
	bool was;
	int status, r;

	r = snprintf(asked, sizeof(asked), "%s%s", path, query);
	if (r < 0 || (size_t)r >= sizeof(asked))
		return ERR_FORMAT;
	if ((r = conf_get(c, asked, &status, &have)) != 0)
		return r;
	if (have && same_entry(want, have))
		goto out;
	was = have && !json_is_true(json_object_get(have, "builtin"));
	if ((r = conf_write(c, "PUT", path, want)) == 0 && was)
		r = reload(c, name);
out:
	json_decref(have);
	return r;
}

int
configure_plugin(const struct configure *c, const struct items *it)
{
	char type[WORD_CAP], name[WORD_CAP], hash[WORD_CAP], version[WORD_CAP];
	char prefix[SRV_PATH_MAX], path[SRV_PATH_MAX];
	char query[SRV_PATH_MAX] = "";
	json_t *want;
	int r;

	if ((r = items_str(it, C_PATH, 0, name, sizeof(name))) != 0 ||
	    (r = items_str(it, C_TYPE, 0, type, sizeof(type))) != 0 ||
	    (r = items_str(it, C_SHA256, 0, hash, sizeof(hash))) != 0)
		return r;
	if (strlen(hash) != 2 * HASH_BYTES)
		return ERR_FORMAT;
	if ((r = conf_path(prefix, "sys/plugins/catalog/", type, "/")) != 0 ||
	    (r = conf_path(path, prefix, name, "")) != 0)
		return r;
	r = items_str(it, C_VERSION, 0, version, sizeof(version));
	if (r == 0)
		r = conf_path(query, "?version=", version, "");
	if (r != 0 && r != ERR_NOTFOUND)
		return r;
	if (!(want = json_object()))
		return ERR_NOMEM;
	if ((r = conf_set(want, "sha256", it, C_SHA256)) == 0 &&
	    (r = conf_set(want, "command", it, C_COMMAND)) == 0 &&
	    (r = conf_set(want, "version", it, C_VERSION)) == 0)
		r = bring(c, name, path, query, want);
	json_decref(want);
	return r;
}
