/* SPDX-License-Identifier: Apache-2.0 */
/* The installation is as it was made: root's, and nobody else writes it. */
#include <errno.h>
#include <string.h>

#include "config.h"
#include "log.h"
#include "paths.h"
#include "platform.h"

int
platform_install_ok(void)
{
	const char *bad;
	int r = paths_root_alone(SP_LIBEXECDIR "/root", true, &bad);

	if (r == 0)
		return 0;
	log_line(LOG_FAIL, NULL, "install", "%s: %s", bad,
		 r == ERR_SYS ? strerror(errno)
			      : "must belong to root and be writable by root "
				"alone");
	return EXIT_INSTALL;
}
