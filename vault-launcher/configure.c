/* SPDX-License-Identifier: Apache-2.0 */
/* The order of the configuration, and what its parts have in common. */
#include "configure.h"

#include <stdio.h>
#include <string.h>

#include "tags.h"

#define NAME_MAX_CHARS 256u
#define OPTION_MAX     4096u

static const struct {
	unsigned tag;
	int (*apply)(const struct configure *c, const struct items *it);
} steps[] = {
	{TAG_AUDIT, configure_audit},	/* before all that is to be audited */
	{TAG_PLUGIN, configure_plugin}, /* before what is mounted from it */
	{TAG_POLICY, configure_policy}, /* before roles that name it */
	{TAG_MOUNT, configure_mount},
	{TAG_AUTH, configure_auth}, /* last: with it somebody may come in */
};

int
configure_all(const struct configure *c, const struct items *config)
{
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		unsigned n = items_count(config, steps[i].tag);

		for (unsigned k = 0; k < n; k++) {
			const uint8_t *p;
			struct items it;
			size_t bytes;
			int r;

			r = items_get(config, steps[i].tag, k, &p, &bytes);
			if (r != 0 || (r = items_open(p, bytes, &it)) != 0 ||
			    (r = steps[i].apply(c, &it)) != 0)
				return r;
		}
	}
	return 0;
}

int
conf_get(const struct configure *c, const char *path, int *out_status,
	 json_t **out_data)
{
	const struct logical call = {"GET", path, NULL};
	json_t *j, *data;
	int status, r;

	if ((r = api_logical(c->s, c->sk, &call, &status)) != 0)
		return r;
	if (status != 200) {
		*out_status = status;
		*out_data = NULL;
		return 0;
	}
	r = json_object_in(secret_bytes(c->s->sk_body), c->s->body_bytes, &j);
	if (r != 0)
		return r;
	data = json_object_get(j, "data");
	if (json_is_object(data)) {
		*out_data = json_incref(data);
		*out_status = status;
	} else {
		r = ERR_FORMAT;
	}
	json_decref(j);
	return r;
}

int
conf_write(const struct configure *c, const char *method, const char *path,
	   const json_t *body)
{
	const struct logical call = {method, path, body};
	int status, r;

	if ((r = api_logical(c->s, c->sk, &call, &status)) != 0)
		return r;
	return status >= 200 && status <= 299 ? 0 : ERR_REFUSED;
}

static int
name_check(const char *name, size_t n)
{
	if (n == 0 || n >= NAME_MAX_CHARS || name[0] == '/')
		return ERR_FORMAT;
	if (strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
			 "0123456789._/@+-") < n)
		return ERR_FORMAT;
	for (size_t i = 0; i + 1 < n; i++)
		if ((name[i] == '.' && name[i + 1] == '.') ||
		    (name[i] == '/' && name[i + 1] == '/'))
			return ERR_FORMAT;
	return 0;
}

int
conf_path(char *out, const char *prefix, const char *name, const char *suffix)
{
	size_t n = strlen(name);
	int r, k;

	while (n > 0 && name[n - 1] == '/')
		n--;
	if ((r = name_check(name, n)) != 0)
		return r;
	k = snprintf(out, SRV_PATH_MAX, "%s%.*s%s", prefix, (int)n, name,
		     suffix);
	return k < 0 || (size_t)k >= SRV_PATH_MAX ? ERR_FORMAT : 0;
}

int
conf_set(json_t *body, const char *member, const struct items *it, unsigned tag)
{
	const uint8_t *p;
	size_t bytes;
	int r;

	r = items_get(it, tag, 0, &p, &bytes);
	if (r == ERR_NOTFOUND)
		return 0;
	if (r != 0)
		return r;
	/* refuses what is not UTF-8 */
	if (json_object_set_new(body, member,
				json_stringn((const char *)p, bytes)) != 0)
		return ERR_FORMAT;
	return 0;
}

int
conf_options(const struct items *it, json_t *options, json_t *config)
{
	unsigned n = items_count(it, C_OPTION);
	char text[OPTION_MAX];
	int r;

	for (unsigned i = 0; i < n; i++) {
		json_t *to = options;
		char *key = text, *value;

		if ((r = items_str(it, C_OPTION, i, text, sizeof(text))) != 0)
			return r;
		if (!(value = strchr(text, '=')) || value == text)
			return ERR_FORMAT;
		*value++ = '\0';
		if (strncmp(key, "config.", 7) == 0) {
			key += 7;
			to = config;
		}
		if (!to || json_object_set_new(to, key, json_string(value)))
			return ERR_FORMAT;
	}
	return 0;
}
