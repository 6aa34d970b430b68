/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What sallyport-exec is told: the program, its arguments, its whole
 * environment, and what Landlock lets it reach.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "items.h"
#include "page.h"
#include "server.h"
#include "tags.h"

/* One item of up to three texts in a row. */
static void
put_cat(struct wr *w, enum tag tag, const char *a, const char *b, const char *c)
{
	char text[2 * PATH_MAX];

	snprintf(text, sizeof(text), "%s%s%s", a, b, c);
	items_put_str(w, tag, text);
}

/* Plugins inherit every variable: names chosen here, values never secret. */
static void
put_env(const struct sup *s, enum life_kind k, struct wr *w)
{
	const char *base = s->life[k].base;

	items_put_str(w, X_ENV, "PATH=/usr/bin:/bin");
	items_put_str(w, X_ENV, "LANG=C");
	items_put_str(w, X_ENV, "TZ=UTC0");
	items_put_str(w, X_ENV, "GOTRACEBACK=none");
	items_put_str(w, X_ENV,
		      "SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt");
	/* no place of its own: libraries would leave caches there */
	items_put_str(w, X_ENV, "HOME=/nonexistent");
	put_cat(w, X_ENV, "TMPDIR=", base, "/tmp");
	put_cat(w, X_ENV, "NOTIFY_SOCKET=", base, "/sock/notify");
	if (s->log_json) {
		items_put_str(w, X_ENV, "VAULT_LOG_FORMAT=json");
		items_put_str(w, X_ENV, "BAO_LOG_FORMAT=json");
	}
}

/* The life that begins, as bits of enum page_when. */
static unsigned
life_bits(const struct sup *s, enum life_kind k)
{
	const struct conf *c = s->conf;
	unsigned now = k == LIFE_PUBLIC ? WHEN_PUBLIC : WHEN_PRIVATE;

	now |= conf_local_store(c) ? WHEN_LOCAL : WHEN_REMOTE;
	if (strcmp(conf_str(c, CONF_STORAGE), "raft") == 0)
		now |= WHEN_RAFT;
	return now;
}

bool
server_when(const struct sup *s, enum life_kind k, unsigned when)
{
	return (when & ~life_bits(s, k)) == 0;
}

/* The value of the setting that a rule names; NULL: not set. */
static const char *
value_of(const struct sup *s, const struct page_rule *rule)
{
	enum conf_key k;

	BUG_ON(conf_key_of(rule->setting, &k) != 0);
	return conf_str(s->conf, k);
}

const char *
server_path(const struct sup *s, enum life_kind k, const struct page_rule *rule)
{
	if (!server_when(s, k, rule->when) || rule->reach == REACH_CONNECT ||
	    rule->reach == REACH_BIND)
		return NULL;
	if (rule->setting)
		return rule->path ? NULL : value_of(s, rule);
	return rule->path;
}

/* One port, or those of a setting ("443 8443"), each with what is added. */
static void
put_ports(const struct sup *s, const struct page_rule *rule, struct wr *w)
{
	enum tag tag = rule->reach == REACH_BIND ? X_BIND_PORT : X_CONNECT_PORT;
	const char *p = rule->setting ? value_of(s, rule) : NULL;

	if (!rule->setting)
		items_put_u32(w, tag, rule->port);
	while (p && *p) {
		unsigned port = (unsigned)atoi(p), plus = rule->port;

		/* nothing is above 65535: the port below it, then */
		items_put_u32(w, tag,
			      port + plus > 65535 ? port - plus : port + plus);
		p += strcspn(p, " ");
		p += strspn(p, " ");
	}
}

static void
put_path(const struct sup *s, enum life_kind k, const struct page_rule *rule,
	 struct wr *w)
{
	static const enum tag tags[] = {
		[REACH_READ] = X_READ_PATH,
		[REACH_WRITE] = X_WRITE_PATH,
		[REACH_EXECUTE] = X_EXEC_PATH,
	};
	const char *path = server_path(s, k, rule);

	if (rule->setting && rule->path) /* below run_directory */
		put_cat(w, tags[rule->reach], s->life[k].base, rule->path, "");
	else if (path && access(path, F_OK) == 0)
		items_put_str(w, tags[rule->reach], path);
}

/* What its page lets the server reach in this life, for Landlock. */
static void
put_rules(const struct sup *s, enum life_kind k, struct wr *w)
{
	const struct page *p = page_of_seat[SEAT_SERVER];

	items_put_u32(w, X_WHEN, life_bits(s, k));
	for (size_t i = 0; i < p->rule_count; i++) {
		const struct page_rule *rule = &p->rules[i];

		if (!server_when(s, k, rule->when))
			continue;
		if (rule->reach == REACH_CONNECT || rule->reach == REACH_BIND)
			put_ports(s, rule, w);
		else
			put_path(s, k, rule, w);
	}
}

void
server_config(const struct sup *s, enum life_kind k, struct wr *w)
{
	const char *program = conf_str(s->conf, CONF_SERVER);
	const char *base = s->life[k].base;

	items_put_str(w, X_PROGRAM, program);
	items_put_str(w, X_ARG, strrchr(program, '/') + 1);
	items_put_str(w, X_ARG, "server");
	put_cat(w, X_ARG, "-config=", base,
		"/conf/"
		"server.hcl");
	put_cat(w, X_ARG, "-config=", base,
		"/conf/"
		"sallyport.hcl");
	put_env(s, k, w);
	put_rules(s, k, w);
}
