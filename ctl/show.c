/* SPDX-License-Identifier: Apache-2.0 */
/* policy show: a page for people. */
#include <stdio.h>
#include <string.h>

#include "ctl.h"

/* One fact and its reason: "  landlock      connect from imds   # …" */
static void
fact(const char *word, const char *text, const char *reason)
{
	printf("  %-13s %s", word, text);
	if (reason[0])
		printf("%*s# %s",
		       strlen(text) < 38 ? 39 - (int)strlen(text) : 2, "",
		       reason);
	putchar('\n');
}

static const char *
otherwise(const struct policy_page *p)
{
	if (!strcmp(p->otherwise, "kill-process"))
		return "Whatever is not listed ends the process (SIGSYS).";
	if (!strcmp(p->otherwise, "allow"))
		return "Whatever is not listed passes; a call with lines that "
		       "allow\nit ends the process where none of them holds.";
	return "Whatever is not listed is answered EPERM.";
}

static unsigned
distinct_calls(const struct policy_page *p)
{
	unsigned n = 0;

	for (size_t i = 0; i < p->call_count; i++)
		n += i == 0 || p->calls[i].nr != p->calls[i - 1].nr;
	return n;
}

static void
calls(const struct policy_page *p)
{
	printf("\nSystem calls: %u, by %zu lines of policy/%s.policy.\n%s\n",
	       distinct_calls(p), p->call_count, p->role, otherwise(p));
	printf("Another architecture and x32 always end the process.\n\n");
	for (size_t i = 0; i < p->call_count; i++) {
		const struct policy_call *c = &p->calls[i];

		printf("%5u: %s %s%s%s\n       # %s [t:%s]\n", c->line,
		       c->action, c->call, c->when[0] ? " " : "", c->when,
		       c->reason, c->test);
	}
}

static void
page(const struct policy_page *p)
{
	if (p->program)
		printf("%s: what the process %s is, holds and may do\n\n",
		       p->role, p->program);
	else
		printf("%s: a list of calls that processes load before exec\n",
		       p->role);
	for (size_t i = 0; i < p->fact_count; i++)
		fact(p->facts[i].word, p->facts[i].text, p->facts[i].reason);
	calls(p);
}

static int
all_json(const struct policy_page *only)
{
	bool first = true;

	fputs("[", stdout);
	for (const struct policy_page *p = policy_pages; p->role; p++) {
		if (only && p != only)
			continue;
		if (ctl_json(p, first) != 0)
			return ctl_bad("out of memory");
		first = false;
	}
	fputs("\n]\n", stdout);
	return CTL_OK;
}

int
ctl_policy_show(int argc, char **argv)
{
	const struct policy_page *only = NULL;
	bool json = false;

	for (int i = 0; i < argc; i++) {
		if (!strcmp(argv[i], "--json")) {
			json = true;
			continue;
		}
		if (argv[i][0] == '-' || only)
			return ctl_bad("policy show takes one ROLE at most, "
				       "and --json");
		if (!(only = ctl_role(argv[i])))
			return CTL_USAGE;
	}
	if (json)
		return all_json(only);
	for (const struct policy_page *p = policy_pages; p->role; p++) {
		if (only && p != only)
			continue;
		if (!only && p != policy_pages)
			printf("\n\n");
		page(p);
	}
	return CTL_OK;
}
