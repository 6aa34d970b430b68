/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The policy compiler, a build tool: reads all policies, writes one thing.
 *
 *	policyc -c OUT.c NAME.policy…	filters (filter.h)
 *	policyc -p OUT.c NAME.policy…	pages that are enforced (page.h)
 *	policyc -t OUT.c NAME.policy…	texts for people (policy_page.h)
 *	policyc -f OUT.h NAME.policy…	numbers of descriptors (ipc/fds.h)
 *	policyc -l DIRECTORY NAME.policy…	a listing in words for each
 *
 * -a before that: for aarch64 (filters alone).  -L: a learning build's
 * filters, which log what they would kill for; no release is made with it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "policy_emit.h"

#define POLICIES_MAX 32

static struct policy all[POLICIES_MAX];
static struct prog progs[POLICIES_MAX];

static int
read_policy(const char *file, struct policy *p)
{
	static char text[POL_FILE_MAX];
	FILE *f = fopen(file, "re");
	size_t n;

	if (!f) {
		perror(file);
		return ERR_SYS;
	}
	n = fread(text, 1, sizeof(text), f);
	if (ferror(f)) { /* a directory */
		perror(file);
		fclose(f);
		return ERR_SYS;
	}
	fclose(f);
	if (n == sizeof(text)) {
		fprintf(stderr,
			"%s: %u bytes or more, no policy; give the path of a "
			"text in the language of docs/POLICY-LANGUAGE.md\n",
			file, POL_FILE_MAX);
		return ERR_RANGE;
	}
	if (pol_parse(p, file, text, n) != 0) {
		fprintf(stderr, "%s\n", p->error);
		return ERR_FORMAT;
	}
	return 0;
}

static void
write_filters(FILE *f, size_t count)
{
	fprintf(f, "/* made by policyc: do not edit */\n"
		   "#include \"filter.h\"\n");
	for (size_t i = 0; i < count; i++)
		emit_filter(f, &all[i], &progs[i]);
}

static void
write_pages(FILE *f, size_t count)
{
	fprintf(f, "/* made by policyc: do not edit */\n"
		   "#include \"page.h\"\n");
	for (size_t i = 0; i < count; i++)
		if (all[i].program[0])
			emit_page(f, &all[i]);
	emit_seats(f, all, count);
}

static void
write_texts(FILE *f, size_t count)
{
	fprintf(f, "/* made by policyc: do not edit */\n"
		   "#include \"policy_page.h\"\n");
	for (size_t i = 0; i < count; i++)
		emit_texts(f, &all[i]);
	emit_texts_end(f, all, count);
}

/* What is half written must not look whole; a device is not ours to remove. */
static int
spoiled(FILE *f, const char *path)
{
	struct stat st;
	bool ours = fstat(fileno(f), &st) == 0 && S_ISREG(st.st_mode);

	perror(path);
	fclose(f);
	if (ours)
		remove(path);
	return ERR_SYS;
}

static int
write_listings(const char *directory, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		char path[4096];
		FILE *f;
		int r;

		snprintf(path, sizeof(path), "%s/%.31s.txt", directory,
			 all[i].role);
		if (!(f = fopen(path, "we"))) {
			perror(path);
			return ERR_SYS;
		}
		if ((r = emit_listing(f, &all[i], &progs[i])) != 0 ||
		    fflush(f) != 0)
			return spoiled(f, path);
		fclose(f);
	}
	return 0;
}

static int
write_one(char what, const char *path, size_t count)
{
	FILE *f = fopen(path, "we");

	if (!f) {
		perror(path);
		return ERR_SYS;
	}
	if (what == 'c')
		write_filters(f, count);
	else if (what == 'p')
		write_pages(f, count);
	else if (what == 't')
		write_texts(f, count);
	else
		emit_fds(f, all, count);
	if (fflush(f) != 0 || ferror(f))
		return spoiled(f, path);
	fclose(f);
	return 0;
}

static int
usage(void)
{
	fprintf(stderr, "usage: policyc [-L] -c|-p|-t|-f OUT NAME.policy...\n"
			"       policyc -a -c OUT NAME.policy...\n"
			"       policyc -l DIRECTORY NAME.policy...\n");
	return 2;
}

int
main(int argc, char **argv)
{
	struct target target = {false, false};
	size_t count;
	int r = 0;

	if (argc > 1 && !strcmp(argv[1], "-a"))
		target.aarch64 = true;
	else if (argc > 1 && !strcmp(argv[1], "-L"))
		target.learning = true;
	if (target.aarch64 || target.learning)
		argc--, argv++;
	if (target.aarch64)
		pol_choose_aarch64();
	count = argc > 3 ? (size_t)argc - 3 : 0;

	if (count == 0 || count > POLICIES_MAX || argv[1][0] != '-' ||
	    !strchr(target.aarch64 ? "c" : "cptfl", argv[1][1]) ||
	    strlen(argv[1]) != 2)
		return usage();
	for (size_t i = 0; i < count && r == 0; i++) {
		r = read_policy(argv[3 + i], &all[i]);
		if (r != 0)
			break;
		compile_retarget(&all[i], &target);
		r = compile_policy(&all[i], argv[3 + i], &target, &progs[i]);
	}
	if (r != 0 || (r = set_check(all, &argv[3], count)) != 0)
		return 1;
	if (argv[1][1] == 'l')
		r = write_listings(argv[2], count);
	else
		r = write_one(argv[1][1], argv[2], count);
	return r == 0 ? 0 : 1;
}
