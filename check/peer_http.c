/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP/1.1 for a client that is ours: whole requests, one at a time. */
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "peer.h"

struct conn {
	int fd; /* -1: free */
	unsigned service;
	SSL *ssl;
};

static struct conn conns[HTTP_CONNS];
static char request[HTTP_MAX + 1];

void
reply_put(struct http_reply *r, const char *fmt, ...)
{
	size_t room = sizeof(r->body) - r->used;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(r->body + r->used, room, fmt, ap);
	va_end(ap);
	if (n > 0)
		r->used += (size_t)n < room ? (size_t)n : room - 1;
}

static ssize_t
get(const struct conn *c, char *p, size_t n)
{
	if (c->ssl)
		return SSL_read(c->ssl, p, (int)n);
	return read(c->fd, p, n);
}

static int
put(const struct conn *c, const char *p, size_t n)
{
	while (n > 0) {
		ssize_t k = c->ssl ? SSL_write(c->ssl, p, (int)n)
				   : send(c->fd, p, n, MSG_NOSIGNAL);

		if (k <= 0)
			return ERR_SYS;
		p += k;
		n -= (size_t)k;
	}
	return 0;
}

static size_t
content_length(const char *head)
{
	const char *p = strcasestr(head, "\r\ncontent-length:");

	return p ? strtoul(p + 17, NULL, 10) : 0;
}

/* Reads one request; returns its head's length, 0 at the end. */
static size_t
read_request(const struct conn *c)
{
	size_t have = 0, want = 0, head = 0;

	while (want == 0 || have < want) {
		ssize_t n = have < HTTP_MAX
				    ? get(c, request + have, HTTP_MAX - have)
				    : -1;
		char *end;

		if (n <= 0)
			return 0;
		have += (size_t)n;
		request[have] = '\0';
		if (want != 0 || !(end = strstr(request, "\r\n\r\n")))
			continue;
		head = (size_t)(end - request) + 4;
		want = head + content_length(request);
	}
	return head;
}

static int
answer_one(const struct http_serve *s, const struct conn *c)
{
	static struct http_reply reply;
	struct http_ask ask = {.service = c->service, .method = request};
	size_t head = read_request(c);
	char top[256], *sp;
	int n;

	if (head == 0)
		return ERR_EOF;
	ask.body = request + head;
	request[head - 1] = '\0';
	ask.head = strstr(request, "\r\n");
	if (!(sp = strchr(request, ' ')))
		return ERR_FORMAT;
	*sp = '\0';
	ask.path = sp + 1;
	if (!(sp = strchr(sp + 1, ' ')))
		return ERR_FORMAT;
	*sp = '\0';
	reply.status = 200;
	reply.code = NULL;
	reply.used = 0;
	s->answer(&ask, &reply);
	n = snprintf(top, sizeof(top),
		     "HTTP/1.1 %d X\r\nContent-Type: application/json\r\n",
		     reply.status);
	if (reply.code)
		n += snprintf(top + n, sizeof(top) - (size_t)n,
			      "x-ms-error-code: %s\r\n", reply.code);
	if (reply.status != 204)
		n += snprintf(top + n, sizeof(top) - (size_t)n,
			      "Content-Length: %zu\r\n", reply.used);
	n += snprintf(top + n, sizeof(top) - (size_t)n, "\r\n");
	if (put(c, top, (size_t)n) != 0)
		return ERR_SYS;
	return put(c, reply.body, reply.status == 204 ? 0 : reply.used);
}

static void
hang_up(struct conn *c)
{
	SSL_free(c->ssl);
	close(c->fd);
	*c = (struct conn){.fd = -1};
}

static void
admit(const struct http_serve *s, int fd, unsigned service)
{
	const struct timeval limit = {.tv_sec = 30};
	struct conn *c = NULL;

	for (unsigned i = 0; i < HTTP_CONNS; i++)
		if (conns[i].fd < 0)
			c = &conns[i];
	if (fd < 0 || !c) {
		close(fd);
		return;
	}
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	*c = (struct conn){.fd = fd, .service = service};
	if (!s->tls || service == 0)
		return;
	c->ssl = SSL_new(s->tls);
	if (!c->ssl || SSL_set_fd(c->ssl, fd) != 1 || SSL_accept(c->ssl) != 1)
		hang_up(c);
}

static void
turn(const struct http_serve *s)
{
	struct pollfd p[HTTP_CONNS + PEER_FDS];
	nfds_t n = 0;

	for (unsigned i = 0; i < HTTP_CONNS; i++)
		p[n++] = (struct pollfd){.fd = conns[i].fd, .events = POLLIN};
	for (unsigned i = 0; s->listening && i < s->count; i++)
		p[n++] = (struct pollfd){.fd = s->fd[i], .events = POLLIN};
	if (poll(p, n, -1) < 0 && errno != EINTR)
		_exit(1);
	for (unsigned i = 0; i < HTTP_CONNS; i++)
		if (conns[i].fd >= 0 && p[i].revents &&
		    answer_one(s, &conns[i]) != 0)
			hang_up(&conns[i]);
	for (nfds_t i = HTTP_CONNS; i < n; i++)
		if (p[i].revents)
			admit(s, accept(p[i].fd, NULL, NULL),
			      (unsigned)(i - HTTP_CONNS));
}

_Noreturn void
http_serve(const struct http_serve *s)
{
	for (unsigned i = 0; i < HTTP_CONNS; i++)
		conns[i].fd = -1;
	for (unsigned i = 0; !s->listening && i < s->count; i++)
		admit(s, s->fd[i], 0);
	for (;;)
		turn(s);
}
