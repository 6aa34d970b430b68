/* SPDX-License-Identifier: Apache-2.0 */
/* What spawn() does with descriptors that are not the page's. */
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../check.h"
#include "fds.h"
#include "page.h"
#include "spawn.h"
#include "supervise.h"

static struct conf conf;
static struct sup sup;

/* Starts verify with what its page names, one number changed; to its end. */
static _Noreturn void
start(int number, bool given)
{
	const struct rlimit none = {0, 0};
	uint64_t want = page_fds(&page_verify, SEAT_VERIFY, false);
	struct spawn sp;
	int status;

	setrlimit(RLIMIT_CORE, &none);
	spawn_init(&sup, &sp, SEAT_VERIFY);
	sp.program = "/usr/bin/true";
	sp.argv[0] = (char[]){"true"};
	for (int i = 3; i < SPAWN_FDS; i++)
		if (want >> i & 1 && i != FD_READY)
			sp.fd[i] = sup.null_fd;
	if (number >= 0)
		sp.fd[number] = given ? sup.null_fd : -1;
	if (spawn(&sup, &sp) != 0 ||
	    waitpid(sup.child[SEAT_VERIFY].pid, &status, 0) < 0)
		_exit(2);
	_exit(0);
}

/* The wait status of a supervisor that does so. */
static int
ends(int number, bool given)
{
	int status = -1;
	pid_t pid = fork();

	if (pid == 0)
		start(number, given);
	return waitpid(pid, &status, 0) == pid ? status : -1;
}

static bool
traps(int status)
{
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGILL;
}

CASE(what_the_page_names_is_started)
{
	EXPECT(ends(-1, false) == 0);
}

CASE(a_descriptor_too_few_traps)
{
	EXPECT(traps(ends(FD_BROKER, false)));
	EXPECT(traps(ends(STDERR_FILENO, false)));
}

CASE(a_descriptor_too_many_traps)
{
	EXPECT(traps(ends(FD_FIRST, true)));
	EXPECT(traps(ends(SPAWN_FDS - 1, true)));
}

int
main(void)
{
	sup_init(&sup, &conf);
	sup.null_fd = open_null();
	if (conf_put(&conf, CONF_UID_VERIFY, "52104") != 0)
		return 2;
	return check_run();
}
