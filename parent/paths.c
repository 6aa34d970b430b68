/* SPDX-License-Identifier: Apache-2.0 */
#include "paths.h"

#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "exit.h"
#include "log.h"

#define DEPTH 16

/* What is read, run or written by root before the server's uid comes in. */
static const enum conf_key believed[] = {
	CONF_PLUGINS, CONF_SERVER,     CONF_TEMPLATE, CONF_OPERATOR,
	CONF_ROOTS,   CONF_SIGN_ROOTS, CONF_TLS_CA,
};

/* As realpath(3), but what does not exist yet keeps its name. */
static int
real_place(const char *path, char out[static PATH_MAX])
{
	char head[PATH_MAX], real[PATH_MAX];
	size_t n = strlen(path);

	if (n >= sizeof(head))
		return ERR_RANGE;
	memcpy(head, path, n + 1);
	while (!realpath(head, real)) {
		if (errno != ENOENT || strrchr(head, '/') == NULL)
			return ERR_SYS;
		n = (size_t)(strrchr(head, '/') - head);
		head[n] = '\0';
		if (n == 0) {
			real[0] = '\0';
			break;
		}
	}
	if (!strcmp(real, "/"))
		real[0] = '\0';
	if ((size_t)snprintf(out, PATH_MAX, "%s%s", real, path + n) >= PATH_MAX)
		return ERR_RANGE;
	return 0;
}

static bool
lies_in(const char *path, const char *dir)
{
	size_t n = strlen(dir);

	return !strncmp(path, dir, n) && (path[n] == '/' || path[n] == '\0');
}

/* Neither lies in the other; `what` and its path come first in the message. */
static int
apart(const char *what, const char *path, const char *writer, const char *dir)
{
	char a[PATH_MAX], b[PATH_MAX];
	bool in;

	if (real_place(path, a) != 0 || real_place(dir, b) != 0)
		return 0; /* it cannot be reached: whoever opens it says so */
	in = lies_in(a, b);
	if (!in && !lies_in(b, a))
		return 0;
	log_line(LOG_FAIL, NULL, "config",
		 "%s = %s %s %s = %s: the server and its plugins write there; "
		 "move one of them",
		 what, path, in ? "lies in" : "holds", writer, dir);
	return EXIT_CONFIG;
}

/* All that is believed, against one place where the server writes. */
static int
all_apart(const struct conf *c, enum conf_key where)
{
	const char *dir = conf_str(c, where), *writer = conf_key_name(where);
	int r = c->file ? apart("the configuration", c->file, writer, dir) : 0;

	for (size_t i = 0; r == 0 && i < sizeof(believed) / sizeof(believed[0]);
	     i++)
		if (conf_str(c, believed[i]))
			r = apart(conf_key_name(believed[i]),
				  conf_str(c, believed[i]), writer, dir);
	for (unsigned i = 0; r == 0 && i < c->sections; i++) {
		const char *file = section_get(&c->section[i], "file");

		if (file)
			r = apart("a policy's file", file, writer, dir);
	}
	return r;
}

/* Two places where the server writes; of one that is not set, nothing. */
static int
two_apart(const struct conf *c, enum conf_key a, enum conf_key b)
{
	if (!conf_str(c, a))
		return 0;
	return apart(conf_key_name(a), conf_str(c, a), conf_key_name(b),
		     conf_str(c, b));
}

int
paths_apart(const struct conf *c)
{
	int r = all_apart(c, CONF_RUN_DIR);

	if (r == 0 && conf_str(c, CONF_AUDIT_DIR))
		r = all_apart(c, CONF_AUDIT_DIR);
	if (r == 0)
		r = two_apart(c, CONF_AUDIT_DIR, CONF_RUN_DIR);
	if (r != 0 || !conf_local_store(c))
		return r;
	if ((r = two_apart(c, CONF_RUN_DIR, CONF_STORE_PATH)) != 0 ||
	    (r = two_apart(c, CONF_AUDIT_DIR, CONF_STORE_PATH)) != 0)
		return r;
	return all_apart(c, CONF_STORE_PATH);
}

/* It lies below the directory, links followed; not set: nothing does. */
static bool
below(const char *path, const char *dir)
{
	char a[PATH_MAX], b[PATH_MAX];

	return dir && real_place(path, a) == 0 && real_place(dir, b) == 0 &&
	       lies_in(a, b) && strcmp(a, b) != 0;
}

int
paths_audit(const struct conf *c)
{
	const char *dir = conf_str(c, CONF_AUDIT_DIR);

	for (unsigned i = 0; i < c->sections; i++) {
		const struct section *s = &c->section[i];
		const char *path = section_get(s, "file_path");

		if (!path || path[0] != '/' || below(path, dir) ||
		    (conf_local_store(c) &&
		     below(path, conf_str(c, CONF_STORE_PATH))))
			continue;
		log_line(LOG_FAIL, NULL, "config",
			 "[audit %s]: file_path = %s: the server may not write "
			 "there: %s",
			 s->name, path,
			 dir ? "put it below audit_directory"
			     : "set audit_directory to its directory");
		return EXIT_CONFIG;
	}
	return 0;
}

static char wrong[PATH_MAX];

static int
visit(const char *path, const struct stat *st, int type, struct FTW *f)
{
	mode_t bad = 022 | (S_ISREG(st->st_mode) ? S_ISUID | S_ISGID : 0);

	(void)f;
	if (st->st_uid == 0 && (type == FTW_SL || (st->st_mode & bad) == 0))
		return 0;
	snprintf(wrong, sizeof(wrong), "%s", path);
	return 1;
}

