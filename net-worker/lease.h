/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A lease on one blob, as Azure's storage service gives it (REST, "Lease
 * Blob"): what is asked next and when, by what was answered; pure functions.
 * The lease is held from the moment its last good call was *sent*: whoever
 * counts from the answer may be late by the call's length.
 */
#ifndef SP_NET_LEASE_H
#define SP_NET_LEASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf.h"
#include "err.h"

#define LEASE_CODE 64u /* an error code of the service, with its NUL */
#define LEASE_ID   37u /* a GUID, with its NUL */

enum lease_op { LEASE_CREATE, LEASE_ACQUIRE, LEASE_RENEW, LEASE_RELEASE };

/* What an answer means. */
enum lease_said {
	LEASE_DONE,   /* what was asked for is so */
	LEASE_OTHERS, /* somebody else holds it */
	LEASE_NO_BLOB,
	LEASE_NOT_OURS, /* renew: somebody else has it, or broke it */
	LEASE_DENIED,	/* no right, or no container */
	LEASE_TOKEN,	/* the token is not taken: get another */
	LEASE_LATER,	/* no answer, or a failure that passes */
};

struct lease {
	uint32_t time_ms;  /* its length */
	uint32_t retry_ms; /* how long failures are borne before it is held */
	enum lease_op op;  /* what is asked next */
	uint64_t due_ms;   /* not before */
	uint64_t sent_ms;  /* held: when the last good call was sent */
	uint64_t bad_ms;   /* not held: since when there are failures; or 0 */
	unsigned tries;
	uint32_t after_s; /* Retry-After of what was answered last, or 0 */
	bool made;	  /* the blob was, by us or another */
	bool held;
	bool others; /* somebody else was seen to hold it */
	bool maybe;  /* an acquire was sent and not answered */
	int code;    /* exit code when it is over, else 0 */
};

/* Starts: the first thing asked for is the lease. */
void lease_init(struct lease *l, const struct net_conf *c, uint64_t now_ms);

/* Milliseconds that a call sent now may take. */
uint32_t lease_call_ms(const struct lease *l, uint64_t now_ms);

/*
 * Takes in the answer to l->op, sent at sent_ms, and l->after_s, which counts
 * while the lease is not held (a holder's life hangs on one small call);
 * random: any 32 bits.  Sets what comes next, or l->code: EXIT_LEASE_LOST,
 * EXIT_LEASE_DENIED, EXIT_STORAGE_AWAY.
 */
void lease_answer(struct lease *l, enum lease_said said, uint64_t sent_ms,
		  uint64_t now_ms, uint32_t random);

/* Says EXIT_LEASE_LOST when it is held and was not renewed in time, else 0. */
int lease_late(const struct lease *l, uint64_t now_ms);

/*
 * When a holder that did not renew must be gone, whoever ends it: later than
 * lease_late() says so, before the lease can be anybody else's.
 */
uint64_t lease_end_ms(const struct lease *l);

/* What status and error code mean as an answer to op. */
enum lease_said lease_read(enum lease_op op, unsigned status, const char *code);

/* Copies a header's value: letters and digits, or "" for anything else. */
void lease_code(const char *p, size_t bytes, char out[static LEASE_CODE]);

/* Makes a GUID (RFC 9562, version 4) of random bytes. */
void lease_id(const uint8_t random[static 16], char out[static LEASE_ID]);

#endif
