/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server of test_server_faults.py: what a real one does not do on request.
 * The file "mode" beside the real server says what; FAULTS is their directory
 * (the plugin directory, the one place that a server may read and run).
 *
 *	exit		ends at once with 3
 *	slow SECONDS	is the real one, later
 *	flood		is the real one, beside a child that fills the log
 *	half		health 500, and sys/init 500
 *	standby		health 429: unsealed
 *	performance	health 473: another kind of node
 *	deaf		sealed; SIGTERM means nothing to it
 *	relay PORT	what comes is answered by whoever listens there, on
 *			this machine (mockvault.py); a first connection that
 *			says "BOOT" lives as long as this process
 *
 * Only what the server's policy allows: no poll, no fork(3), no sleep(3).
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static char mode[32];

static void
become(char **argv, char **envp)
{
	execve(FAULTS "/bao", argv, envp);
	_exit(4);
}

static int
open_socket(int type, const char *dir, const char *name, struct sockaddr_un *un)
{
	memset(un, 0, sizeof(*un));
	un->sun_family = AF_UNIX;
	snprintf(un->sun_path, sizeof(un->sun_path), "%s/%s", dir, name);
	return socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
}

/* The answer of one path; status and body. */
static const char *
answer(const char *request, unsigned *out_status)
{
	static const char unable[] = "{\"errors\":[\"no seal configuration\"]}";
	static const char sealed[] =
		"{\"type\":\"shamir\",\"initialized\":true,\"sealed\":true,"
		"\"t\":3,\"n\":5,\"progress\":0,\"nonce\":\"\","
		"\"version\":\"2.0.0\",\"build_date\":\"\","
		"\"migration\":false,\"recovery_seal\":false,"
		"\"storage_type\":\"pebbledb\"}";
	static const char unsealed[] =
		"{\"type\":\"shamir\",\"initialized\":true,\"sealed\":false,"
		"\"t\":3,\"n\":5,\"progress\":0,\"nonce\":\"\","
		"\"version\":\"2.0.0\",\"build_date\":\"\","
		"\"migration\":false,\"recovery_seal\":false,"
		"\"storage_type\":\"pebbledb\"}";

	*out_status = 200;
	if (!strcmp(mode, "half")) {
		*out_status = 500;
		return unable;
	}
	if (strstr(request, "/v1/sys/health")) {
		*out_status = !strcmp(mode, "standby")	     ? 429
			      : !strcmp(mode, "performance") ? 473
							     : 503;
		return "{\"initialized\":true,\"sealed\":true,"
		       "\"standby\":true,\"version\":\"2.0.0\"}";
	}
	return strcmp(mode, "deaf") != 0 ? unsealed : sealed;
}

static void
serve(int fd)
{
	char request[8192], head[128];
	size_t n = 0;

	for (;;) {
		ssize_t got = read(fd, request + n, sizeof(request) - 1 - n);
		unsigned status;
		const char *body;

		if (got <= 0)
			return;
		n += (size_t)got;
		request[n] = '\0';
		if (!strstr(request, "\r\n\r\n"))
			continue;
		body = answer(request, &status);
		n = (size_t)snprintf(head, sizeof(head),
				     "HTTP/1.1 %u X\r\nContent-Type: "
				     "application/json\r\nContent-Length: "
				     "%zu\r\n\r\n",
				     status, strlen(body));
		if (write(fd, head, n) < 0 || write(fd, body, strlen(body)) < 0)
			return;
		n = 0;
	}
}

static int
connect_out(void)
{
	struct sockaddr_in in = {.sin_family = AF_INET};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	in.sin_port = htons((uint16_t)atoi(mode + 6));
	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (connect(fd, (struct sockaddr *)&in, sizeof(in)) != 0)
		_exit(7);
	return fd;
}

/* Until one of the two ends. */
static void
relay(int client)
{
	int ends[2] = {client, connect_out()};
	int ep = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event e = {.events = EPOLLIN};
	char room[8192];

	for (int i = 0; i < 2; i++) {
		e.data.fd = i;
		epoll_ctl(ep, EPOLL_CTL_ADD, ends[i], &e);
	}
	while (syscall(SYS_epoll_pwait, ep, &e, 1, -1, NULL, 8) == 1) {
		ssize_t n = read(ends[e.data.fd], room, sizeof(room));

		if (n <= 0 || write(ends[!e.data.fd], room, (size_t)n) != n)
			break;
	}
	close(ep);
	close(ends[1]);
}

static void
end(int sig)
{
	_exit(sig == SIGTERM ? 0 : 8);
}

static void
play(const char *notify)
{
	struct sockaddr_un un;
	char dir[100];
	bool relays = !strncmp(mode, "relay ", 6);
	int api, one;

	snprintf(dir, sizeof(dir), "%s", notify);
	*strrchr(dir, '/') = '\0';
	signal(SIGTERM, relays ? end : SIG_IGN);
	if (relays && write(connect_out(), "BOOT\n", 5) != 5)
		_exit(7);
	api = open_socket(SOCK_STREAM, dir, "api.sock", &un);
	if (bind(api, (struct sockaddr *)&un, sizeof(un)) != 0 ||
	    fchmodat(AT_FDCWD, un.sun_path, 0660, 0) != 0 ||
	    listen(api, 8) != 0)
		_exit(5);
	one = open_socket(SOCK_DGRAM, dir, "notify", &un);
	if (sendto(one, "READY=1", 7, 0, (struct sockaddr *)&un, sizeof(un)) !=
	    7)
		_exit(6);
	for (;;) {
		int fd = accept4(api, NULL, NULL, SOCK_CLOEXEC);

		if (relays)
			relay(fd);
		else
			serve(fd);
		close(fd);
	}
}

int
main(int argc, char **argv, char **envp)
{
	static const char line[] = "nobody asked for this line\n";
	struct timespec later = {0};
	int fd = open(FAULTS "/mode", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, mode, sizeof(mode) - 1);

	(void)argc;
	if (n <= 0 || !strcmp(mode, "exit"))
		_exit(3);
	if (!strncmp(mode, "slow ", 5)) {
		later.tv_sec = atoi(mode + 5);
		syscall(SYS_nanosleep, &later, NULL);
		become(argv, envp);
	}
	if (!strcmp(mode, "flood")) {
		if (syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL) != 0)
			become(argv, envp);
		while (write(2, line, sizeof(line) - 1) > 0)
			;
		_exit(0);
	}
	play(getenv("NOTIFY_SOCKET"));
}
