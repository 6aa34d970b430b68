/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The library roots against root.sums, which scripts/make-roots wrote beside
 * them: every file there is one of the list with its mode and content, and
 * none is missing.  And against the machine's own libraries: an update of
 * those does not reach the copies.
 */
#include <errno.h>
#include <ftw.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "b64.h"
#include "config.h"
#include "protect.h"

#define ROOT	 SP_LIBEXECDIR "/root"
#define SUMS	 SP_LIBEXECDIR "/root.sums"
#define DEPTH	 16
#define FILES	 512u
#define PATH_CAP 400u

/* One line: 64 hex digits, a blank, the mode in octal, a blank, the path. */
static struct {
	char sum[65];
	unsigned mode;
	char path[PATH_CAP]; /* below ROOT, with a slash in front */
	bool seen;
} list[FILES];
static unsigned listed;
static unsigned wrongs;
static char wrong[300]; /* the first */
static char old[300];

static void
set_wrong(const char *path, const char *what)
{
	if (wrongs++ == 0)
		snprintf(wrong, sizeof(wrong), "%.200s%.60s: %s", ROOT, path,
			 what);
}

static int
sum_of(const char *path, char out[static 65])
{
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	FILE *f = fopen(path, "re");
	uint8_t buf[16384], sum[32];
	size_t n;
	int ok = c && f && EVP_DigestInit_ex(c, EVP_sha256(), NULL) == 1;

	while (ok && (n = fread(buf, 1, sizeof(buf), f)) > 0)
		ok = EVP_DigestUpdate(c, buf, n) == 1;
	ok = ok && !ferror(f) && EVP_DigestFinal_ex(c, sum, NULL) == 1;
	if (f)
		fclose(f);
	EVP_MD_CTX_free(c);
	if (ok)
		hex_encode(sum, sizeof(sum), out);
	return ok ? 0 : ERR_SYS;
}

static int
read_list(void)
{
	FILE *f = fopen(SUMS, "re");
	char line[PATH_CAP + 100];

	if (!f)
		return ERR_NOTFOUND;
	while (listed < FILES && fgets(line, sizeof(line), f))
		if (sscanf(line, "%64[0-9a-f] %o %399s", list[listed].sum,
			   &list[listed].mode, list[listed].path) == 3)
			listed++;
	fclose(f);
	return listed > 0 ? 0 : ERR_NOTFOUND;
}

static int
visit(const char *path, const struct stat *st, int type, struct FTW *f)
{
	const char *below = path + sizeof(ROOT) - 1;
	char sum[65];

	(void)f;
	if (type == FTW_D)
		return 0;
	for (unsigned i = 0; i < listed; i++) {
		if (strcmp(list[i].path, below) != 0)
			continue;
		list[i].seen = true;
		if ((st->st_mode & 07777) != list[i].mode)
			set_wrong(below, "its mode is not as installed");
		else if (type != FTW_F || sum_of(path, sum) != 0 ||
			 strcmp(sum, list[i].sum) != 0)
			set_wrong(below, "its content is not as installed");
		return 0;
	}
	set_wrong(below, "was not installed");
	return 0;
}

/* "/tpm/lib/x86_64-linux-gnu/libc.so.6" beside "/lib/…/libc.so.6" */
static void
compare_with_machine(void)
{
	char sum[65];

	for (unsigned i = 0; i < listed && !old[0]; i++) {
		const char *own = strchr(list[i].path + 1, '/');

		if (!own || !strstr(own, ".so") || sum_of(own, sum) != 0)
			continue; /* no library, or none of the machine's */
		if (strcmp(sum, list[i].sum) != 0)
			snprintf(old, sizeof(old), "%.280s", own);
	}
}

void
protect_roots(struct rig *r)
{
	static const char again[] = "install again (meson install): the "
				    "library roots are copies";

	(void)r;
	if (read_list() != 0) {
		report_say(FOUND_PROTECTION, "roots", VERDICT_MISSING, again,
			   SUMS " is missing or empty");
		return;
	}
	if (nftw(ROOT, visit, DEPTH, FTW_PHYS) != 0)
		set_wrong("", strerror(errno));
	for (unsigned i = 0; i < listed; i++)
		if (!list[i].seen)
			set_wrong(list[i].path, "is missing");
	if (wrongs > 0) {
		report_say(FOUND_PROTECTION, "roots", VERDICT_MISSING, again,
			   "%s (the first of %u)", wrong, wrongs);
		return;
	}
	report_say(FOUND_PROTECTION, "roots", VERDICT_OK, NULL,
		   "%u files in the library roots, each as installed", listed);
	compare_with_machine();
	if (old[0])
		report_say(FOUND_PROTECTION, "libraries", VERDICT_NOTE, again,
			   "%s was updated since: the workers run the old one",
			   old);
	else
		report_say(FOUND_PROTECTION, "libraries", VERDICT_OK, NULL,
			   "the workers' libraries are the machine's");
}
