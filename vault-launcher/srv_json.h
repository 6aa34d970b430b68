/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads the JSON of each answer of the server into plain fields.  Pure: bytes
 * in, fields out, nothing sent.  jansson's memory is the secret arena
 * (json_secret), so is every field that holds a secret.
 */
#ifndef SP_SRV_JSON_H
#define SP_SRV_JSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "keyset.h"
#include "secret.h"

/*
 * Makes jansson allocate from the arena alone and seeds its hashing (the seed
 * would else be read at the first object, behind the filter).  Before the
 * lock, after secret_arena().  Returns 0 or ERR_SYS.
 */
CHECKED int json_secret(void);

/*
 * Parses one object (no duplicate names, nothing behind it).  Returns 0 and
 * the object (owned by the caller: json_decref) or ERR_FORMAT.
 */
CHECKED int json_object_in(const uint8_t *sk_p, size_t bytes, json_t **out);

#define SEAL_WORD 64u /* characters of a type or nonce, NUL included */

/* GET sys/seal-status, and what every PUT sys/unseal answers. */
struct seal_status {
	bool initialized;
	bool sealed;
	unsigned t; /* threshold and count: 0 before the first life */
	unsigned n;
	unsigned progress;
	char nonce[SEAL_WORD]; /* "": none */
	char type[SEAL_WORD];
	char storage[SEAL_WORD];
};

/* Returns 0 or ERR_FORMAT. */
CHECKED int read_seal_status(const uint8_t *p, size_t bytes,
			     struct seal_status *out);

/*
 * The answer of PUT sys/init: exactly `shares` shares, each in hex and the
 * same in base64, 33 bytes long (32 if there is one), and a root token.
 * Returns 0 and the set (keyset_free), ERR_FORMAT or ERR_NOMEM.
 */
CHECKED int read_init(const uint8_t *sk_p, size_t bytes, unsigned threshold,
		      unsigned shares, struct keyset *out_set);

/* sys/generate-root: status, start, update. */
struct root_status {
	bool started;
	bool complete;
	unsigned progress;
	unsigned required;
	char nonce[SEAL_WORD];
	struct secret *sk_otp;	   /* start alone, else NULL */
	struct secret *sk_encoded; /* when complete, else NULL */
};

/* Returns 0 (root_status_free), ERR_FORMAT or ERR_NOMEM. */
CHECKED int read_root(const uint8_t *sk_p, size_t bytes,
		      struct root_status *out);
void root_status_free(struct root_status *s);

/*
 * GET auth/token/lookup-self: says whether the token's policies hold "root".
 * Returns 0 or ERR_FORMAT.
 */
CHECKED int read_is_root(const uint8_t *p, size_t bytes, bool *out_root);

/* Copies the first text of {"errors":[...]}; "" when there is none. */
void read_error(const uint8_t *p, size_t bytes, char *out, size_t cap);

#endif
