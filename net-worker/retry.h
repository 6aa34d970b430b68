/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When a call is tried again: one table per remote, status and wait.  Sources:
 * the managed identity guidance for IMDS (410: updating, up to 70 s), what the
 * guest attestation client does with MAA, the throttling guidance of AKV.  The
 * keeper's calls have rules of their own (lease.h).
 */
#ifndef SP_RETRY_H
#define SP_RETRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "tags.h"

#define RETRY_AFTER_MAX                                                        \
	3600u /* seconds; what a service may ask for at most                   \
	       */

struct retry_ask {
	enum remote remote;
	unsigned status;  /* 0: no answer, or one that was not understood */
	unsigned tries;	  /* how often it was tried so far, from 1 */
	uint32_t after_s; /* Retry-After, 0 if absent; honoured if longer */
	uint32_t random;  /* any 32 bits: the wait is longer by up to 20 % */
};

/*
 * Returns true and the milliseconds to wait, or false when this answer is
 * final.
 */
bool retry_later(const struct retry_ask *ask, uint32_t *out_wait_ms);

/*
 * The next 32 bits for struct retry_ask (xorshift64, Marsaglia 2003): spreads
 * the calls of many machines, protects nothing.  state: not 0.
 */
uint32_t retry_random(uint64_t *state);

/*
 * Reads a Date value (RFC 9110 6.6.1, an IMF-fixdate alone).  Returns 0 and the
 * Unix seconds, or ERR_FORMAT.
 */
CHECKED int retry_date(const char *p, size_t bytes, uint64_t *out);

/*
 * Reads a Retry-After value (RFC 9110 10.2.3): seconds, or an IMF-fixdate
 * (RFC 9110 5.6.7) which is compared with now (Unix seconds).  Returns the
 * seconds to wait, at most RETRY_AFTER_MAX; 0 for a date in the past and for
 * everything that is neither form.
 */
uint32_t retry_after(const char *p, size_t bytes, int64_t now);

#endif
