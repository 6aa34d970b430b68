/* SPDX-License-Identifier: Apache-2.0 */
/* Secrets of the key vault and the list of their versions; pure functions. */
#include <string.h>
#include <strings.h>

#include "akv.h"
#include "json.h"

#define API "?api-version=7.4"

void
akv_secret_path(const char *name, const char *version, struct text *out)
{
	text_put(out, "/secrets/");
	text_put(out, name);
	if (version) {
		text_put(out, "/");
		text_put(out, version);
	}
	text_put(out, API);
}

int
akv_secret_body(const char *value, struct text *out)
{
	const unsigned kinds = TEXT_B64 | TEXT_B64URL | TEXT_DOT;

	if (!text_is(value, strlen(value), kinds))
		return ERR_FORMAT;
	text_put(out, "{\"value\":\"");
	text_put(out, value);
	text_put(out, "\"}");
	return 0;
}

int
akv_secret_read(const char *body, size_t bytes, char *out)
{
	json_t *root = NULL;
	const char *s;
	int r;

	if ((r = net_json_open(body, bytes, &root)) != 0 ||
	    (r = net_json_text(root, "value", 0, AKV_VALUE_MAX, &s)) != 0)
		goto out;
	memcpy(out, s, strlen(s) + 1);
out:
	json_decref(root);
	return r;
}

int
akv_secret_created(const char *body, size_t bytes, uint64_t *out)
{
	const json_t *attributes;
	json_t *root = NULL;
	int r;

	if ((r = net_json_open(body, bytes, &root)) == 0 &&
	    (r = net_json_object(root, "attributes", &attributes)) == 0)
		r = net_json_u64(attributes, "created", out);
	json_decref(root);
	return r;
}

void
akv_versions_path(const char *name, struct text *out)
{
	text_put(out, "/secrets/");
	text_put(out, name);
	text_put(out, "/versions" API "&maxresults=25");
}

/* "https://V/secrets/NAME/VERSION": copies VERSION, 32 hex digits. */
static int
version_of(const char *id, const char *name, char out[AKV_VERSION + 1])
{
	const char *v = strrchr(id, '/');
	size_t n = strlen(name);

	if (!v || strlen(v + 1) != AKV_VERSION ||
	    strspn(v + 1, "0123456789abcdefABCDEF") != AKV_VERSION)
		return ERR_FORMAT;
	if ((size_t)(v - id) < n + 9 || strncasecmp(v - n, name, n) != 0 ||
	    memcmp(v - n - 9, "/secrets/", 9) != 0)
		return ERR_MISMATCH;
	memcpy(out, v + 1, AKV_VERSION + 1);
	return 0;
}

static bool
newer(const struct akv_version *a, const struct akv_version *b)
{
	if (a->created != b->created)
		return a->created > b->created;
	return strcmp(a->id, b->id) > 0; /* created has seconds only */
}

static void
insert(struct akv_versions *all, const struct akv_version *v)
{
	unsigned at = all->n;

	for (unsigned i = 0; i < all->n; i++)
		if (strcmp(all->v[i].id, v->id) == 0)
			return; /* a page that repeats itself */
	while (at > 0 && newer(v, &all->v[at - 1])) {
		if (at < BUNDLE_VERSIONS)
			all->v[at] = all->v[at - 1];
		at--;
	}
	if (at >= BUNDLE_VERSIONS)
		return;
	all->v[at] = *v;
	if (all->n < BUNDLE_VERSIONS)
		all->n++;
}

static int
read_item(const json_t *item, const char *name, struct akv_versions *all)
{
	struct akv_version v;
	const json_t *attributes;
	const char *id;
	int r;

	if (!json_is_object(item))
		return ERR_FORMAT;
	if ((r = net_json_text(item, "id", 1, 1024, &id)) != 0 ||
	    (r = version_of(id, name, v.id)) != 0 ||
	    (r = net_json_object(item, "attributes", &attributes)) != 0)
		return r;
	if (!json_is_true(json_object_get(attributes, "enabled")))
		return 0;
	if ((r = net_json_u64(attributes, "created", &v.created)) != 0)
		return r;
	insert(all, &v);
	return 0;
}

/*
 * The bearer token goes to the same host, the same port and the same list or
 * nowhere: "https://HOST[:443]/secrets/NAME/versions?…".
 */
static int
read_next(const json_t *root, const char *host, const char *name,
	  struct text *next)
{
	const json_t *link = json_object_get(root, "nextLink");
	char want[AKV_NAME_MAX + 32];
	struct text t;
	size_t n = strlen(host), w;
	const char *s;
	int r;

	if (!link || json_is_null(link))
		return 0;
	if ((r = net_json_text(root, "nextLink", 0, 4096, &s)) != 0)
		return r;
	if (*s == '\0')
		return 0;
	for (const char *p = s; *p != '\0'; p++)
		if (*p <= 0x20 || *p > 0x7e || *p == '#' || *p == '\\')
			return ERR_FORMAT;
	if (strncmp(s, "https://", 8) != 0 || strncasecmp(s + 8, host, n) != 0)
		return ERR_MISMATCH;
	s += 8 + n;
	if (strncmp(s, ":443/", 5) == 0)
		s += 4;
	text_init(&t, want, sizeof(want));
	text_put(&t, "/secrets/");
	text_put(&t, name);
	text_put(&t, "/versions?");
	if (text_end(&t, &w) != 0 || strncasecmp(s, want, w) != 0)
		return ERR_MISMATCH;
	text_put(next, s);
	return text_end(next, &w) == 0 ? 0 : ERR_RANGE;
}

int
akv_versions_read(const char *body, size_t bytes, const char *host,
		  const char *name, struct akv_versions *io, struct text *next)
{
	struct akv_versions all = *io;
	const json_t *list;
	json_t *root = NULL;
	int r;

	if ((r = net_json_open(body, bytes, &root)) != 0 ||
	    (r = net_json_array(root, "value", &list)) != 0)
		goto out;
	if (json_array_size(list) > 100) {
		r = ERR_RANGE;
		goto out;
	}
	for (size_t i = 0; i < json_array_size(list); i++)
		if ((r = read_item(json_array_get(list, i), name, &all)) != 0)
			goto out;
	if ((r = read_next(root, host, name, next)) != 0)
		goto out;
	*io = all;
out:
	json_decref(root);
	return r;
}
