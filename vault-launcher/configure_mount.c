/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One secrets engine or auth method: there with its type, tuned, its data
 * written.  The two differ in where they live and in nothing else.
 *
 * Each is asked for by its own path: the list of all of them has no bound
 * that a buffer could be made for.
 */
#include <stdio.h>
#include <string.h>

#include "configure.h"
#include "tags.h"

#define NAME_CAP 256u

struct place {
	const char *sys;   /* "sys/mounts/" */
	const char *below; /* what its own API path begins with */
};

static const struct place mounts = {"sys/mounts/", ""};
static const struct place auths = {"sys/auth/", "auth/"};

/*
 * C_VERSION: digits alone are the engine's own ("2": kv version 2), anything
 * else is a plugin's version, which servers want as "v1.2.3".
 */
static int
set_version(json_t *want, json_t *options, const struct items *it)
{
	const uint8_t *p;
	size_t bytes, digits = 0;

	if (items_get(it, C_VERSION, 0, &p, &bytes) != 0)
		return 0;
	while (digits < bytes && p[digits] >= '0' && p[digits] <= '9')
		digits++;
	if (digits == bytes && bytes > 0)
		return conf_set(options, "version", it, C_VERSION);
	return conf_set(want, "plugin_version", it, C_VERSION);
}

/* The body of the call that makes it. */
static int
wanted(const struct items *it, json_t **out)
{
	json_t *want = json_object();
	json_t *options = json_object(), *config = json_object();
	int r = ERR_NOMEM;

	if (!want || json_object_set(want, "options", options) != 0 ||
	    json_object_set(want, "config", config) != 0)
		goto out;
	if ((r = conf_options(it, options, config)) != 0 ||
	    (r = conf_set(want, "type", it, C_TYPE)) != 0 ||
	    (r = conf_set(want, "description", it, C_DESCRIPTION)) != 0 ||
	    (r = set_version(want, options, it)) != 0)
		goto out;
	*out = json_incref(want);
out:
	json_decref(options);
	json_decref(config);
	json_decref(want);
	return r;
}

/* A kv engine without options is one of version 1. */
static bool
same_options(const json_t *want, const json_t *have)
{
	const json_t *w = json_object_get(want, "version");

	if (conf_match(want, have) == MATCH_ALL)
		return true;
	return json_object_size(want) == 1 && w &&
	       !json_object_get(have, "version") &&
	       strcmp(json_string_value(w), "1") == 0;
}

/* tune takes config's members at the top, options as they are. */
static int
tune_body(const json_t *want, const json_t *have, json_t **out)
{
	json_t *options = json_object_get(want, "options"), *body;
	int r = 0;

	body = json_copy(json_object_get(want, "config"));
	if (!body)
		return ERR_NOMEM;
	if (!same_options(options, json_object_get(have, "options")))
		r |= json_object_set(body, "options", options);
	if (json_object_get(want, "description"))
		r |= json_object_set(body, "description",
				     json_object_get(want, "description"));
	if (json_object_get(want, "plugin_version"))
		r |= json_object_set(body, "plugin_version",
				     json_object_get(want, "plugin_version"));
	if (r != 0) {
		json_decref(body);
		return ERR_NOMEM;
	}
	*out = body;
	return 0;
}

static bool
same_member(const json_t *want, const json_t *have, const char *member)
{
	const json_t *w = json_object_get(want, member);

	return !w || conf_same(w, json_object_get(have, member));
}

static int
tune(const struct configure *c, const char *path, const json_t *want,
     const json_t *have)
{
	char tune_path[SRV_PATH_MAX];
	json_t *body;
	int n, r;

	if (!json_equal(json_object_get(want, "type"),
			json_object_get(have, "type")))
		return ERR_REFUSED; /* removing it would remove its data */
	if (same_options(json_object_get(want, "options"),
			 json_object_get(have, "options")) &&
	    conf_match(json_object_get(want, "config"),
		       json_object_get(have, "config")) == MATCH_ALL &&
	    same_member(want, have, "description") &&
	    same_member(want, have, "plugin_version"))
		return 0;
	n = snprintf(tune_path, sizeof(tune_path), "%s/tune", path);
	if (n < 0 || (size_t)n >= sizeof(tune_path))
		return ERR_FORMAT;
	if ((r = tune_body(want, have, &body)) != 0)
		return r;
	r = conf_write(c, "POST", tune_path, body);
	json_decref(body);
	return r;
}

static int
bring(const struct configure *c, const struct items *it,
      const struct place *place)
{
	char name[NAME_CAP], path[SRV_PATH_MAX], below[SRV_PATH_MAX];
	json_t *want = NULL, *have = NULL;
	int status, r;

	if ((r = items_str(it, C_PATH, 0, name, sizeof(name))) != 0 ||
	    (r = conf_path(path, place->sys, name, "")) != 0 ||
	    (r = conf_path(below, place->below, name, "/")) != 0)
		return r;
	if ((r = wanted(it, &want)) != 0 ||
	    (r = conf_get(c, path, &status, &have)) != 0)
		goto out;
	/* absent is 400 on all servers; if it is not, the POST fails */
	r = have ? tune(c, path, want, have)
		 : conf_write(c, "POST", path, want);
	if (r == 0)
		r = configure_data(c, it, below, !have);
out:
	json_decref(have);
	json_decref(want);
	return r;
}

int
configure_mount(const struct configure *c, const struct items *it)
{
	return bring(c, it, &mounts);
}

int
configure_auth(const struct configure *c, const struct items *it)
{
	return bring(c, it, &auths);
}
