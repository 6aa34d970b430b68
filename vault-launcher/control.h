/* SPDX-License-Identifier: Apache-2.0 */
/*
 * control: the one that talks to the server.  It has one connected unix
 * stream, which the supervisor opened and whose peer it checked, and for two
 * of its seats a pair of one-way channels to tpm.  It has no network, no file
 * and, after START, no way to say more than its table's ciphertexts and an
 * exit code.
 *
 *	look	is the store initialised?  Holds nothing.
 *	init	initialises it; holds the key set until it is sealed.
 *	unseal	unseals, proves, configures; holds shares and root tokens.
 */
#ifndef SP_CONTROL_H
#define SP_CONTROL_H

#include <stdbool.h>
#include <stdint.h>

#include "channel.h"
#include "envelope.h"
#include "jwe.h"
#include "keyset.h"
#include "srv_api.h"
#include "worker.h"

struct control {
	struct worker *w;
	struct srv srv;
	struct channel pub;	 /* unseal: to tpm; init: from tpm */
	struct channel sealed;	 /* unseal: from tpm; init: to tpm */
	char storage[SEAL_WORD]; /* look, init: what the server must run on */
	uint32_t shares;	 /* init */
	uint32_t threshold;	 /* init */
	struct jwe_key *operator_key; /* unseal; NULL: none */
	bool revoke_root;	      /* unseal: no operator key, revoke it */
};

/* The three lives.  Each returns the exit code; all holdings are given back. */
int control_look(struct control *c);
int control_init(struct control *c);
int control_unseal(struct control *c);

/* Room for the largest frame that comes over a pair, and one byte more. */
struct inbox {
	uint8_t packet[MSG_HEADER + KEYSET_BYTES + ENV_OVERHEAD + 1];
	struct frame frame; /* a view into it */
};

/*
 * Waits for one frame of that type until the deadline.  Returns 0 and the
 * frame, ERR_TIMEOUT, or the error of channel_expect().
 */
CHECKED int control_recv(struct control *c, struct channel *from, unsigned type,
			 struct inbox *in);

/* The exit code for an error: DEADLINE, PROTOCOL, INTERNAL, or `otherwise`. */
int control_code(int r, int otherwise);

/*
 * Proves by one generate-root that the shares belong to the running server
 * (DESIGN, "A 200 is no proof").  Returns 0 and its root token (token_free),
 * ERR_NOTFOUND when this server generates none (OpenBao by default, Vault
 * from 2.0), ERR_MISMATCH when the shares are not its own or somebody else
 * interferes, or the error of the connection.
 */
CHECKED int control_prove(struct srv *s, const struct keyset *k,
			  struct token *out_token);

/*
 * XORs the unpadded base64 with the one-time pad, byte by byte.  Returns 0
 * and the token (token_free), ERR_FORMAT or ERR_NOMEM.
 */
CHECKED int prove_decode(struct secret *sk_encoded, struct secret *sk_otp,
			 struct token *out_token);

/*
 * Revokes a token by itself and looks that it is dead (403).  Returns 0,
 * ERR_MISMATCH when it is not, or the error of the connection.
 */
CHECKED int control_revoke(struct srv *s, const struct token *t);

#endif
