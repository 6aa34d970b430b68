/* SPDX-License-Identifier: Apache-2.0 */
/* The table of commands (ctl.h). */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "config.h"
#include "ctl.h"

static const struct command {
	const char *noun;
	const char *verb;
	int (*run)(int argc, char **argv);
	const char *args;
	const char *what;
} commands[] = {
	{"policy", "show", ctl_policy_show, "[ROLE] [--json]",
	 "the whole confinement of a process on one page"},
	{"policy", "explain", ctl_policy_explain, "ROLE CALL [ARG...]",
	 "what a system call comes to there, by which line and why"},
	{"policy", "diff", ctl_policy_diff, "OLD NEW",
	 "what two releases' listings let pass that the other does not"},
};

#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

int
ctl_bad(const char *fmt, ...)
{
	va_list ap;

	fflush(stdout); /* what was said before it comes before it */
	fputs("sallyportctl: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	return CTL_USAGE;
}

const struct policy_page *
ctl_role(const char *name)
{
	for (const struct policy_page *p = policy_pages; p->role; p++)
		if (strcmp(p->role, name) == 0)
			return p;
	fprintf(stderr, "sallyportctl: no role \"%s\"; there are:", name);
	for (const struct policy_page *p = policy_pages; p->role; p++)
		fprintf(stderr, " %s", p->role);
	fputc('\n', stderr);
	return NULL;
}

static void
usage(FILE *out)
{
	fputs("usage:\n", out);
	for (size_t i = 0; i < COMMANDS; i++)
		fprintf(out, "  sallyportctl %s %s %s\n\t%s\n",
			commands[i].noun, commands[i].verb, commands[i].args,
			commands[i].what);
	fputs("  sallyportctl --version | --help\n"
	      "\nIt needs no privileges.  Manual: sallyportctl(1).\n",
	      out);
}

/* What was printed must have arrived: a full disk is no answer. */
static int
flushed(int status)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return status;
	return ctl_bad("standard output cannot be written");
}

int
main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "--version"))
		return flushed(puts("sallyportctl " SP_VERSION) < 0);
	if (argc == 2 && !strcmp(argv[1], "--help")) {
		usage(stdout);
		return flushed(CTL_OK);
	}
	for (size_t i = 0; argc > 2 && i < COMMANDS; i++)
		if (!strcmp(argv[1], commands[i].noun) &&
		    !strcmp(argv[2], commands[i].verb))
			return flushed(commands[i].run(argc - 3, argv + 3));
	usage(stderr);
	return CTL_USAGE;
}
