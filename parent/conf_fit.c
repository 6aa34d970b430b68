/* SPDX-License-Identifier: Apache-2.0 */
/* What must fit together in a configuration whose values are right. */
#include <string.h>
#include <strings.h>

#include "conf_load.h"
#include "config.h"

#define DEFAULT_FILE SP_SYSCONFDIR "/sallyport.conf"

static int
need(const struct conf *c, struct conf_error *e, enum conf_key k,
     const char *why)
{
	const char *env = conf_key_env(k), *name = conf_key_name(k);
	const char *file = c->file ? c->file : DEFAULT_FILE;

	if (conf_str(c, k))
		return 0;
	if (env)
		return conf_find(e,
				 "%s is not set%s: export %s, or set %s in %s",
				 env, why, env, name, file);
	return conf_find(e, "%s is not set%s: add it to %s", name, why, file);
}

/* The token of one vault must never go to another's host. */
static int
fit_vault(const struct conf *c, struct conf_error *e)
{
	char host[256], want[64];

	snprintf(want, sizeof(want), "%s.vault.azure.net",
		 conf_str(c, CONF_KEYVAULT));
	if (url_host(conf_str(c, CONF_MK_ID), host, sizeof(host)) == 0 &&
	    strcasecmp(host, want) == 0)
		return 0;
	return conf_find(
		e,
		"master_key is on %s but keyvault says %s: both must name "
		"the same vault",
		host, want);
}

static int
fit_shares(const struct conf *c, struct conf_error *e)
{
	unsigned shares = conf_num(c, CONF_SHARES);
	unsigned threshold = conf_num(c, CONF_THRESHOLD);

	if (threshold <= shares && (shares == 1 || threshold >= 2))
		return 0;
	return conf_find(
		e,
		"threshold = %u does not fit shares = %u: it must be from "
		"2 (1 for one share) to shares",
		threshold, shares);
}

static int
fit_uids(const struct conf *c, struct conf_error *e)
{
	for (enum conf_key a = CONF_UID_BROKER; a <= CONF_UID_SERVER; a++)
		for (enum conf_key b = a + 1; b <= CONF_UID_SERVER; b++)
			if (!strcmp(conf_str(c, a), conf_str(c, b)))
				return conf_find(
					e,
					"%s and %s are the same: every "
					"role has a uid of its own",
					conf_key_name(a), conf_key_name(b));
	return 0;
}

/* The server keeps each of its keys in a blob: the lease's is no such key. */
static int
fit_lease(const struct conf *c, struct conf_error *e)
{
	if (conf_local_store(c) || strcmp(conf_str(c, CONF_LEASE_CONT),
					  conf_str(c, CONF_CONTAINER)) != 0)
		return 0;
	return conf_find(
		e,
		"lease_container and storage_container are the same (%s): "
		"the lease needs a container that the server does not write",
		conf_str(c, CONF_CONTAINER));
}

int
conf_missing(const struct conf *c, struct conf_error *out_error)
{
	static const enum conf_key must[] = {
		CONF_HOSTNAME, CONF_PORT, CONF_KEYVAULT, CONF_MK_ID, CONF_MAA};
	int r = 0;

	for (size_t i = 0; i < sizeof(must) / sizeof(must[0]); i++)
		if (need(c, out_error, must[i], "") != 0)
			r = ERR_FORMAT;
	if (check_storage(conf_str(c, CONF_STORAGE)) != NULL)
		return ERR_FORMAT; /* which storage it is to be is not known */
	if (conf_local_store(c) ? need(c, out_error, CONF_STORE_PATH,
				       " (a local storage needs it)") != 0
				: need(c, out_error, CONF_SA_NAME,
				       " (storage = azure needs it)") != 0)
		r = ERR_FORMAT;
	return r;
}

int
conf_fit(const struct conf *c, struct conf_error *out_error)
{
	int r;

	memset(out_error, 0, sizeof(*out_error));
	if ((r = conf_missing(c, out_error)) != 0 ||
	    (r = fit_vault(c, out_error)) != 0 ||
	    (r = fit_shares(c, out_error)) != 0 ||
	    (r = fit_lease(c, out_error)) != 0)
		return r;
	return fit_uids(c, out_error);
}
