/* SPDX-License-Identifier: Apache-2.0 */
#include "notify.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define DRAIN_MAX   64
#define READY_BYTES 7 /* "READY=1"; RELOADING=1 is 11, STOPPING=1 is 10 */

int
notify_open(int sock_fd)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	int one = 1, fd, r;
	mode_t old;
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d/notify", sock_fd);
	memcpy(un.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -1;
	/* No chown, no chmod: a name in a directory that others write. The
	 * directory is setgid, so the group comes by itself. */
	old = umask(0117);
	r = bind(fd, (struct sockaddr *)&un, sizeof(un));
	umask(old);
	if (r == 0 &&
	    setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &one, sizeof(one)) == 0)
		return fd;
	close(fd);
	return -1;
}

void
notify_drain(struct sup *s, enum life_kind life)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(struct ucred))];
	} control;
	const struct child *srv = &s->child[SEAT_SERVER];

	/* Bounded: whoever floods it must not keep us from anything else. */
	for (int i = 0; i < DRAIN_MAX; i++) {
		struct msghdr m = {.msg_control = control.bytes,
				   .msg_controllen = sizeof(control.bytes)};
		ssize_t n =
			recvmsg(s->life[life].notify_fd, &m,
				MSG_TRUNC | MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
		struct cmsghdr *c = n < 0 ? NULL : CMSG_FIRSTHDR(&m);
		struct ucred cred;

		if (n < 0)
			return;
		if (!c || c->cmsg_level != SOL_SOCKET ||
		    c->cmsg_type != SCM_CREDENTIALS)
			continue;
		memcpy(&cred, CMSG_DATA(c), sizeof(cred));
		if (n == READY_BYTES && cred.pid == srv->pid &&
		    srv->state != CHILD_GONE)
			s->server_ready++;
	}
}
