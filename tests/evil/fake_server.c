/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A server that says READY=1 and does nothing else, whatever its uid can read:
 * so that the gate is what refuses it.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int
main(void)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	const char *path = getenv("NOTIFY_SOCKET");
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (!path || strlen(path) >= sizeof(un.sun_path))
		return 1;
	memcpy(un.sun_path, path, strlen(path) + 1);
	if (sendto(fd, "READY=1", 7, 0, (struct sockaddr *)&un, sizeof(un)) !=
	    7)
		return 1;
	for (;;)
		pause();
}
