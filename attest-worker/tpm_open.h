/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening what is stored: all of it, before anything is handed to anybody
 * (DESIGN section 3).
 */
#ifndef SP_TPM_OPEN_H
#define SP_TPM_OPEN_H

#include "exit.h"
#include "tpm_plan.h"

#define BLOBS_MAX     32u	   /* what the broker keeps (messages.def) */
#define BLOB_KEPT_MAX BUNDLE_BYTES /* nothing that can open is longer */

struct blob {
	uint8_t slot;
	uint8_t age;
	uint16_t bytes;
	uint8_t data[BLOB_KEPT_MAX];
};

struct blobs {
	unsigned count;
	struct blob blob[BLOBS_MAX];
};

/* What was opened; each is NULL where the plan has none of it. */
struct opened {
	enum action action;
	struct secret *sk_password; /* PASSWORD_SEALED bytes */
	struct secret *sk_storage;  /* STORAGE_KEY_BYTES bytes */
	struct secret *sk_set;	    /* KEYSET_BYTES bytes */
	struct bundle_seal *next;   /* the bundle to make: INIT, FRESH */
};

/*
 * Takes the body of a BLOB: uint8 slot, uint8 age, var16 bytes.  Returns 0;
 * ERR_PROTO for one that the plan does not name, a repeated one, one too
 * many, or a body that does not parse.
 */
CHECKED int blobs_add(struct blobs *b, const struct plan *p,
		      const uint8_t *body, size_t bytes);

/*
 * Opens everything.  Returns 0, or the exit code of what is wrong; out is to
 * be freed by opened_free either way.
 */
CHECKED int open_all(const struct master *m, const struct plan *p,
		     const struct blobs *b, struct opened *out);

/* Wipes and frees what is still there. */
void opened_free(struct opened *o);

#endif
