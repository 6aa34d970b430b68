/* SPDX-License-Identifier: Apache-2.0 */
/* The connection: what is sent, and what a bad peer leads to. */
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../check.h"
#include "srv_http.h"

#define HELLO "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"

struct rig {
	struct srv s;
	int ours; /* the client's end */
	int theirs;
};

static void
begin(struct rig *g, uint32_t left_ms)
{
	static int made;
	enum secret_kind kind;
	int p[2];

	if (!made && secret_arena(1024 * 1024, &kind) != 0)
		abort();
	made = 1;
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, p) != 0)
		abort();
	g->ours = p[0];
	g->theirs = p[1];
	if (srv_open(&g->s, g->ours, left_ms) != 0)
		abort();
}

static void
end(struct rig *g)
{
	srv_close(&g->s);
	close(g->ours);
	if (g->theirs >= 0)
		close(g->theirs);
}

/* A peer that waits for a request, then says `text` and stays or leaves. */
static pid_t
answer_with(struct rig *g, const char *text, size_t bytes, int stay)
{
	char buf[4096];
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	close(g->ours);
	if (read(g->theirs, buf, sizeof(buf)) <= 0)
		_exit(1);
	while (bytes > 0) {
		ssize_t n = write(g->theirs, text, bytes);

		if (n <= 0)
			_exit(1);
		text += n;
		bytes -= (size_t)n;
	}
	if (stay)
		pause();
	_exit(0);
}

static int
call(struct rig *g, const char *text, int stay, int *status)
{
	const struct srv_req q = {.method = "GET", .path = "sys/health"};
	pid_t pid = answer_with(g, text, strlen(text), stay);
	int r;

	close(g->theirs);
	g->theirs = -1;
	r = srv_call(&g->s, &q, status);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return r;
}

CASE(sends_exactly_this_and_reads_the_answer)
{
	static const char want[] = "PUT /v1/sys/unseal HTTP/1.1\r\n"
				   "Host: localhost\r\n"
				   "X-Vault-Request: true\r\n"
				   "X-Vault-Token: tok\r\n"
				   "Content-Length: 2\r\n\r\n{}";
	const struct srv_req q = {.method = "PUT",
				  .path = "sys/unseal",
				  .sk_token = "token",
				  .token_bytes = 3,
				  .sk_body = "{}",
				  .body_bytes = 2};
	char buf[512] = "";
	struct rig g;
	int status = 0;
	pid_t pid;

	begin(&g, 5000);
	if ((pid = fork()) == 0) {
		ssize_t n = read(g.theirs, buf, sizeof(buf));
		int bad = n != (ssize_t)strlen(want) ||
			  memcmp(buf, want, strlen(want)) != 0;

		if (write(g.theirs, HELLO, strlen(HELLO)) < 0)
			bad = 2;
		_exit(bad);
	}
	EXPECT(srv_call(&g.s, &q, &status) == 0 && status == 200);
	EXPECT(g.s.body_bytes == 5);
	EXPECT(memcmp(secret_bytes(g.s.sk_body), "hello", 5) == 0);
	waitpid(pid, &status, 0);
	EXPECT(status == 0);
	end(&g);
}

CASE(leaves_nothing_of_a_request_behind)
{
	struct rig g;
	int status, dirty = 0;

	begin(&g, 5000);
	EXPECT(call(&g, HELLO, 1, &status) == 0);
	for (size_t i = 0; i < secret_size(g.s.sk_out); i++)
		dirty |= secret_bytes(g.s.sk_out)[i];
	for (size_t i = 0; i < secret_size(g.s.sk_raw); i++)
		dirty |= secret_bytes(g.s.sk_raw)[i];
	EXPECT(dirty == 0);
	end(&g);
}

CASE(refuses_paths_that_could_end_the_request_line)
{
	static const char *const bad[] = {"",	  "a b",   "a\r\nX: y",
					  "a\tb", "a#b",   "a\\b",
					  "a\"b", "a\x80", "a{b"};
	char longest[SRV_PATH_MAX + 1];
	struct rig g;
	int status;

	begin(&g, 5000);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		const struct srv_req q = {.method = "GET", .path = bad[i]};

		EXPECT(srv_call(&g.s, &q, &status) == ERR_RANGE);
	}
	memset(longest, 'a', sizeof(longest));
	longest[SRV_PATH_MAX] = '\0';
	EXPECT(srv_call(&g.s,
			&(struct srv_req){.method = "GET", .path = longest},
			&status) == ERR_RANGE);
	EXPECT(!g.s.dead);
	{
		struct pollfd p = {.fd = g.theirs, .events = POLLIN};

		EXPECT(poll(&p, 1, 0) == 0); /* nothing was sent */
	}
	end(&g);
}

