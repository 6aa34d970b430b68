/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Settings from sallyport.conf (conf_file.c) and from the environment.
 * Unknown keys, duplicate keys and a value that both give differently are
 * errors.
 */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "conf_load.h"
#include "config.h"

#define DEFAULT_FILE SP_SYSCONFDIR "/sallyport.conf"

static const struct {
	const char *name, *env, *def, *text;
	conf_check *check;
} keys[CONF_COUNT] = {
#define X(id, key, envname, def, check, text)                                  \
	[CONF_##id] = {key, envname, def, text, check},
#include "conf_keys.def"
#undef X
};

static const struct {
	const char *word;
	const char *keys; /* blank before and after each */
} kinds[] = {
	[SEC_PLUGIN] = {"plugin", " type command sha256 version "},
	[SEC_MOUNT] = {"mount", " type description version option data "},
	[SEC_AUTH] = {"auth", " type description option data "},
	[SEC_POLICY] = {"policy", " file text "},
	[SEC_AUDIT] = {"audit", " type file_path option "},
};

__attribute__((format(printf, 2, 0))) static void
keep(struct conf_error *e, const char *fmt, va_list ap)
{
	if (e->count == CONF_FINDINGS)
		return;
	vsnprintf(e->text[e->count], sizeof(e->text[0]), fmt, ap);
	e->count++;
}

int
conf_find(struct conf_error *e, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	keep(e, fmt, ap);
	va_end(ap);
	return ERR_FORMAT;
}

int
conf_fail(struct load *l, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	keep(l->error, fmt, ap);
	va_end(ap);
	l->failed = true;
	return 0;
}

static int
set_key(struct load *l, const char *name, const char *value)
{
	for (int k = 0; k < CONF_COUNT; k++) {
		if (strcmp(keys[k].name, name) != 0)
			continue;
		if (l->c->value[k])
			return conf_fail(l, "%s is set twice: keep one", name);
		if (!value[0])
			return conf_fail(l,
					 "%s has no value: give one or "
					 "remove the line",
					 name);
		l->c->value[k] = strdup(value);
		l->c->from[k] = FROM_FILE;
		return l->c->value[k] != NULL;
	}
	return conf_fail(l, "unknown key %s: see sallyport.conf(5)", name);
}

static struct section *
get_section(struct load *l, const char *head)
{
	char word[16];
	size_t n = strcspn(head, " ");

	if (n == 0 || n >= sizeof(word) || head[n] != ' ' || !head[n + 1]) {
		conf_fail(l,
			  "[%s]: must be [plugin NAME], [mount PATH], "
			  "[auth PATH], [policy NAME] or [audit NAME]",
			  head);
		return NULL;
	}
	memcpy(word, head, n);
	word[n] = '\0';
	for (unsigned k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
		struct conf *c = l->c;
		if (strcmp(kinds[k].word, word) != 0)
			continue;
		for (unsigned i = 0; i < c->sections; i++)
			if (c->section[i].kind == k &&
			    !strcmp(c->section[i].name, head + n + 1))
				return &c->section[i];
		if (c->sections == CONF_SECTIONS) {
			conf_fail(l, "more than %d sections", CONF_SECTIONS);
			return NULL;
		}
		struct section *s = &c->section[c->sections++];
		s->kind = (enum section_kind)k;
		s->name = strdup(head + n + 1);
		return s->name ? s : NULL;
	}
	conf_fail(l, "unknown section [%s]: see sallyport.conf(5)", head);
	return NULL;
}

static int
set_pair(struct load *l, const char *head, const char *name, const char *value)
{
	struct section *s = get_section(l, head);
	char word[40];

	if (!s)
		return 0;
	snprintf(word, sizeof(word), " %s ", name);
	if (!strstr(kinds[s->kind].keys, word))
		return conf_fail(l, "unknown key %s in [%s]: known are%s", name,
				 head, kinds[s->kind].keys);
	/* option and data are lists, everything else is given once. */
	if (strcmp(name, "option") != 0 && strcmp(name, "data") != 0 &&
	    section_get(s, name))
		return conf_fail(l, "%s is set twice in [%s]: keep one", name,
				 head);
	if (s->pairs == CONF_PAIRS)
		return conf_fail(l, "more than %d lines in [%s]", CONF_PAIRS,
				 head);
	s->key[s->pairs] = strdup(name);
	s->value[s->pairs] = strdup(value);
	s->pairs++;
	return s->key[s->pairs - 1] && s->value[s->pairs - 1];
}

int
conf_pair(struct load *l, const char *section, const char *name,
	  const char *value)
{
	return section[0] ? set_pair(l, section, name, value)
			  : set_key(l, name, value);
}

static const char *
env_get(char *const *env, const char *name)
{
	size_t n = strlen(name);

	for (; env && *env; env++)
		if (!strncmp(*env, name, n) && (*env)[n] == '=')
			return *env + n + 1;
	return NULL;
}

static int
load_env(struct load *l, char *const *env)
{
	for (int k = 0; k < CONF_COUNT; k++) {
		const char *v = keys[k].env ? env_get(env, keys[k].env) : NULL;

		if (!v || !v[0])
			continue;
		if (l->c->value[k] && strcmp(l->c->value[k], v) != 0) {
			conf_fail(l, "%s and %s in %s differ: keep one",
				  keys[k].env, keys[k].name, l->c->file);
			return ERR_FORMAT;
		}
		free(l->c->value[k]);
		l->c->value[k] = strdup(v);
		l->c->from[k] = FROM_ENV;
		if (!l->c->value[k])
			return ERR_NOMEM;
	}
	return 0;
}

/* All of them, so that one run names whatever must be mended. */
static int
check_each(struct load *l)
{
	for (int k = 0; k < CONF_COUNT; k++) {
		const char *v = l->c->value[k], *bad;

		if (!v && keys[k].def) {
			v = l->c->value[k] = strdup(keys[k].def);
			l->c->from[k] = FROM_DEFAULT;
			if (!v)
				return ERR_NOMEM;
		}
		if (v && (bad = keys[k].check(v)) != NULL)
			conf_fail(l, "%s = %.120s: %s",
				  l->c->from[k] == FROM_ENV ? keys[k].env
							    : keys[k].name,
				  v, bad);
	}
	return l->failed ? ERR_FORMAT : 0;
}

int
conf_read(struct conf *c, const char *file, char *const *env,
	  struct conf_error *out_error)
{
	struct load l = {.c = c, .error = out_error};
	int r;

	memset(c, 0, sizeof(*c));
	memset(out_error, 0, sizeof(*out_error));
	if ((r = conf_read_file(&l, file)) == 0 &&
	    (r = load_env(&l, env)) == 0 && (r = check_each(&l)) == ERR_FORMAT)
		(void)!conf_missing(c, out_error);
	if (r == 0)
		return 0;
	if (!l.failed)
		conf_fail(&l, "out of memory");
	conf_free(c);
	return ERR_FORMAT;
}

int
conf_load(struct conf *c, const char *file, char *const *env,
	  struct conf_error *out_error)
{
	int r;

	if ((r = conf_read(c, file, env, out_error)) == 0 &&
	    (r = conf_fit(c, out_error)) != 0)
		conf_free(c);
	return r;
}

void
conf_free(struct conf *c)
{
	for (int k = 0; k < CONF_COUNT; k++)
		free(c->value[k]);
	for (unsigned i = 0; i < c->sections; i++) {
		for (unsigned p = 0; p < c->section[i].pairs; p++) {
			free(c->section[i].key[p]);
			free(c->section[i].value[p]);
		}
		free(c->section[i].name);
	}
	memset(c, 0, sizeof(*c));
}

int
conf_put(struct conf *c, enum conf_key k, const char *value)
{
	char *copy = value ? strdup(value) : NULL;

	if (value && !copy)
		return ERR_NOMEM;
	free(c->value[k]);
	c->value[k] = copy;
	c->from[k] = value ? FROM_DEFAULT : FROM_NOWHERE;
	return 0;
}

const char *
conf_str(const struct conf *c, enum conf_key k)
{
	return c->value[k];
}

unsigned
conf_num(const struct conf *c, enum conf_key k)
{
	return c->value[k] ? (unsigned)strtoul(c->value[k], NULL, 10) : 0;
}

bool
conf_yes(const struct conf *c, enum conf_key k)
{
	return c->value[k] && !strcmp(c->value[k], "yes");
}

bool
conf_local_store(const struct conf *c)
{
	return strcmp(c->value[CONF_STORAGE], "azure") != 0;
}

const char *
conf_key_name(enum conf_key k)
{
	return keys[k].name;
}

const char *
conf_key_env(enum conf_key k)
{
	return keys[k].env;
}

const char *
conf_key_text(enum conf_key k)
{
	return keys[k].text;
}
