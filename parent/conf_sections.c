/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The checks of the sections: names become paths of the server's API, values
 * go into its configuration as they stand, so that each has an exact shape.
 */
#include "conf_sections.h"

#include <string.h>

#include "log.h"

#define DIGITS	   "0123456789"
#define ALNUM	   DIGITS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define NAME_BYTES 200

static bool
only(const char *s, const char *set, size_t max)
{
	size_t n = strlen(s);

	return n > 0 && n <= max && strspn(s, set) == n;
}

static const char *
name_ok(const char *v)
{
	if (only(v, ALNUM "._/@+-", NAME_BYTES) && v[0] != '/' &&
	    !strstr(v, "..") && !strstr(v, "//"))
		return NULL;
	return "must be a name of letters, digits and ._/@+-, without .., // "
	       "or a slash before it";
}

static const char *
type_ok(const char *v)
{
	return only(v, ALNUM "._-", NAME_BYTES)
		       ? NULL
		       : "must be a name of letters, digits and ._-";
}

static const char *
plugin_type_ok(const char *v)
{
	return !strcmp(v, "secret") || !strcmp(v, "auth") ||
			       !strcmp(v, "database")
		       ? NULL
		       : "must be secret, auth or database";
}

static const char *
command_ok(const char *v)
{
	return only(v, ALNUM "._-", NAME_BYTES) && v[0] != '.'
		       ? NULL
		       : "must be the name of a file in plugin_directory";
}

static const char *
version_ok(const char *v)
{
	return only(v, ALNUM ".+-", NAME_BYTES)
		       ? NULL
		       : "must be a version, as v1.2.3";
}

static const char *
text_ok(const char *v)
{
	for (const char *p = v; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			return "must be text on one line";
	return NULL;
}

static const char *
option_ok(const char *v)
{
	size_t key = strcspn(v, "=");

	if (key == 0 || v[key] != '=' || strspn(v, ALNUM "._-") != key)
		return "must be KEY=VALUE";
	return text_ok(v);
}

/* It stands in the server's configuration, between quotation marks. */
static const char *
audit_option_ok(const char *v)
{
	if (option_ok(v))
		return option_ok(v);
	if (!strncmp(v, "file_path=", 10))
		return "must be a line of its own: file_path = PATH";
	return strpbrk(v, "\"\\$%") ? "must not hold any of \" \\ $ %" : NULL;
}

static const char *
file_path_ok(const char *v)
{
	if (!strcmp(v, "stdout") || !strcmp(v, "discard") || !check_path(v))
		return NULL;
	return "must be an absolute path of at most 200 bytes, stdout or "
	       "discard";
}

static const struct {
	enum section_kind kind;
	const char *key;
	bool must;
	const char *(*check)(const char *v);
} rules[] = {
	{SEC_PLUGIN, "type", false, plugin_type_ok},
	{SEC_PLUGIN, "command", true, command_ok},
	{SEC_PLUGIN, "sha256", true, check_pin},
	{SEC_PLUGIN, "version", false, version_ok},
	{SEC_MOUNT, "type", true, type_ok},
	{SEC_MOUNT, "description", false, text_ok},
	{SEC_MOUNT, "version", false, version_ok},
	{SEC_MOUNT, "option", false, option_ok},
	{SEC_MOUNT, "data", false, text_ok},
	{SEC_AUTH, "type", true, type_ok},
	{SEC_AUTH, "description", false, text_ok},
	{SEC_AUTH, "option", false, option_ok},
	{SEC_AUTH, "data", false, text_ok},
	{SEC_POLICY, "file", false, check_path},
	{SEC_AUDIT, "type", false, type_ok},
	{SEC_AUDIT, "file_path", false, file_path_ok},
	{SEC_AUDIT, "option", false, audit_option_ok},
};

static int
bad(const struct section *s, const char *key, const char *value,
    const char *why)
{
	const char *kind = section_word(s->kind);

	/* data may hold a credential of a third party */
	if (value && strcmp(key, "data") != 0)
		log_line(LOG_FAIL, NULL, "config",
			 "[%s %.100s]: %s = %.100s: %s", kind, s->name, key,
			 value, why);
	else
		log_line(LOG_FAIL, NULL, "config", "[%s %.100s]: %s %s", kind,
			 s->name, key, why);
	return ERR_FORMAT;
}

int
section_check(const struct section *s)
{
	const char *why = name_ok(s->name);

	if (why)
		return bad(s, "its name", NULL, why);
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		if (rules[i].kind != s->kind)
			continue;
		if (rules[i].must && !section_get(s, rules[i].key))
			return bad(s, rules[i].key, NULL, "is not set");
		for (unsigned p = 0; p < s->pairs; p++)
			if (!strcmp(s->key[p], rules[i].key) &&
			    (why = rules[i].check(s->value[p])) != NULL)
				return bad(s, s->key[p], s->value[p], why);
	}
	return 0;
}
