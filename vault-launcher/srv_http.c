/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The connection.  Its system calls: poll, sendto, recvfrom (clock_gettime is
 * the vDSO's).  libcurl cannot do this: it does not take a connected socket
 * of this kind (DESIGN section 5, "A 200 is no proof").
 */
#include "srv_http.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "clock.h"
#include "srv_parse.h"

#define HEAD_MAX 2048u	/* bytes of a request before its body */
#define RAW_MAX	 16384u /* bytes read at once */

uint32_t
srv_left_ms(const struct srv *s)
{
	uint64_t now = clock_ms(CLOCK_MONOTONIC);

	if (now >= s->end_ms)
		return 0;
	return s->end_ms - now > INT32_MAX ? INT32_MAX
					   : (uint32_t)(s->end_ms - now);
}

int
srv_open(struct srv *s, int fd, uint32_t left_ms)
{
	int r;

	*s = (struct srv){.fd = fd,
			  .end_ms = clock_ms(CLOCK_MONOTONIC) + left_ms};
	if ((r = secret_new(HEAD_MAX + SRV_BODY, &s->sk_out)) != 0)
		goto out;
	if ((r = secret_new(RAW_MAX, &s->sk_raw)) != 0)
		goto out;
	r = secret_new(SRV_BODY, &s->sk_body);
out:
	if (r != 0)
		srv_close(s);
	return r;
}

void
srv_close(struct srv *s)
{
	secret_free(s->sk_out);
	secret_free(s->sk_raw);
	secret_free(s->sk_body);
	*s = (struct srv){.fd = -1, .dead = true};
}

int
srv_pause(const struct srv *s, uint32_t ms)
{
	uint32_t left = srv_left_ms(s);

	if (left <= ms)
		return ERR_TIMEOUT;
	/* nanosleep would be one call more in the policy */
	if (poll(NULL, 0, (int)ms) < 0 && errno != EINTR)
		return ERR_SYS;
	return 0;
}

/* Waits until the socket is ready for `events`. */
static int
ready(const struct srv *s, short events)
{
	struct pollfd p = {.fd = s->fd, .events = events};
	int n;

	for (;;) {
		uint32_t left = srv_left_ms(s);

		if (left == 0)
			return ERR_TIMEOUT;
		n = poll(&p, 1, (int)left);
		if (n > 0)
			return 0;
		if (n < 0 && errno != EINTR)
			return ERR_SYS;
	}
}

static int
send_all(const struct srv *s, const uint8_t *p, size_t bytes)
{
	while (bytes > 0) {
		ssize_t n;
		int r;

		if ((r = ready(s, POLLOUT)) != 0)
			return r;
		n = send(s->fd, p, bytes, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && errno != EINTR && errno != EAGAIN)
			return errno == EPIPE || errno == ECONNRESET ? ERR_EOF
								     : ERR_SYS;
		if (n > 0) {
			p += n;
			bytes -= (size_t)n;
		}
	}
	return 0;
}

/* Reads what is there, at least one byte.  ERR_EOF at the end. */
static int
recv_some(const struct srv *s, size_t *out_bytes)
{
	ssize_t n;
	int r;

	do {
		if ((r = ready(s, POLLIN)) != 0)
			return r;
		n = recv(s->fd, secret_bytes(s->sk_raw), RAW_MAX, MSG_DONTWAIT);
	} while (n < 0 && (errno == EINTR || errno == EAGAIN));
	if (n < 0)
		return errno == ECONNRESET ? ERR_EOF : ERR_SYS;
	if (n == 0)
		return ERR_EOF;
	*out_bytes = (size_t)n;
	return 0;
}

/* Only what our own paths are made of: nothing can end the request line. */
static int
path_check(const char *path)
{
	size_t n = strnlen(path, SRV_PATH_MAX);

	if (n == 0 || n == SRV_PATH_MAX)
		return ERR_RANGE;
	if (strspn(path, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
			 "0123456789/-._~@?=%+:") != n)
		return ERR_RANGE;
	return 0;
}

/* X-Vault-Request: a listener may demand it, and no browser sends it. */
static int
put_head(struct srv *s, const struct srv_req *q, size_t *out_bytes)
{
	char *out = (char *)secret_bytes(s->sk_out);
	int n;

	if (path_check(q->path) != 0 || q->body_bytes > SRV_BODY)
		return ERR_RANGE;
	if (q->token_bytes > HEAD_MAX / 2)
		return ERR_RANGE;
	n = snprintf(out, HEAD_MAX,
		     "%s /v1/%s HTTP/1.1\r\n"
		     "Host: localhost\r\n"
		     "X-Vault-Request: true\r\n"
		     "%s%.*s%s"
		     "Content-Length: %zu\r\n"
		     "\r\n",
		     q->method, q->path, q->sk_token ? "X-Vault-Token: " : "",
		     q->sk_token ? (int)q->token_bytes : 0,
		     q->sk_token ? q->sk_token : "", q->sk_token ? "\r\n" : "",
		     q->body_bytes);
	if (n < 0 || (size_t)n >= HEAD_MAX)
		return ERR_RANGE;
	*out_bytes = (size_t)n;
	return 0;
}

static int
send_request(struct srv *s, const struct srv_req *q)
{
	uint8_t *out = secret_bytes(s->sk_out);
	size_t head;
	int r;

	if ((r = put_head(s, q, &head)) != 0)
		return r;
	if (q->body_bytes > 0)
		memcpy(out + head, q->sk_body, q->body_bytes);
	r = send_all(s, out, head + q->body_bytes);
	wipe(out, head + q->body_bytes);
	if (r != 0)
		s->dead = true;
	return r;
}

static int
recv_answer(struct srv *s, int *out_status)
{
	struct answer a;
	size_t got = 0, eaten;
	int r = ERR_PROTO;

	wipe(secret_bytes(s->sk_body), s->body_bytes);
	s->body_bytes = 0;
	answer_begin(&a, secret_bytes(s->sk_body), SRV_BODY);
	while (a.state != ANSWER_DONE) {
		if ((r = recv_some(s, &got)) != 0)
			break;
		r = answer_feed(&a, secret_bytes(s->sk_raw), got, &eaten);
		/* more than one answer to one question: nobody's */
		if (r == 0 && eaten != got)
			r = ERR_PROTO;
		wipe(secret_bytes(s->sk_raw), got);
		if (r != 0)
			break;
	}
	s->body_bytes = a.body_bytes;
	s->dead = r != 0 || a.closing;
	if (r == 0)
		*out_status = a.status;
	return r;
}

/* Nothing may be there to read before we asked. */
static int
is_quiet(const struct srv *s)
{
	struct pollfd p = {.fd = s->fd, .events = POLLIN};

	return poll(&p, 1, 0) == 0;
}

int
srv_call(struct srv *s, const struct srv_req *q, int *out_status)
{
	int r;

	if (s->dead)
		return ERR_EOF;
	if (!is_quiet(s)) {
		s->dead = true;
		return ERR_EOF;
	}
	if ((r = send_request(s, q)) != 0)
		return r;
	return recv_answer(s, out_status);
}
