/* SPDX-License-Identifier: Apache-2.0 */
/* The network: ports that are not its own, ways past Landlock's ports. */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <linux/netlink.h>
#include <linux/vm_sockets.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "evil.h"

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif

static struct sockaddr_in
here(unsigned port)
{
	return (struct sockaddr_in){.sin_family = AF_INET,
				    .sin_port = htons((uint16_t)port),
				    .sin_addr = {htonl(INADDR_LOOPBACK)}};
}

static int
tcp_connect(unsigned port, int type, int protocol)
{
	struct sockaddr_in a = here(port);
	int fd = socket(AF_INET, type, protocol);

	if (fd < 0)
		return errno;
	return evil_result(connect(fd, (struct sockaddr *)&a, sizeof(a)));
}

static int
tcp_named(const struct world *w)
{
	return tcp_connect(w->port, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_TCP);
}

static int
tcp_other(const struct world *w)
{
	return tcp_connect(w->other, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_TCP);
}

/* As resolve's own filter lets it make one. */
static int
tcp_other_plain(const struct world *w)
{
	return tcp_connect(w->other, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

static int
mptcp_other(const struct world *w)
{
	return tcp_connect(w->other, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_MPTCP);
}

/* A send that connects: no connect(2), so no hook of Landlock's. */
static int
fast_open(const struct world *w, int protocol)
{
	struct sockaddr_in a = here(w->other);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, protocol);

	if (fd < 0)
		return errno;
	return evil_result(sendto(fd, "x", 1, MSG_FASTOPEN | MSG_NOSIGNAL,
				  (struct sockaddr *)&a, sizeof(a)));
}

static int
fast_open_sendto(const struct world *w)
{
	return fast_open(w, IPPROTO_TCP);
}

/* glibc's resolver sends by sendmmsg(2): the same flag there. */
static int
fast_open_sendmmsg(const struct world *w)
{
	struct sockaddr_in a = here(w->other);
	struct iovec iov = {(char[]){'x'}, 1};
	struct mmsghdr m = {.msg_hdr = {.msg_name = &a,
					.msg_namelen = sizeof(a),
					.msg_iov = &iov,
					.msg_iovlen = 1}};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return errno;
	return evil_result(sendmmsg(fd, &m, 1, MSG_FASTOPEN | MSG_NOSIGNAL));
}

static int
fast_open_option(const struct world *w)
{
	struct sockaddr_in a = here(w->other);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_TCP);
	int one = 1;

	if (fd < 0 || setsockopt(fd, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, &one,
				 sizeof(one)) != 0)
		return errno;
	return evil_result(connect(fd, (struct sockaddr *)&a, sizeof(a)));
}

static int
udp_send(const struct world *w)
{
	struct sockaddr_in a = here(w->other);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return errno;
	return evil_result(sendto(fd, "x", 1, MSG_NOSIGNAL,
				  (struct sockaddr *)&a, sizeof(a)));
}

static int
tcp_listen(const struct world *w)
{
	struct sockaddr_in a = here(0);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_TCP);

	if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof(a)) != 0)
		return errno;
	return evil_result(listen(fd, 1));
}

static int
of_family(int family, int type, int protocol)
{
	return evil_result(socket(family, type, protocol));
}

static int
raw_socket(const struct world *w)
{
	return of_family(AF_INET, SOCK_RAW, IPPROTO_ICMP);
}

static int
packet_socket(const struct world *w)
{
	return of_family(AF_PACKET, SOCK_RAW, 0);
}

static int
netlink_socket(const struct world *w)
{
	return of_family(AF_NETLINK, SOCK_RAW, NETLINK_KOBJECT_UEVENT);
}

static int
vsock_socket(const struct world *w)
{
	return of_family(AF_VSOCK, SOCK_STREAM, 0);
}

static int
crypto_socket(const struct world *w)
{
	return of_family(AF_ALG, SOCK_SEQPACKET, 0);
}

static int
unix_connect(struct sockaddr_un *un, socklen_t bytes)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return errno;
	return evil_result(connect(fd, (struct sockaddr *)un, bytes));
}

static int
unix_path(const struct world *w)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};

	snprintf(un.sun_path, sizeof(un.sun_path), "%s/api.sock", w->dir);
	return unix_connect(&un, sizeof(un));
}

static int
unix_abstract(const struct world *w)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	int n = snprintf(un.sun_path + 1, sizeof(un.sun_path) - 1, "evil");

	return unix_connect(&un,
			    (socklen_t)(sizeof(sa_family_t) + 1 + (size_t)n));
}

static int
socket_pair(const struct world *w)
{
	int p[2];

	return evil_result(
		socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, p));
}

const struct try tries_net[] = {
	{"tcp-named-port", tcp_named},
	{"tcp-other-port", tcp_other},
	{"tcp-other-port-plain", tcp_other_plain},
	{"mptcp-other-port", mptcp_other},
	{"fast-open", fast_open_sendto},
	{"fast-open-many", fast_open_sendmmsg},
	{"fast-open-option", fast_open_option},
	{"udp", udp_send},
	{"tcp-listen", tcp_listen},
	{"raw-socket", raw_socket},
	{"packet-socket", packet_socket},
	{"netlink-socket", netlink_socket},
	{"vsock", vsock_socket},
	{"af-alg", crypto_socket},
	{"unix-path", unix_path},
	{"unix-abstract", unix_abstract},
	{"socketpair", socket_pair},
	{NULL, NULL},
};
