/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is written below a mount: an engine's configuration, roles, users.
 * Read first; written if a member differs, or if one cannot be read (a
 * password: who changed it would else go unseen); read back after.
 */
#include <string.h>

#include "configure.h"
#include "tags.h"

#define NAME_CAP  256u
#define NEW_TRIES 20u /* a fresh kv version 2 says 400 for a moment */
#define NEW_PAUSE 100u

/* "path<TAB>JSON object" */
static int
split(const uint8_t *p, size_t bytes, char *out_name, json_t **out_body)
{
	const uint8_t *tab = memchr(p, '\t', bytes);
	size_t n = tab ? (size_t)(tab - p) : 0;

	if (!tab || n >= NAME_CAP || memchr(p, 0, n))
		return ERR_FORMAT;
	memcpy(out_name, p, n);
	out_name[n] = '\0';
	return json_object_in(tab + 1, bytes - n - 1, out_body);
}

static int
write_data(const struct configure *c, const char *path, const json_t *body,
	   bool is_new)
{
	int r;

	for (unsigned i = 0;; i++) {
		r = conf_write(c, "POST", path, body);
		if (r != ERR_REFUSED || !is_new || i == NEW_TRIES)
			return r;
		if ((r = srv_pause(c->s, NEW_PAUSE)) != 0)
			return r;
	}
}

static int
match(const struct configure *c, const char *path, const json_t *body,
      enum conf_match *out)
{
	json_t *have;
	int status, r;

	if ((r = conf_get(c, path, &status, &have)) != 0)
		return r;
	*out = have ? conf_match(body, have) : MATCH_UNREADABLE;
	json_decref(have);
	return 0;
}

static int
bring(const struct configure *c, const char *path, const json_t *body,
      bool is_new)
{
	enum conf_match m;
	int r;

	if ((r = match(c, path, body, &m)) != 0 || m == MATCH_ALL)
		return r;
	if ((r = write_data(c, path, body, is_new)) != 0)
		return r;
	if ((r = match(c, path, body, &m)) != 0)
		return r;
	return m == MATCH_DIFFERS ? ERR_REFUSED : 0;
}

int
configure_data(const struct configure *c, const struct items *it,
	       const char *below, bool is_new)
{
	unsigned n = items_count(it, C_DATA);

	for (unsigned i = 0; i < n; i++) {
		char name[NAME_CAP], path[SRV_PATH_MAX];
		const uint8_t *p;
		size_t bytes;
		json_t *body;
		int r;

		if ((r = items_get(it, C_DATA, i, &p, &bytes)) != 0 ||
		    (r = split(p, bytes, name, &body)) != 0)
			return r;
		if ((r = conf_path(path, below, name, "")) == 0)
			r = bring(c, path, body, is_new);
		json_decref(body);
		if (r != 0)
			return r;
	}
	return 0;
}
