/* SPDX-License-Identifier: Apache-2.0 */
#include "control_conf.h"

#include <string.h>

#include "conf_sections.h"
#include "items.h"
#include "log.h"
#include "memfd.h"
#include "operator_key.h"
#include "tags.h"

#define TEXT_MAX 32768
#define ITEM_MAX 40960

static const enum tag section_tag[] = {
	[SEC_PLUGIN] = TAG_PLUGIN, [SEC_MOUNT] = TAG_MOUNT,
	[SEC_AUTH] = TAG_AUTH,	   [SEC_POLICY] = TAG_POLICY,
	[SEC_AUDIT] = TAG_AUDIT,
};

static void
put_if(struct wr *w, const struct section *s, const char *key, enum tag tag)
{
	const char *v = section_get(s, key);

	if (v)
		items_put_str(w, tag, v);
}

/* "PATH JSON" becomes "PATH<TAB>JSON". */
static int
put_data(struct wr *w, const struct section *s, const char *value)
{
	char line[TEXT_MAX];
	size_t n = strlen(value), blank = strcspn(value, " \t");

	if (n >= sizeof(line) || value[blank] == '\0') {
		log_line(LOG_FAIL, NULL, "config",
			 "[%s %.100s]: data must be PATH and a JSON object",
			 section_word(s->kind), s->name);
		return ERR_FORMAT;
	}
	memcpy(line, value, n + 1);
	line[blank] = '\t';
	items_put_str(w, C_DATA, line);
	return 0;
}

static int
put_policy_text(struct wr *w, const struct section *s)
{
	const char *file = section_get(s, "file"),
		   *text = section_get(s, "text");
	static uint8_t buf[TEXT_MAX];
	size_t n;

	if (text && !file) {
		items_put_str(w, C_TEXT, text);
		return 0;
	}
	if (!file || text || read_file(file, buf, sizeof(buf), &n) != 0) {
		log_line(LOG_FAIL, NULL, "config",
			 "[policy %s]: give either text or a readable file of "
			 "at most 32 KiB",
			 s->name);
		return ERR_FORMAT;
	}
	items_put(w, C_TEXT, buf, n);
	return 0;
}

static const char *
default_type(enum section_kind k)
{
	return k == SEC_PLUGIN ? "secret" : k == SEC_AUDIT ? "file" : NULL;
}

static int
put_section(struct wr *outer, const struct section *s)
{
	static uint8_t item[ITEM_MAX];
	const char *type = section_get(s, "type");
	struct wr w;
	size_t n;
	int r = 0;

	wr_init(&w, item, sizeof(item));
	items_put_str(&w, C_PATH, s->name);
	if (!type)
		type = default_type(s->kind);
	if (type)
		items_put_str(&w, C_TYPE, type);
	put_if(&w, s, "command", C_COMMAND);
	put_if(&w, s, "sha256", C_SHA256);
	put_if(&w, s, "version", C_VERSION);
	put_if(&w, s, "description", C_DESCRIPTION);
	if (s->kind == SEC_AUDIT && section_get(s, "file_path")) {
		char opt[256] = "file_path=";
		strncat(opt, section_get(s, "file_path"), 200);
		items_put_str(&w, C_OPTION, opt);
	}
	for (unsigned i = 0; r == 0 && i < s->pairs; i++) {
		if (!strcmp(s->key[i], "option"))
			items_put_str(&w, C_OPTION, s->value[i]);
		else if (!strcmp(s->key[i], "data"))
			r = put_data(&w, s, s->value[i]);
	}
	if (r == 0 && s->kind == SEC_POLICY)
		r = put_policy_text(&w, s);
	if (r != 0 || (r = wr_end(&w, &n)) != 0)
		return r;
	items_put(outer, section_tag[s->kind], item, n);
	return 0;
}

/* Without any [mount]: kv at anjuna, as the old script made it. */
static void
put_default_mount(struct wr *outer)
{
	uint8_t item[64];
	struct wr w;
	size_t n;

	wr_init(&w, item, sizeof(item));
	items_put_str(&w, C_PATH, "anjuna");
	items_put_str(&w, C_TYPE, "kv");
	if (wr_end(&w, &n) == 0)
		items_put(outer, TAG_MOUNT, item, n);
}

static int
put_operator(const struct conf *c, struct wr *w)
{
	struct operator_key key;
	int r = operator_key_read(c, &key);

	if (r == 0 && key.bytes)
		items_put(w, TAG_OPERATOR_KEY, key.der, key.bytes);
	return r;
}

static int
put_unseal(const struct conf *c, struct wr *w)
{
	bool mounts = false;
	int r = put_operator(c, w);

	/* not the way in that closes the last one: a first life may have been
	 * begun under another configuration */
	items_put_u32(w, TAG_REVOKE_ROOT,
		      !conf_str(c, CONF_OPERATOR) && control_way_in(c));
	for (unsigned i = 0; r == 0 && i < c->sections; i++) {
		mounts = mounts || c->section[i].kind == SEC_MOUNT;
		r = put_section(w, &c->section[i]);
	}
	if (!mounts)
		put_default_mount(w);
	return r;
}

int
control_config(const struct conf *c, enum seat seat, struct wr *w)
{
	items_put_str(w, TAG_STORAGE, conf_str(c, CONF_STORAGE));
	if (seat == SEAT_INIT) {
		items_put_u32(w, TAG_SHARES, conf_num(c, CONF_SHARES));
		items_put_u32(w, TAG_THRESHOLD, conf_num(c, CONF_THRESHOLD));
	}
	return seat == SEAT_UNSEAL ? put_unseal(c, w) : 0;
}

int
control_check(const struct conf *c)
{
	static uint8_t body[MSG_BODY_MAX - 256];
	struct wr w;
	size_t n;
	int r;

	wr_init(&w, body, sizeof(body));
	for (unsigned i = 0; i < c->sections; i++)
		if (section_check(&c->section[i]) != 0)
			return ERR_FORMAT;
	r = put_unseal(c, &w);
	if (r == 0 && wr_end(&w, &n) != 0) {
		log_line(LOG_FAIL, NULL, "config",
			 "policies, mounts and plugins together are longer "
			 "than 64 KiB: shorten the policies");
		r = ERR_FORMAT;
	}
	return r;
}

bool
control_way_in(const struct conf *c)
{
	if (conf_str(c, CONF_OPERATOR))
		return true;
	for (unsigned i = 0; i < c->sections; i++)
		if (c->section[i].kind == SEC_AUTH)
			return true;
	return false;
}
