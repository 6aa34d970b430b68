/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP/1.1 over the one connected unix stream that the supervisor made and
 * checked: one request, one answer, again.  What is sent and what comes back
 * is in secret memory, whatever it holds.  Nothing is ever sent twice here:
 * a caller that may repeat a call does so itself.
 */
#ifndef SP_SRV_HTTP_H
#define SP_SRV_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "secret.h"

#define SRV_BODY     (128u * 1024u) /* bytes of the largest body, each way */
#define SRV_PATH_MAX 512u	    /* characters of a path, NUL included */

struct srv {
	int fd;		 /* borrowed */
	uint64_t end_ms; /* CLOCK_MONOTONIC: when all of this must be over */
	bool dead;	 /* the connection cannot be used any more */
	struct secret *sk_out;
	struct secret *sk_raw;
	struct secret *sk_body; /* of the last answer */
	size_t body_bytes;
};

/* One request.  The token may be NULL; a body of NULL sends none. */
struct srv_req {
	const char *method; /* GET, PUT, POST, DELETE */
	const char *path;   /* "sys/health": without /v1/ */
	const char *sk_token;
	size_t token_bytes;
	const void *sk_body; /* JSON */
	size_t body_bytes;
};

/*
 * Starts over a connected stream; everything must be over in left_ms.  Takes
 * its buffers from the secret arena.  Returns 0 (ended by srv_close) or
 * ERR_NOMEM.
 */
CHECKED int srv_open(struct srv *s, int fd, uint32_t left_ms);
/* Wipes and gives back the buffers; the descriptor stays. */
void srv_close(struct srv *s);

/*
 * Sends a request and reads the answer.  Returns 0 and the status, with the
 * body in s->sk_body (s->body_bytes of it) until the next call; ERR_RANGE
 * when the request does not fit or its path holds a byte that no path of ours
 * has; ERR_TIMEOUT; ERR_EOF when the server hung up; ERR_FORMAT, ERR_RANGE or
 * ERR_PROTO for an answer that is none; ERR_SYS.  After any error but that
 * first ERR_RANGE the connection is dead: every later call is ERR_EOF.
 */
CHECKED int srv_call(struct srv *s, const struct srv_req *q, int *out_status);

/* Milliseconds until the end; 0 when it is past. */
uint32_t srv_left_ms(const struct srv *s);

/* Waits that long.  Returns 0, or ERR_TIMEOUT when the end comes first. */
CHECKED int srv_pause(const struct srv *s, uint32_t ms);

#endif
