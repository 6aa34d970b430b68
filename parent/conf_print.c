/* SPDX-License-Identifier: Apache-2.0 */
/* Settings by name; --check-config: what was understood, and whence. */
#include <string.h>

#include "conf.h"

static const char *const from_text[] = {
	[FROM_NOWHERE] = "not set",
	[FROM_DEFAULT] = "default",
	[FROM_FILE] = "file",
	[FROM_ENV] = "environment",
};

int
conf_key_of(const char *name, enum conf_key *out)
{
	for (enum conf_key k = 0; k < CONF_COUNT; k++) {
		if (strcmp(conf_key_name(k), name) == 0) {
			*out = k;
			return 0;
		}
	}
	return ERR_NOTFOUND;
}

const char *
section_get(const struct section *s, const char *key)
{
	for (unsigned i = 0; i < s->pairs; i++)
		if (!strcmp(s->key[i], key))
			return s->value[i];
	return NULL;
}

const char *
section_word(enum section_kind k)
{
	static const char *const words[] = {
		[SEC_PLUGIN] = "plugin", [SEC_MOUNT] = "mount",
		[SEC_AUTH] = "auth",	 [SEC_POLICY] = "policy",
		[SEC_AUDIT] = "audit",
	};

	return words[k];
}

static void
print_section(const struct section *s, FILE *out)
{
	fprintf(out, "\n[%s %s]\n", section_word(s->kind), s->name);
	for (unsigned i = 0; i < s->pairs; i++) {
		/* data may hold a credential of a third party */
		bool hide = !strcmp(s->key[i], "data");
		size_t path = strcspn(s->value[i], " \t");

		fprintf(out, "%s = %.*s%s\n", s->key[i],
			hide ? (int)path : (int)strlen(s->value[i]),
			s->value[i], hide ? " (value not shown)" : "");
	}
}

void
conf_print(const struct conf *c, FILE *out)
{
	fprintf(out, "# file: %s\n", c->file ? c->file : "none");
	for (int k = 0; k < CONF_COUNT; k++) {
		const char *env = conf_key_env((enum conf_key)k);
		const char *name = conf_key_name((enum conf_key)k);

		if (!c->value[k])
			fprintf(out, "# %s is not set\n", name);
		else if (c->from[k] == FROM_ENV)
			fprintf(out, "%s = %s  # %s %s\n", name, c->value[k],
				from_text[FROM_ENV], env);
		else
			fprintf(out, "%s = %s  # %s\n", name, c->value[k],
				from_text[c->from[k]]);
	}
	for (unsigned i = 0; i < c->sections; i++)
		print_section(&c->section[i], out);
}

int
url_host(const char *url, char *out, size_t cap)
{
	const char *p = strstr(url, "://");
	size_t n;

	if (!p)
		return ERR_FORMAT;
	p += 3;
	n = strcspn(p, ":/");
	if (n == 0 || n >= cap)
		return ERR_RANGE;
	memcpy(out, p, n);
	out[n] = '\0';
	return 0;
}