CASE(refuses_bodies_and_tokens_that_do_not_fit)
{
	struct srv_req q = {.method = "PUT", .path = "a", .sk_body = "x"};
	struct rig g;
	int status;

	begin(&g, 5000);
	q.body_bytes = SRV_BODY + 1;
	EXPECT(srv_call(&g.s, &q, &status) == ERR_RANGE);
	q.body_bytes = 0;
	q.sk_token = "x";
	q.token_bytes = 4096;
	EXPECT(srv_call(&g.s, &q, &status) == ERR_RANGE);
	end(&g);
}

CASE(a_peer_that_leaves_is_the_end_of_it)
{
	const struct srv_req q = {.method = "GET", .path = "a"};
	struct rig g;
	int status = -1;

	begin(&g, 5000);
	EXPECT(call(&g, "HTTP/1.1 200 OK\r\nContent-Le", 0, &status) ==
	       ERR_EOF);
	EXPECT(status == -1 && g.s.dead);
	EXPECT(srv_call(&g.s, &q, &status) == ERR_EOF);
	end(&g);

	begin(&g, 5000);
	close(g.theirs);
	g.theirs = -1;
	EXPECT(srv_call(&g.s, &q, &status) == ERR_EOF);
	end(&g);
}

CASE(a_peer_that_says_nothing_is_a_timeout)
{
	struct rig g;
	int status;

	begin(&g, 100);
	EXPECT(call(&g, "HTTP/1.1 200 OK\r\n", 1, &status) == ERR_TIMEOUT);
	EXPECT(g.s.dead && srv_left_ms(&g.s) == 0);
	EXPECT(srv_pause(&g.s, 1) == ERR_TIMEOUT);
	end(&g);
}

CASE(a_peer_that_does_not_read_is_a_timeout)
{
	static char big[SRV_BODY];
	const struct srv_req q = {.method = "PUT",
				  .path = "a",
				  .sk_body = big,
				  .body_bytes = sizeof(big)};
	struct rig g;
	int small = 4096, status;

	begin(&g, 100);
	setsockopt(g.ours, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
	EXPECT(srv_call(&g.s, &q, &status) == ERR_TIMEOUT);
	end(&g);
}

CASE(an_answer_that_nobody_asked_for_is_refused)
{
	const struct srv_req q = {.method = "GET", .path = "a"};
	struct rig g;
	int status;

	begin(&g, 5000);
	EXPECT(call(&g, HELLO HELLO, 1, &status) == ERR_PROTO);
	EXPECT(g.s.dead);
	end(&g);

	begin(&g, 5000); /* before the question */
	EXPECT(write(g.theirs, HELLO, strlen(HELLO)) > 0);
	EXPECT(srv_call(&g.s, &q, &status) == ERR_EOF && g.s.dead);
	end(&g);
}

CASE(a_connection_that_closes_takes_no_second_call)
{
	const struct srv_req q = {.method = "GET", .path = "a"};
	struct rig g;
	int status = 0;

	begin(&g, 5000);
	EXPECT(call(&g,
		    "HTTP/1.1 400 x\r\nConnection: close\r\n"
		    "Content-Length: 0\r\n\r\n",
		    1, &status) == 0 &&
	       status == 400);
	EXPECT(srv_call(&g.s, &q, &status) == ERR_EOF);
	end(&g);
}

CASE(takes_the_largest_body_and_no_larger)
{
	static char text[SRV_BODY + 100];
	int over;

	for (over = 0; over < 2; over++) {
		struct rig g;
		int status, r, n;

		n = snprintf(text, sizeof(text),
			     "HTTP/1.1 200 OK\r\nContent-Length: %u\r\n\r\n",
			     SRV_BODY + (unsigned)over);
		memset(text + n, 'x', SRV_BODY);
		text[(size_t)n + SRV_BODY] = '\0';
		begin(&g, 5000);
		r = call(&g, text, 1, &status);
		EXPECT(r == (over ? ERR_RANGE : 0));
		EXPECT(g.s.body_bytes == (over ? 0 : SRV_BODY));
		end(&g);
	}
}

int
main(void)
{
	return check_run();
}
