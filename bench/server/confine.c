/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The filters that lie below the server's own when the supervisor starts it:
 * the supervisor's, then the outer one.  confine PROGRAM ARGUMENTS…
 */
#include <sys/prctl.h>
#include <unistd.h>

#include "filter.h"

int
main(int argc, char **argv)
{
	if (argc < 2 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
	    filter_install(&filter_supervisor) != 0 ||
	    filter_install(&filter_outer_net) != 0)
		return 1;
	execv(argv[1], argv + 1);
	return 1;
}
