/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The metadata service: an access token of the machine's identity, and the
 * certificates (THIM) of the key that signs its SNP reports.
 */
#ifndef SP_IMDS_H
#define SP_IMDS_H

#include <stddef.h>
#include <stdint.h>

#include "conf.h"
#include "err.h"
#include "http.h"
#include "text.h"

#define IMDS_BODY_MAX  (32u * 1024u)
#define IMDS_TOKEN_MAX 16000u /* characters of an access token */
#define IMDS_LEFT_MIN  300u   /* seconds that a token must still be valid */
#define THIM_BODY_MAX  (64u * 1024u)
#define THIM_PEM_MAX   (32u * 1024u) /* VCEK, ASK and ARK together */

#define THIM_PATH "/metadata/THIM/amd/certification"

/* Writes the token request; its path is in path, by reference. */
void imds_token_ask(const struct net_conf *c, char path[static HTTP_PATH_MAX],
		    struct http_request *out);

/*
 * Reads the token answer; sk_token takes IMDS_TOKEN_MAX + 1 bytes.  now: Unix
 * seconds.  Returns 0; ERR_FORMAT when it is not one, or the token has a
 * character that has no place in a header; ERR_MISMATCH when it is for
 * another resource or no bearer token; ERR_RANGE when it is too long or about
 * to expire.
 */
CHECKED int imds_token_read(const char *body, size_t bytes,
			    const char *resource, uint64_t now, char *sk_token);

/*
 * Reads the THIM answer and appends VCEK, ASK and ARK as one PEM text.
 * Returns 0, ERR_FORMAT or ERR_RANGE.
 */
CHECKED int imds_thim_read(const char *body, size_t bytes, struct text *out);

#endif
