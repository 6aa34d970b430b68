/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CONFIG of https, read once and checked again here: the supervisor has
 * checked it where it entered, but a URL that is built from it carries a
 * bearer token.
 */
#ifndef SP_NET_CONF_H
#define SP_NET_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "items.h"
#include "tags.h"

#define CONF_HOST     254u /* with the NUL */
#define CONF_IDENTITY 513u
#define CONF_PATH     300u
#define CONF_ENCS     3u

struct enc_ask {
	enum enc enc;
	char nonce[65];
};

struct net_conf {
	char host[REMOTE_COUNT][CONF_HOST]; /* name in TLS and Host; "": none */
	uint16_t port[REMOTE_COUNT];	    /* connected to */
	char selector[16]; /* "client_id", …; "": no identity named */
	char identity[CONF_IDENTITY];
	char maa_nonce[65];
	char os_name[65];
	uint32_t os_major;
	uint32_t os_minor;
	bool poll; /* only ask for what is newer than this: */
	uint64_t since_boot_ns;
	uint64_t since_real_s;
	bool probe;
	uint32_t absent_s;
	uint32_t connect_ms;
	uint32_t call_ms;
	uint32_t retry_ms;
	char key_path[CONF_PATH];  /* "/keys/NAME" or "/keys/NAME/VERSION" */
	char blob_path[CONF_PATH]; /* "/CONTAINER/BLOB" */
	uint32_t lease_s;
	struct enc_ask ask[CONF_ENCS];
	unsigned asks;
	uint32_t plan; /* set of SLOT_BIT */
	uint32_t layout;
	uint32_t old_count;
};

/*
 * Reads the items of a fetch (fetch: true) or store seat; those of a fetch that
 * only asks are fewer.  Returns 0,
 * ERR_NOTFOUND for a missing item, ERR_FORMAT or ERR_RANGE for one that is
 * not as tags.h says; out is untouched then.
 */
CHECKED int conf_read(const struct items *it, bool fetch, struct net_conf *out);

/* The same for the keeper: metadata and storage service, blob and lease. */
CHECKED int conf_read_keeper(const struct items *it, struct net_conf *out);

/* Fills ports with the distinct ports; returns how many. */
size_t conf_ports(const struct net_conf *c,
		  uint16_t ports[static REMOTE_COUNT]);

/*
 * Returns the resource that a token is asked for: the storage service's for a
 * keeper, else the vault's, without a slash at the end: by the cloud's suffix,
 * on a label boundary.
 */
const char *conf_resource(const struct net_conf *c);

#endif
