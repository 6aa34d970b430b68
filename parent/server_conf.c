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
#include "server.h"
#include "tags.h"

#define NOFILE 16384

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

static void
put_ports(const struct sup *s, enum life_kind k, struct wr *w)
{
	const struct conf *c = s->conf;
	const char *p = conf_str(c, CONF_SRV_CONNECT);
	unsigned port = conf_num(c, CONF_PORT);
	bool raft = !strcmp(conf_str(c, CONF_STORAGE), "raft");
	bool online = k == LIFE_PUBLIC || !conf_local_store(c);

	while (online && *p) {
		items_put_u32(w, X_CONNECT_PORT, (uint32_t)atoi(p));
		p += strcspn(p, " ");
		p += strspn(p, " ");
	}
	if (k == LIFE_PUBLIC) {
		unsigned cluster = port == 65535 ? port - 1 : port + 1;

		items_put_u32(w, X_BIND_PORT, port);
		items_put_u32(w, X_CONNECT_PORT, port);
		if (raft) {
			items_put_u32(w, X_BIND_PORT, cluster);
			items_put_u32(w, X_CONNECT_PORT, cluster);
		}
	} else if (raft) {
		items_put_u32(w, X_BIND_PORT, 0);
	}
}

static void
put_path(struct wr *w, enum tag tag, const char *path)
{
	if (path && access(path, F_OK) == 0)
		items_put_str(w, tag, path);
}

static void
put_paths(const struct sup *s, enum life_kind k, struct wr *w)
{
	static const char *const online[] = {"/etc/resolv.conf", "/etc/hosts",
					     "/etc/nsswitch.conf"};
	static const char *const sub[] = {"/conf", "/tls"};
	const struct conf *c = s->conf;
	const char *base = s->life[k].base;

	for (int i = 0; i < 2; i++)
		put_cat(w, X_READ_PATH, base, sub[i], "");
	put_path(w, X_READ_PATH, "/etc/ssl/certs/ca-certificates.crt");
	for (int i = 0; i < 3 && !conf_local_store(c); i++)
		put_path(w, X_READ_PATH, online[i]);
	put_cat(w, X_WRITE_PATH, base, "/sock", "");
	put_cat(w, X_WRITE_PATH, base, "/tmp", "");
	items_put_str(w, X_WRITE_PATH, "/dev/null");
	if (conf_local_store(c))
		put_path(w, X_WRITE_PATH, conf_str(c, CONF_STORE_PATH));
	items_put_str(w, X_EXEC_PATH, conf_str(c, CONF_SERVER));
	put_path(w, X_EXEC_PATH, conf_str(c, CONF_PLUGINS));
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
	put_ports(s, k, w);
	put_paths(s, k, w);
	items_put_u32(w, X_NOFILE, NOFILE);
}
