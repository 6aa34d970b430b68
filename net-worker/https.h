/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The https process: what it holds while it works, and the one way in which a
 * call is tried, judged, said and tried again.  It holds an access token and
 * no key; everything it gives out is checked again by who gets it.
 */
#ifndef SP_HTTPS_H
#define SP_HTTPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "akv.h"
#include "conf.h"
#include "err.h"
#include "http.h"
#include "imds.h"
#include "worker.h"

struct https {
	struct worker *w;
	const struct net_conf *conf;
	struct http *http;
	uint64_t random; /* state of the jitter's generator */
	unsigned said;	 /* EVENTs so far: the broker counts them too */
	unsigned noted;	 /* NOTEs so far */
	bool for_ever;	 /* store: RETRY_MS does not end anything */
	int verdict;	 /* exit code of what failed for good */
	unsigned status; /* of the last call; 0: no answer */
	bool deleted;	 /* of it: an object of that name is deleted */
	int said_why;	 /* store: what the last NOTE was about */
	bool have_bearer;
	char sk_bearer[IMDS_TOKEN_MAX + 1];
	uint8_t frame[MSG_MAX]; /* what the broker said last */
};

/* One thing to be done with a service, however often it takes. */
struct step {
	const char *what;  /* for NOTEs: "secret apm-saa-key" */
	uint64_t due_ms;   /* not before; 0: now */
	uint64_t first_ms; /* when it was first tried; 0: not yet */
	unsigned tries;
	unsigned want;	/* a status that is no surprise; 0: 200 alone */
	bool new_token; /* a 401 was answered with a new token once */
};

/* Milliseconds of CLOCK_MONOTONIC. */
uint64_t https_now_ms(void);

/* Starts a step; cannot fail. */
void step_init(struct step *s, const char *what);

/*
 * Tries once.  Returns
 *	0		status 200, the answer is in *out
 *	ERR_TRANSIENT	later: s->due_ms is set (EVENT RETRY was sent)
 *	ERR_REFUSED	another status, final: the caller judges it
 *	ERR_TIMEOUT	given up; h->verdict is set, the NOTE was sent
 * After a 401 of the vault the token is dropped: get a new one first.
 */
CHECKED int step_try(struct https *h, struct step *s,
		     const struct http_request *rq, struct http_answer *out);

/*
 * A 200 that is not what it must be: as no answer.  Returns ERR_TRANSIENT or
 * ERR_TIMEOUT as step_try() does.
 */
CHECKED int step_nonsense(struct https *h, struct step *s, enum remote remote);

/*
 * Ends a step for good: the NOTE says what was asked, of whom, and what was
 * answered; h->verdict is set to the exit code.  Returns ERR_REFUSED.
 */
int step_fail(struct https *h, const struct step *s, enum remote remote,
	      const struct http_answer *a, int code);

/* Sends an EVENT, if the budget of this process still has one. */
void https_event(struct https *h, unsigned event, uint64_t a, uint64_t b,
		 uint64_t c);

/* Sends a NOTE, if the budget of this process still has one. */
void https_note(struct https *h, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * Waits until the broker has something to say or until a time (0: as long as
 * the deadline).  Returns 0 when there is something, ERR_TRANSIENT when the
 * time has come, ERR_TIMEOUT at the deadline.
 */
CHECKED int https_wait(struct https *h, uint64_t until_ms);

/*
 * Receives ADDRS and opens the client with it.  Returns 0, or an error with
 * h->verdict set.
 */
CHECKED int https_open(struct https *h);

/*
 * Asks the metadata service for a token, if there is none.  Returns as
 * step_try() does; with ERR_REFUSED h->verdict is set.
 */
CHECKED int https_token(struct https *h, struct step *s);

/*
 * Writes, or reads, a secret.  Return 0, ERR_TRANSIENT, ERR_NOTFOUND (404
 * SecretNotFound, or a version that is disabled), or another error with
 * h->verdict set.  value takes AKV_VALUE_MAX + 1 bytes.
 */
CHECKED int https_secret_put(struct https *h, struct step *s, const char *name,
			     const char *value);
CHECKED int https_secret_get(struct https *h, struct step *s, const char *name,
			     const char *version, char *value);
/*
 * Asks when the newest version was made: Unix seconds by the service's clock,
 * and that clock's time now.  Returns as https_secret_get().
 */
CHECKED int https_secret_age(struct https *h, struct step *s, const char *name,
			     uint64_t *out_created_s, uint64_t *out_now_s);

/* What fetch alone was given before the lock. */
struct fetch_given {
	const uint8_t *log; /* TCG event log, borrowed */
	size_t log_bytes;
	uint8_t probe[32]; /* random: what the probe writes */
};

/* The whole work after START; each returns the exit code. */
int https_fetch(struct https *h, const struct fetch_given *given);
int https_store(struct https *h);
int https_poll(struct https *h);

#endif