/* Each directory on the way from "/" to the place. */
static int
parents(const char *real)
{
	struct stat st;

	for (size_t n = 0; real[n]; n++) {
		if (real[n] != '/')
			continue;
		snprintf(wrong, sizeof(wrong), "%.*s", n ? (int)n : 1, real);
		if (stat(wrong, &st) != 0)
			return ERR_SYS;
		if (st.st_uid != 0 ||
		    ((st.st_mode & 022) != 0 && !(st.st_mode & S_ISVTX)))
			return ERR_REFUSED;
	}
	return 0;
}

int
paths_root_alone(const char *path, bool tree, const char **out_wrong)
{
	char real[PATH_MAX];
	struct stat st;
	int r;

	*out_wrong = wrong;
	snprintf(wrong, sizeof(wrong), "%s", path);
	if (!realpath(path, real))
		return ERR_SYS;
	if ((r = parents(real)) != 0)
		return r;
	snprintf(wrong, sizeof(wrong), "%s", real);
	if (tree) {
		r = nftw(real, visit, DEPTH, FTW_PHYS);
		return r == 0 ? 0 : r < 0 ? ERR_SYS : ERR_REFUSED;
	}
	if (stat(real, &st) != 0)
		return ERR_SYS;
	return st.st_uid == 0 && (st.st_mode & 022) == 0 ? 0 : ERR_REFUSED;
}

int
paths_audit_dir(const struct conf *c)
{
	const char *dir = conf_str(c, CONF_AUDIT_DIR);
	unsigned gid = conf_num(c, CONF_UID_SERVER);
	char real[PATH_MAX];
	struct stat st;

	if (!dir)
		return 0;
	if (stat(dir, &st) == 0 && S_ISDIR(st.st_mode) && st.st_uid == 0 &&
	    st.st_gid == gid && (st.st_mode & 072) == 070 &&
	    realpath(dir, real) && parents(real) == 0)
		return 0;
	log_line(LOG_FAIL, NULL, "config",
		 "audit_directory = %s: it must be a directory of root's in "
		 "which the server's group writes, and all above it root's "
		 "alone: mkdir -p %s; chown root:%u %s; chmod 2770 %s",
		 dir, dir, gid, dir, dir);
	return EXIT_CONFIG;
}

static bool
may_pass(const struct stat *st, unsigned uid)
{
	if (st->st_uid == uid)
		return (st->st_mode & S_IXUSR) != 0;
	if (st->st_gid == uid)
		return (st->st_mode & S_IXGRP) != 0;
	return (st->st_mode & S_IXOTH) != 0;
}

/* What is not there yet is made by us, or missed by who opens it. */
static int
passable(const struct conf *c, enum conf_key k)
{
	const char *path = conf_str(c, k);
	char dir[PATH_MAX];
	struct stat st;

	for (size_t n = 1; path && path[n]; n++) {
		if (path[n] != '/')
			continue;
		snprintf(dir, sizeof(dir), "%.*s", (int)n, path);
		if (stat(dir, &st) != 0 ||
		    may_pass(&st, conf_num(c, CONF_UID_SERVER)))
			continue;
		log_line(LOG_FAIL, NULL, "config",
			 "%s = %s: the server's uid cannot pass %s: chmod o+x "
			 "%s",
			 conf_key_name(k), path, dir, dir);
		return EXIT_CONFIG;
	}
	return 0;
}

int
paths_passable(const struct conf *c)
{
	int r;

	if ((r = passable(c, CONF_SERVER)) != 0 ||
	    (r = passable(c, CONF_PLUGINS)) != 0 ||
	    (r = passable(c, CONF_AUDIT_DIR)) != 0 ||
	    (r = passable(c, CONF_RUN_DIR)) != 0)
		return r;
	return conf_local_store(c) ? passable(c, CONF_STORE_PATH) : 0;
}

/* [plugin NAME]: its command is a file of the directory that can be run. */
static int
plugin_there(const struct section *s, const char *dir)
{
	const char *command = section_get(s, "command");
	char path[PATH_MAX];
	struct stat st;

	if (!command)
		return 0; /* control asks the server what it makes of that */
	if (!dir) {
		log_line(LOG_FAIL, NULL, "config",
			 "[plugin %s]: set plugin_directory, where its command "
			 "lies",
			 s->name);
		return EXIT_CONFIG;
	}
	snprintf(path, sizeof(path), "%s/%s", dir, command);
	if (stat(path, &st) == 0 && S_ISREG(st.st_mode) &&
	    (st.st_mode & 0111) == 0111)
		return 0;
	log_line(LOG_FAIL, NULL, "plugins",
		 "[plugin %s]: %s is not there, or not a program that the "
		 "server can run (chmod 0755)",
		 s->name, path);
	return EXIT_PLUGINS;
}

int
paths_plugins(const struct conf *c)
{
	const char *dir = conf_str(c, CONF_PLUGINS), *bad;
	int r = dir ? paths_root_alone(dir, true, &bad) : 0;

	if (r != 0) {
		log_line(LOG_FAIL, NULL, "plugins",
			 "plugin_directory %s: %s: %s", dir, bad,
			 r == ERR_SYS ? strerror(errno)
				      : "must belong to root and be writable "
					"by root alone (chown root, chmod "
					"go-w)");
		return EXIT_PLUGINS;
	}
	for (unsigned i = 0; r == 0 && i < c->sections; i++)
		if (c->section[i].kind == SEC_PLUGIN)
			r = plugin_there(&c->section[i], dir);
	return r;
}
