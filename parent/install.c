/* SPDX-License-Identifier: Apache-2.0 */
/* The installation is as it was made: root's, and nobody else writes it. */
#include <errno.h>
#include <ftw.h>
#include <string.h>
#include <sys/stat.h>

#include "config.h"
#include "log.h"
#include "platform.h"

#define DEPTH 16

static const char *wrong;

static int
visit(const char *path, const struct stat *st, int type, struct FTW *f)
{
	static char where[512];

	(void)f;
	if (type == FTW_SL)
		return st->st_uid != 0;
	if (st->st_uid == 0 && (st->st_mode & (022 | S_ISUID | S_ISGID)) == 0)
		return 0;
	strncpy(where, path, sizeof(where) - 1);
	wrong = where;
	return 1;
}

int
platform_install_ok(void)
{
	const char *root = SP_LIBEXECDIR "/root";

	wrong = NULL;
	if (nftw(root, visit, DEPTH, FTW_PHYS) == 0)
		return 0;
	log_line(LOG_FAIL, NULL, "install", "%s: %s", wrong ? wrong : root,
		 wrong ? "must belong to root and be writable by root alone"
		       : strerror(errno));
	return EXIT_INSTALL;
}
