/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server's small calls.  Each returns 0 and the HTTP status (and, for a
 * 200, the decoded answer), or the negative error of srv_call() or of the
 * decoder.  What a status means is the caller's business.
 */
#ifndef SP_SRV_API_H
#define SP_SRV_API_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "err.h"
#include "keyset.h"
#include "srv_http.h"
#include "srv_json.h"

/* A token of the server: in secret memory, checked by token_check(). */
struct token {
	struct secret *sk;
};

/* A copy of the bytes.  Returns 0 (token_free), ERR_FORMAT or ERR_NOMEM. */
CHECKED int token_new(const char *sk_p, size_t bytes, struct token *out);
void token_free(struct token *t);

/* Which share goes into a call, and under which nonce (NULL: none). */
struct share {
	const struct keyset *keys;
	unsigned i;
	const char *nonce;
};

/* GET sys/health: 200 active, 429 standby, 501 uninitialised, 503 sealed. */
CHECKED int api_health(struct srv *s, int *out_status);
CHECKED int api_seal_status(struct srv *s, int *out_status,
			    struct seal_status *out);
/* GET sys/init, for its error text alone. */
CHECKED int api_init_status(struct srv *s, int *out_status);
/* PUT sys/init: once, whatever comes back. */
CHECKED int api_init(struct srv *s, unsigned threshold, unsigned shares,
		     int *out_status, struct keyset *out_set);

CHECKED int api_unseal_reset(struct srv *s, int *out_status,
			     struct seal_status *out);
CHECKED int api_unseal_share(struct srv *s, const struct share *sk_share,
			     int *out_status, struct seal_status *out);

/* sys/generate-root: GET, PUT and DELETE of attempt, PUT of update. */
CHECKED int api_root_status(struct srv *s, int *out_status,
			    struct root_status *out);
CHECKED int api_root_start(struct srv *s, int *out_status,
			   struct root_status *out);
CHECKED int api_root_cancel(struct srv *s, const char *nonce, int *out_status);
CHECKED int api_root_share(struct srv *s, const struct share *sk_share,
			   int *out_status, struct root_status *out);

/* GET auth/token/lookup-self: is it alive (200), and is it a root token? */
CHECKED int api_lookup_self(struct srv *s, const struct token *t,
			    int *out_status, bool *out_root);
CHECKED int api_revoke_self(struct srv *s, const struct token *t,
			    int *out_status);

/*
 * A call with a token and (or NULL) a JSON body, repeated with back-off while
 * the server says 429, 500, 502 or 503 (an HA store answers 500 until the
 * election is over), for five seconds at most: plugins answer 500 for good.
 * Returns 0 and the last status.
 */
struct logical {
	const char *method;
	const char *path;
	const json_t *body;
};
CHECKED int api_logical(struct srv *s, const struct token *t,
			const struct logical *call, int *out_status);

#endif
