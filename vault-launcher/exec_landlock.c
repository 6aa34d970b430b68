/* SPDX-License-Identifier: Apache-2.0 */
/* Rules out of CONFIG, each compared with the server's page. */
#include "exec_landlock.h"

#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "landlock.h"
#include "page.h"
#include "tags.h"

#define PORT_METADATA 80u

static bool
ends_with(const char *path, const char *tail)
{
	size_t n = strlen(path), k = strlen(tail);

	return n > k && strcmp(path + n - k, tail) == 0;
}

/* A setting's value is the supervisor's to know: what is below it is not. */
static bool
path_fits(const struct page_rule *rule, const char *path)
{
	if (!rule->setting)
		return strcmp(path, rule->path) == 0;
	return !rule->path || ends_with(path, rule->path);
}

/* The page has a line for it that holds in this life. */
static bool
stated(unsigned now, enum page_reach reach, const char *path, uint32_t port)
{
	const struct page *p = &page_vault_server;

	for (size_t i = 0; i < p->rule_count; i++) {
		const struct page_rule *rule = &p->rules[i];

		if (rule->reach != reach || (rule->when & ~now) != 0)
			continue;
		if (path ? path_fits(rule, path)
			 : rule->setting || rule->port == port)
			return true;
	}
	return false;
}

static int
add_paths(int ruleset, const struct items *config, enum page_reach reach,
	  unsigned tag, unsigned now)
{
	unsigned n = items_count(config, tag);
	char path[PATH_MAX];

	for (unsigned i = 0; i < n; i++)
		if (items_str(config, tag, i, path, sizeof(path)) != 0 ||
		    path[0] != '/' || !stated(now, reach, path, 0) ||
		    landlock_path(ruleset, reach, path) != 0)
			return ERR_LOCK;
	return 0;
}

static int
port_of(const struct items *config, unsigned tag, unsigned i, uint32_t *out)
{
	const uint8_t *p;
	size_t bytes;
	struct rd r;

	if (items_get(config, tag, i, &p, &bytes) != 0)
		return ERR_LOCK;
	rd_init(&r, p, bytes);
	if (rd_u32(&r, out) != 0 || rd_end(&r) != 0 || *out > UINT16_MAX)
		return ERR_LOCK;
	return 0;
}

static int
add_ports(int ruleset, const struct items *config, enum page_reach reach,
	  unsigned tag, unsigned now)
{
	unsigned n = items_count(config, tag);

	for (unsigned i = 0; i < n; i++) {
		uint32_t port;

		if (port_of(config, tag, i, &port) != 0)
			return ERR_LOCK;
		/* a token from there releases keys on somebody's machine */
		if (reach == REACH_CONNECT && port == PORT_METADATA)
			return ERR_LOCK;
		if (!stated(now, reach, NULL, port) ||
		    landlock_port(ruleset, reach, (uint16_t)port) != 0)
			return ERR_LOCK;
	}
	return 0;
}

int
exec_landlock(const struct items *config)
{
	int ruleset, r;
	uint32_t now;

	if (items_u32(config, X_WHEN, &now) != 0 ||
	    (ruleset = landlock_begin()) < 0)
		return ERR_LOCK;
	if ((r = add_paths(ruleset, config, REACH_READ, X_READ_PATH, now)) ==
		    0 &&
	    (r = add_paths(ruleset, config, REACH_WRITE, X_WRITE_PATH, now)) ==
		    0 &&
	    (r = add_paths(ruleset, config, REACH_EXECUTE, X_EXEC_PATH, now)) ==
		    0 &&
	    (r = add_ports(ruleset, config, REACH_CONNECT, X_CONNECT_PORT,
			   now)) == 0 &&
	    (r = add_ports(ruleset, config, REACH_BIND, X_BIND_PORT, now)) == 0)
		r = landlock_end(ruleset);
	close(ruleset);
	return r;
}
