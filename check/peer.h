/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The other ends: processes of their own that play TPM, Azure and the server
 * for a worker.  Each has its descriptors and nothing else, and dies with the
 * check.
 */
#ifndef SP_CHECK_PEER_H
#define SP_CHECK_PEER_H

#include <openssl/ssl.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "fixture.h"

#define PEER_FDS 8

struct peer {
	int pidfd; /* -1: none */
};

/* fd[] are the peer's, from 3 on in the same order. */
typedef void peer_run(const struct fixture *f, const int *fd, unsigned count);

/*
 * Starts one; the descriptors stay the caller's too.  Returns 0 or ERR_SYS.
 */
CHECKED int peer_start(struct peer *p, peer_run *run, const struct fixture *f,
		       const int *fd, unsigned count);
/* Kills it. */
void peer_stop(struct peer *p);

/* A TPM on the stream fd[0]: the commands of one session, computed. */
peer_run fake_tpm;
/* fd[] listen: metadata (HTTP), attestation, vault, storage (TLS). */
peer_run fake_azure;
/* A name server on fd[0] (dns_socket): every name is 127.0.0.1. */
peer_run fake_dns;
/* 127.0.0.1:53, or -1. */
CHECKED int dns_socket(void);
/* A server's unix listener: fd[0] and so on are connected streams. */
peer_run fake_server;

/* --- HTTP as both of them speak it (peer_http.c) --- */

#define HTTP_MAX   (256u * 1024u)
#define HTTP_CONNS 16u

struct http_ask {
	unsigned service; /* which listener or stream it came by */
	const char *method, *path;
	const char *head; /* the header lines */
	const char *body; /* terminated */
};

struct http_reply {
	int status;
	const char *code; /* x-ms-error-code; NULL: none */
	size_t used;
	char body[HTTP_MAX];
};

typedef void http_answer(const struct http_ask *ask, struct http_reply *out);

struct http_serve {
	http_answer *answer;
	const int *fd;
	unsigned count;
	bool listening; /* fd[] are listeners, else streams */
	SSL_CTX *tls;	/* for all but service 0; NULL: nowhere */
};

/* Serves for ever. */
_Noreturn void http_serve(const struct http_serve *s);

/* Appends printf-like to the reply. */
void reply_put(struct http_reply *r, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#endif
