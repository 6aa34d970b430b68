/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parser of one HTTP/1.1 answer (RFC 9112), fed with bytes as they come: a
 * state machine of fixed size that makes no system call.  The body, which may
 * hold secrets, goes straight to the caller's (secret) memory.
 *
 * Stricter than the RFC lets a client be: CR LF alone ends a line, no folded
 * header, no body that ends with the connection, never both a length and
 * chunks, no second length.  Go's server, the only one spoken to, does none
 * of these.
 */
#ifndef SP_SRV_PARSE_H
#define SP_SRV_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"

#define ANSWER_LINE 1024u  /* bytes of one header line */
#define ANSWER_HEAD 16384u /* bytes of all lines that are not body */

enum answer_state {
	ANSWER_STATUS,	/* the status line */
	ANSWER_HEADER,	/* header lines */
	ANSWER_LENGTH,	/* a body of known length */
	ANSWER_SIZE,	/* chunk-size line */
	ANSWER_CHUNK,	/* chunk-data */
	ANSWER_EDGE,	/* the empty line after chunk-data */
	ANSWER_TRAILER, /* lines after the last chunk */
	ANSWER_DONE,
};

struct answer {
	enum answer_state state;
	int status; /* 200..599 */
	bool has_length;
	bool chunked;
	bool closing;	   /* the server said Connection: close */
	uint64_t left;	   /* bytes of body or chunk that are still to come */
	size_t head_bytes; /* of all lines so far */
	size_t line_bytes;
	char line[ANSWER_LINE];
	uint8_t *sk_body; /* the caller's */
	size_t body_cap;
	size_t body_bytes;
};

/* Starts an answer whose body goes to sk_body; cannot fail. */
void answer_begin(struct answer *a, uint8_t *sk_body, size_t cap);

/*
 * Eats up to `bytes`; stops behind the last byte of the answer (state is then
 * ANSWER_DONE).  Returns 0 and how many were eaten, ERR_FORMAT, or ERR_RANGE
 * when the head or the body is too long.
 */
CHECKED int answer_feed(struct answer *a, const uint8_t *p, size_t bytes,
			size_t *out_eaten);

#endif
