/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One HTTP client on one reused libcurl handle: to three remotes, by the
 * addresses of ADDRS and the ports of CONFIG and to nowhere else, with the
 * roots that were read before the lock.  No redirect, no proxy, no cookie, no
 * name lookup, no file, no signal; TLS 1.2 or younger; an answer is bounded
 * while it comes.
 */
#ifndef SP_NET_HTTP_H
#define SP_NET_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "addrs.h"
#include "conf.h"
#include "err.h"

#define HTTP_BODY_MAX	(64u * 1024u) /* longest answer that is read */
#define HTTP_ERROR_MAX	(16u * 1024u) /* of it, when the status is not 200 */
#define HTTP_HEADER_MAX (32u * 1024u) /* all header lines of one answer */
#define HTTP_PATH_MAX	8192u

struct http; /* one per process */

/*
 * Initialises libcurl and its TLS library and runs one dummy round that never
 * leaves the process, so that nothing is loaded or opened after the lock.
 * roots: PEM, kept by reference.  Returns 0 and the one client, or ERR_SYS.
 */
CHECKED int http_prime(const struct net_conf *conf, const void *roots,
		       size_t roots_bytes, struct http **out_http);

/*
 * Opens the handle, after START; from here on only these addresses exist.
 * Returns 0, ERR_NOTFOUND when a remote of CONFIG has none, or ERR_SYS.
 */
CHECKED int http_open(struct http *h, const struct addrs *addrs);

struct http_request {
	enum remote remote;
	const char *method; /* "GET", "POST", "PUT" */
	const char *path;   /* from the slash, with the query */
	const char *body;   /* JSON, or NULL */
	size_t body_bytes;
	const char *sk_bearer; /* token, or NULL */
	size_t max_bytes;      /* longest 200 that is read */
	bool json;	       /* the service promises JSON: demand its type */
	const char *const *more; /* further header lines, then NULL; or NULL */
};

struct http_answer {
	unsigned status;  /* 100..599, or 0: no (whole, bounded) answer */
	const char *body; /* NUL behind it; valid until the next call */
	size_t bytes;
	uint32_t after_s; /* Retry-After, 0 if absent */
	uint64_t date_s;  /* the service's clock (Date), 0 if absent */
	bool final;	  /* no answer, and another try makes no sense */
	const char *why;  /* status 0: what went wrong, fit to be shown */
	const char *code; /* x-ms-error-code, "" if absent */
};

/*
 * Makes one call of at most left_ms milliseconds.  Cannot fail: what went
 * wrong is in the answer.  A 200 that is too long or of the wrong type is
 * status 0.
 */
void http_call(struct http *h, const struct http_request *rq, uint32_t left_ms,
	       struct http_answer *out);

#endif
