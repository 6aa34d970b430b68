/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Our own part of the server's configuration: no secret in it, written by the
 * supervisor itself.  Every value passed its check in conf_check.c or
 * conf_sections.c, so nothing needs quoting.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "life.h"

/*
 * generate-root without a token is open on this listener alone: it is how
 * control proves that its shares belong to this server.
 */
static void
put_listener(FILE *f, const struct sup *s, enum life_kind k)
{
	unsigned uid = conf_num(s->conf, CONF_UID_SERVER);

	fprintf(f,
		"disable_mlock = true\n"
		"listener \"unix\" {\n"
		"  address = \"%s/sock/api.sock\"\n"
		"  socket_mode = \"0660\"\n"
		"  socket_user = \"%u\"\n"
		"  socket_group = \"%u\"\n"
		"  disable_unauthed_generate_root_endpoints = false\n"
		"}\n",
		s->life[k].base, uid, uid);
}

/*
 * A unix listener alone has no cluster address: raft gets a loopback one in
 * its private life, every other storage none (vault-lifecycle 7.1).
 */
static void
put_cluster(FILE *f, const struct sup *s, enum life_kind k)
{
	const char *host = conf_str(s->conf, CONF_HOSTNAME);
	unsigned port = conf_num(s->conf, CONF_PORT);
	bool raft = !strcmp(conf_str(s->conf, CONF_STORAGE), "raft");

	fprintf(f, "api_addr = \"https://%s:%u\"\n", host, port);
	if (raft)
		fprintf(f, "cluster_addr = \"https://%s:%u\"\n", host,
			port == 65535 ? port - 1 : port + 1);
	if (raft && k == LIFE_PRIVATE)
		fprintf(f, "listener \"tcp\" {\n"
			   "  address = \"127.0.0.1:0\"\n"
			   "  cluster_address = \"127.0.0.1:0\"\n"
			   "  tls_disable = true\n"
			   "}\n");
	if (!raft)
		fprintf(f, "disable_clustering = true\n");
}

static void
put_options(FILE *f, const struct section *sec)
{
	for (unsigned i = 0; i < sec->pairs; i++) {
		const char *v = sec->value[i];
		size_t key = strcspn(v, "=");

		if (!strcmp(sec->key[i], "option"))
			fprintf(f, "    %.*s = \"%s\"\n", (int)key, v,
				v + key + 1);
	}
}

static void
put_audit(FILE *f, const struct sup *s)
{
	for (unsigned i = 0; i < s->conf->sections; i++) {
		const struct section *sec = &s->conf->section[i];
		const char *type = section_get(sec, "type");
		const char *path = section_get(sec, "file_path");

		if (sec->kind != SEC_AUDIT)
			continue;
		fprintf(f, "audit \"%s\" \"%s\" {\n  options {\n",
			type ? type : "file", sec->name);
		if (path || !type || !strcmp(type, "file"))
			fprintf(f, "    file_path = \"%s\"\n",
				path ? path : "stdout");
		put_options(f, sec);
		fprintf(f, "  }\n}\n");
	}
}

int
life_write_ours(struct sup *s, enum life_kind k)
{
	int fd = life_create(s, s->life[k].conf_fd, "sallyport.hcl", 0640);
	const char *plugins = conf_str(s->conf, CONF_PLUGINS);
	FILE *f = fd < 0 ? NULL : fdopen(fd, "w");
	int bad;

	if (!f) {
		if (fd >= 0)
			close(fd);
		return ERR_SYS;
	}
	put_listener(f, s, k);
	put_cluster(f, s, k);
	if (plugins)
		fprintf(f, "plugin_directory = \"%s\"\n", plugins);
	if (k == LIFE_PUBLIC)
		put_audit(f, s);
	bad = ferror(f);
	return fclose(f) == 0 && !bad ? 0 : ERR_SYS;
}
