/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One audit device.  Vault takes it by API; OpenBao from 2.3.2 refuses that
 * and has it declared in its own configuration: there it must be listed, and
 * that is all that can be demanded.
 */
#include <stdio.h>
#include <string.h>

#include "configure.h"
#include "tags.h"

#define NAME_CAP 256u

/* The device as listed: 0 same, ERR_NOTFOUND, ERR_MISMATCH. */
static int
listed(const struct configure *c, const char *name, const json_t *want)
{
	const json_t *have;
	json_t *data;
	char key[NAME_CAP + 1];
	int status, r;

	if ((r = conf_get(c, "sys/audit", &status, &data)) != 0)
		return r;
	if (status != 200)
		return ERR_REFUSED;
	snprintf(key, sizeof(key), "%s/", name);
	have = json_object_get(data, key);
	if (!have)
		r = ERR_NOTFOUND;
	else if (!json_equal(json_object_get(want, "type"),
			     json_object_get(have, "type")) ||
		 conf_match(json_object_get(want, "options"),
			    json_object_get(have, "options")) != MATCH_ALL)
		r = ERR_MISMATCH;
	json_decref(data);
	return r;
}

/* Makes it; a refusal is none if the device is there all the same. */
static int
enable(const struct configure *c, const char *name, const char *path,
       const json_t *want)
{
	int r;

	r = conf_write(c, "PUT", path, want);
	if (r == ERR_REFUSED && listed(c, name, want) == 0)
		r = 0;
	return r;
}

static int
wanted(const struct items *it, json_t **out)
{
	json_t *want = json_object(), *options = json_object();
	int r = ERR_NOMEM;

	if (!want || json_object_set(want, "options", options) != 0)
		goto out;
	if ((r = conf_options(it, options, NULL)) != 0 ||
	    (r = conf_set(want, "type", it, C_TYPE)) != 0 ||
	    (r = conf_set(want, "description", it, C_DESCRIPTION)) != 0)
		goto out;
	*out = json_incref(want);
out:
	json_decref(options);
	json_decref(want);
	return r;
}

int
configure_audit(const struct configure *c, const struct items *it)
{
	char name[NAME_CAP], path[SRV_PATH_MAX];
	json_t *want = NULL;
	size_t n;
	int r;

	if ((r = items_str(it, C_PATH, 0, name, sizeof(name))) != 0 ||
	    (r = conf_path(path, "sys/audit/", name, "")) != 0)
		return r;
	for (n = strlen(name); n > 0 && name[n - 1] == '/'; n--)
		name[n - 1] = '\0';
	if ((r = wanted(it, &want)) != 0)
		return r;
	r = listed(c, name, want);
	if (r == ERR_MISMATCH) /* options cannot be changed in place */
		r = conf_write(c, "DELETE", path, NULL) == 0 ? ERR_NOTFOUND
							     : ERR_REFUSED;
	if (r == ERR_NOTFOUND)
		r = enable(c, name, path, want);
	json_decref(want);
	return r;
}
