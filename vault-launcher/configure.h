/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Brings the server's configuration to what CONFIG says, on every boot:
 * each thing is read, compared, and written only where it differs.  Nothing
 * is ever removed (an audit device with wrong options, which is made anew, is
 * the one exception), and a mount of another type than configured is an
 * error: its data would be gone.
 */
#ifndef SP_CONFIGURE_H
#define SP_CONFIGURE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "err.h"
#include "items.h"
#include "srv_api.h"

struct configure {
	struct srv *s;		/* borrowed */
	const struct token *sk; /* borrowed; what authorises it */
};

/*
 * Audit devices, plugins, policies, mounts, auth methods, in this order (each
 * may need those before it).  Returns 0; ERR_REFUSED when the server would
 * not take one; ERR_FORMAT or ERR_RANGE for an item that is not usable; else
 * the error of the connection.
 */
CHECKED int configure_all(const struct configure *c,
			  const struct items *config);

/* One item of each kind, for configure_all(). */
CHECKED int configure_audit(const struct configure *c, const struct items *it);
CHECKED int configure_plugin(const struct configure *c, const struct items *it);
CHECKED int configure_policy(const struct configure *c, const struct items *it);
CHECKED int configure_mount(const struct configure *c, const struct items *it);
CHECKED int configure_auth(const struct configure *c, const struct items *it);

/*
 * All C_DATA of one mount; `below` is its API path with a slash at the end.
 * A new mount may need a moment before it takes data.
 */
CHECKED int configure_data(const struct configure *c, const struct items *it,
			   const char *below, bool is_new);

/*
 * GET.  Returns 0 and the status; for a 200 also the "data" object (owned by
 * the caller: json_decref), else NULL.
 */
CHECKED int conf_get(const struct configure *c, const char *path,
		     int *out_status, json_t **out_data);
/* A write; returns 0 for any 2xx, ERR_REFUSED for any other status. */
CHECKED int conf_write(const struct configure *c, const char *method,
		       const char *path, const json_t *body);

/*
 * Writes prefix and name to out (cap SRV_PATH_MAX); the name loses slashes at
 * its end.  Returns 0, or ERR_FORMAT for a name that could leave its place
 * (empty, "..", "//", a slash in front, a byte outside A-Za-z0-9._/@+-).
 */
CHECKED int conf_path(char *out, const char *prefix, const char *name,
		      const char *suffix);

/* Sets a member to the item's text if there is such an item. */
CHECKED int conf_set(json_t *body, const char *member, const struct items *it,
		     unsigned tag);

/*
 * C_OPTION "key=value" into `options`, "config.key=value" into `config` (NULL:
 * an error).  Returns 0, ERR_FORMAT or ERR_NOMEM.
 */
CHECKED int conf_options(const struct items *it, json_t *options,
			 json_t *config);

/*
 * Compares as a server does that writes values its own way: "1h" is 3600, "a,b"
 * is ["a","b"], lists are sets, null is an empty text, list or object; inner
 * objects must be equal.
 */
bool conf_same(const json_t *want, const json_t *have);
/* How the members of want fare in have. */
enum conf_match { MATCH_ALL, MATCH_UNREADABLE, MATCH_DIFFERS };
enum conf_match conf_match(const json_t *want, const json_t *have);

#endif
