/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the two seats of prepare share: how a secret comes in (one sealed
 * message over a one-way pair) and how a file goes out (a write-only
 * descriptor of the server's tmpfs).
 */
#ifndef SP_PREPARE_H
#define SP_PREPARE_H

#include <openssl/evp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "envelope.h"
#include "secret.h"
#include "worker.h"

/*
 * Before the lock: arena of `bytes`, libcrypto without any configuration
 * file and with its secure heap (really secure, or it is a failure), the
 * envelope primed.  Returns 0 or a negative error.
 */
CHECKED int prepare_begin(size_t bytes);

/*
 * Receives a frame of `type` on a channel before the worker's deadline.
 * Returns 0, or the exit code to end with.
 */
CHECKED int prepare_expect(struct worker *w, struct channel *c, unsigned type,
			   struct frame *out_frame);

/* The one sealed message of a seat, and where it comes and goes. */
struct sealed_want {
	int fd_pub;	     /* out: our one-use public key */
	int fd_in;	     /* in: the message */
	unsigned type;	     /* MSG_SEALED_… */
	struct env_key *key; /* used up by prepare_unseal() */
	uint8_t pub[ENV_PUB];
};

/* Says SEAL_PUB to tpm.  Returns 0 or the exit code to end with. */
CHECKED int prepare_say_pub(struct worker *w, const struct sealed_want *s);

/*
 * Receives and opens the message.  Returns 0 and a new secret, or the exit
 * code to end with.
 */
CHECKED int prepare_unseal(struct worker *w, struct sealed_want *s,
			   struct secret **out_plain);

/* What a seat of prepare does, in this order. */
struct prepare_steps {
	int (*begin)(void);  /* before the lock */
	bool (*keyed)(void); /* a key comes: tainted from START on (P9) */
	int (*work)(void);   /* returns the exit code */
	void (*end)(void);   /* whatever came of it */
};

/* Runs a seat from CONFIG to the end of the process. */
_Noreturn void prepare_run(struct worker *self, const struct worker_desc *desc,
			   const struct prepare_steps *s);

/* Writes all of it to a descriptor.  Returns 0 or ERR_SYS. */
CHECKED int prepare_write(int fd, const void *sk_bytes, size_t bytes);

/* The two seats: everything from CONFIG to the end of the process. */
_Noreturn void render_seat(void);
_Noreturn void tls_seat(void);

#endif
