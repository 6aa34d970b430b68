/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The key vault: secrets by name and version, the list of a secret's
 * versions, the release of a key; and what any of the three services says
 * when it refuses.  api-version 7.4.
 */
#ifndef SP_AKV_H
#define SP_AKV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "blob.h"
#include "conf.h"
#include "err.h"
#include "text.h"

#define AKV_SECRET_MAX	(64u * 1024u) /* body of a secret */
#define AKV_VALUE_MAX	25600u	      /* characters of its value */
#define AKV_RELEASE_MAX (64u * 1024u) /* body of a release */
#define AKV_JWS_MAX	65000u	      /* MSG_RELEASE_JWS takes no more */
#define AKV_VERSION	32u	      /* hex digits of a version */
#define AKV_NAME_MAX	127u
#define AKV_PAGES_MAX	64u /* of a version list, 25 in each */

/* What a service says of an error; every text fit to be shown, "" if absent. */
struct service_error {
	char code[64];
	char inner[64];
	char message[160];
};

/*
 * Reads an error body of AKV ({"error":{"code","message","innererror":{"code"
 * }}}), MAA (the same, or {"Error":{"Code","Message"}}) or IMDS ({"error",
 * "error_description"}).  Never fails: what is not there stays empty.
 */
void service_error_read(const char *body, size_t bytes,
			struct service_error *out);

/* ---- secrets */

/* Path of a secret; version NULL: the newest. */
void akv_secret_path(const char *name, const char *version, struct text *out);

/*
 * Writes the body of a PUT.  value: base64 or a compact JWE, nothing that
 * needs escaping.  Returns 0 or ERR_FORMAT.
 */
CHECKED int akv_secret_body(const char *value, struct text *out);

/*
 * Copies a secret's value; out takes AKV_VALUE_MAX + 1 bytes.  Returns 0,
 * ERR_FORMAT or ERR_RANGE.
 */
CHECKED int akv_secret_read(const char *body, size_t bytes, char *out);

/*
 * Reads when the version of a secret that came was made (Unix seconds).
 * Returns 0 or ERR_FORMAT.
 */
CHECKED int akv_secret_created(const char *body, size_t bytes, uint64_t *out);

/* The newest enabled versions, newest first. */
struct akv_versions {
	struct akv_version {
		char id[AKV_VERSION + 1];
		uint64_t created; /* Unix seconds */
	} v[BUNDLE_VERSIONS];
	unsigned n;
};

/* Path of the first page of a secret's versions. */
void akv_versions_path(const char *name, struct text *out);

/*
 * Merges one page into *io: enabled versions of `name`, by created, then by
 * id, at most BUNDLE_VERSIONS.  next: path and query of the next page, "" at
 * the end; a link to another host, port or secret is an error.  Returns 0,
 * ERR_FORMAT, ERR_RANGE or ERR_MISMATCH; *io is untouched then.
 */
CHECKED int akv_versions_read(const char *body, size_t bytes, const char *host,
			      const char *name, struct akv_versions *io,
			      struct text *next);

/* ---- release */

/* Path of an operation on CONFIG's key; verb NULL: of the key itself. */
void akv_key_path(const struct net_conf *c, const char *verb, struct text *out);

/* Writes the request; target is a compact JWS.  Returns 0 or ERR_FORMAT. */
CHECKED int akv_release_body(const char *target, size_t bytes,
			     const struct enc_ask *ask, struct text *out);

/*
 * Finds the signed answer and copies it to out (AKV_JWS_MAX + 1 bytes).
 * Returns 0 and its length, ERR_FORMAT or ERR_RANGE.  Nothing of it is
 * believed here: that is verify's.
 */
CHECKED int akv_release_read(const char *body, size_t bytes, char *out,
			     size_t *out_bytes);

/* Says whether a 400 means: not with this enc. */
bool akv_enc_refused(unsigned status, const struct service_error *e,
		     enum enc enc);

/* Returns the exit code of a release that was refused for good. */
int akv_release_verdict(unsigned status, const struct service_error *e);

#endif
