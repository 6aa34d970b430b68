/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sallyport-exec: the last step of the server's process before it becomes the
 * server.  The supervisor did the rest (uid, namespaces, root, capabilities,
 * outer filter); what must not stand in its own way is done here.
 *
 *   must come before                    because
 *   Landlock before rlimits             its ruleset is a descriptor
 *   filter last                         it takes what is used above
 *
 * Static, and out of the root it is started in: no library of ours lies where
 * the server lives.  It holds no secret.  Whatever fails, it says LOCK.
 */
#include <limits.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "channel.h"
#include "exec_landlock.h"
#include "exit.h"
#include "fds.h"
#include "page.h"
#include "tags.h"

#ifndef PR_SET_MDWE /* prctl(2), Linux 6.3; younger than glibc 2.36 */
#define PR_SET_MDWE		 65
#define PR_MDWE_REFUSE_EXEC_GAIN 1
#endif
#define CLOSE_ON_EXEC (1u << 2) /* CLOSE_RANGE_CLOEXEC */

#define WORDS_MAX 64u /* arguments; variables */

static uint8_t packet[MSG_MAX]; /* CONFIG as it came */
static char text[MSG_MAX];	/* its strings, terminated */
static char *argv_new[WORDS_MAX + 1];
static char *envp_new[WORDS_MAX + 1];

/* One CONFIG frame, and nobody who could send a second. */
static int
read_config(struct items *out)
{
	struct channel c;
	struct frame f;
	uint8_t more;

	channel_init(&c, FD_CONFIG, SEAT_SERVER, SEAT_SUPERVISOR);
	if (channel_expect(&c, MSG_CONFIG, packet, sizeof(packet), &f) != 0 ||
	    recv(FD_CONFIG, &more, 1, 0) != 0)
		return ERR_LOCK;
	return items_open(f.body, f.body_bytes, out);
}

/* A list of items as the array that execve(2) wants. */
static int
words(const struct items *config, unsigned tag, char **out, size_t *used)
{
	unsigned n = items_count(config, tag);

	if (n > WORDS_MAX)
		return ERR_LOCK;
	for (unsigned i = 0; i < n; i++) {
		if (items_str(config, tag, i, text + *used,
			      sizeof(text) - *used) != 0)
			return ERR_LOCK;
		out[i] = text + *used;
		*used += strlen(out[i]) + 1;
	}
	return 0;
}

static int
process(void)
{
	umask(077);
	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
		return ERR_LOCK;
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 ||
	    prctl(PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN, 0, 0, 0) != 0)
		return ERR_LOCK;
	/* the ready pipe closes, and so says that the server runs */
	return syscall(SYS_close_range, FD_BROKER, ~0u, CLOSE_ON_EXEC) == 0
		       ? 0
		       : ERR_LOCK;
}

int
main(void)
{
	char program[PATH_MAX];
	struct items config;
	size_t used = 0;

	if (process() != 0 || read_config(&config) != 0)
		return EXIT_LOCK;
	if (items_str(&config, X_PROGRAM, 0, program, sizeof(program)) != 0 ||
	    program[0] != '/' || words(&config, X_ARG, argv_new, &used) != 0 ||
	    !argv_new[0] || words(&config, X_ENV, envp_new, &used) != 0)
		return EXIT_LOCK;
	if (exec_landlock(&config) != 0)
		return EXIT_LOCK;
	if (page_limits(&page_vault_server, SEAT_SERVER) != 0 ||
	    filter_install(page_vault_server.inner) != 0)
		return EXIT_LOCK;
	execve(program, argv_new, envp_new);
	return EXIT_SERVER_GONE;
}
