/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keeper's work: holds the lease of the blob that CONFIG names for as long
 * as the go pipe is open.  It has nobody to speak with: that it lives says
 * that the lease is held or waited for, two sockets that it shuts say which,
 * its exit code says why it does no longer.
 */
#ifndef SP_NET_KEEPER_H
#define SP_NET_KEEPER_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "err.h"
#include "http.h"
#include "imds.h"
#include "lease.h"

struct keeper {
	const struct net_conf *conf;
	struct http *http;
	uint64_t random; /* state of the jitter's generator */
	struct lease lease;
	timer_t timer;	   /* CLOCK_BOOTTIME, SIGKILL: see arm() */
	char id[LEASE_ID]; /* the one that we propose: an answer that is lost
			      does not lose the lease */
	bool have_bearer;
	bool refreshed; /* a 401 was answered with a new token just now */
	char sk_bearer[IMDS_TOKEN_MAX + 1];
};

/*
 * Waits for the supervisor's byte, opens the client with the addresses that
 * resolve left, works until the go pipe ends (0: the lease is given back) or
 * the lease is gone.  Returns the exit code.
 */
int keeper_run(struct keeper *k);

#endif
