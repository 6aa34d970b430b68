/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy explain: a call meets up to three filters of which the strictest
 * answer counts (seccomp(2)): the supervisor's, which is inherited, the outer
 * one from before exec, and the role's own.  Which line decides is computed
 * from the lines; what the kernel would do, from the programs that are linked
 * into the workers.  Should the two ever differ, that is said, loudly.
 */
#include <errno.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl.h"
#include "policy_parse.h"

#define ARGS_MAX   6
#define LAYERS_MAX 3
#define X32_FIRST  0x40000000u

struct question {
	const struct policy_page *role;
	const char *call;
	int nr;
	uint64_t args[ARGS_MAX];
	bool given[ARGS_MAX];
};

enum match { NO, MAYBE, YES };

static enum match
cond_match(const struct question *q, const struct policy_call *c,
	   const struct policy_cond *k)
{
	uint64_t x = q->args[k->arg];

	if (!q->given[k->arg])
		return MAYBE;
	/* What kills or answers an error looks at what the kernel reads. */
	if (k->narrow && strcmp(c->action, "allow") != 0)
		x &= UINT32_MAX;
	if (k->mask)
		return x & ~k->value ? NO : YES;
	if (x == k->value)
		return YES;
	/* A negative int may come with its sign in the high half. */
	if (k->narrow && k->is_signed && k->value > INT32_MAX &&
	    !strcmp(c->action, "allow") &&
	    x == (k->value | UINT64_C(0xffffffff00000000)))
		return YES;
	return NO;
}

static enum match
line_match(const struct question *q, const struct policy_call *c)
{
	enum match all = YES;

	for (size_t i = 0; i < c->cond_count; i++) {
		enum match m = cond_match(q, c, &c->conds[i]);

		all = m < all ? m : all;
	}
	return all;
}

static const char *
verdict(uint32_t ret)
{
	static char text[64];

	switch (ret & SECCOMP_RET_ACTION_FULL) {
	case SECCOMP_RET_ALLOW:
		return "passes";
	case SECCOMP_RET_ERRNO:
		snprintf(text, sizeof(text), "is answered %s",
			 strerrorname_np((int)(ret & SECCOMP_RET_DATA)));
		return text;
	default:
		return "ends the process (SIGSYS)";
	}
}

static uint32_t
answer_of(const char *action)
{
	int err = 0;

	if (!strcmp(action, "allow"))
		return SECCOMP_RET_ALLOW;
	if (!strncmp(action, "errno ", 6) && pol_errno(action + 6, &err) == 0)
		return SECCOMP_RET_ERRNO | (uint32_t)err;
	return SECCOMP_RET_KILL_PROCESS;
}

/* Under default allow, a call with lines that allow it dies beside them. */
static uint32_t
default_of(const struct policy_page *p, int nr)
{
	if (strcmp(p->otherwise, "allow") != 0)
		return answer_of(p->otherwise);
	for (size_t i = 0; i < p->call_count; i++)
		if (p->calls[i].nr == nr &&
		    !strcmp(p->calls[i].action, "allow"))
			return SECCOMP_RET_KILL_PROCESS;
	return SECCOMP_RET_ALLOW;
}

static void
print_line(const struct policy_page *p, const struct policy_call *c)
{
	printf("  policy/%s.policy:%u: %s %s%s%s\n      # %s [t:%s]\n", p->role,
	       c->line, c->action, c->call, c->when[0] ? " " : "", c->when,
	       c->reason, c->test);
}

/* -1 is none: to the kernel it is no call at all. */
static bool
is_x32(int nr)
{
	return nr != -1 && (uint32_t)nr >= X32_FIRST;
}

/* What the lines come to; MAYBE in *out_sure when it depends on arguments. */
static uint32_t
by_lines(const struct question *q, const struct policy_page *p,
	 enum match *out_sure)
{
	const struct policy_call *hit = NULL;
	bool maybe = false, named = false;

	*out_sure = YES;
	if (is_x32(q->nr)) {
		printf("  a number of x32, from 2^30 on: ends the process "
		       "under every default\n");
		return SECCOMP_RET_KILL_PROCESS;
	}
	for (size_t i = 0; i < p->call_count; i++) {
		const struct policy_call *c = &p->calls[i];
		enum match m = c->nr == q->nr ? line_match(q, c) : NO;

		named |= c->nr == q->nr;
		if (m == YES && !hit)
			hit = c;
		if (m != NO)
			print_line(p, c);
		maybe |= m == MAYBE;
	}
	*out_sure = maybe && !hit ? MAYBE : YES;
	if (hit)
		return answer_of(hit->action);
	printf("  policy/%s.policy: %s; %s: %s\n", p->role,
	       !named  ? "no line names it"
	       : maybe ? "otherwise"
		       : "no line that names it holds for these arguments",
	       named && !strcmp(p->otherwise, "allow")
		       ? "where none of its lines holds"
		       : "the default",
	       verdict(default_of(p, q->nr)));
	return default_of(p, q->nr);
}

/* SECCOMP_RET_ precedence: the smaller action, as a signed number, wins. */
static uint32_t
stricter(uint32_t a, uint32_t b)
{
	int32_t x = (int32_t)(a & SECCOMP_RET_ACTION_FULL);
	int32_t y = (int32_t)(b & SECCOMP_RET_ACTION_FULL);

	return x <= y ? a : b;
}

static const struct policy_page *
page_named(const char *name)
{
	for (const struct policy_page *p = policy_pages; p->role; p++)
		if (strcmp(p->role, name) == 0)
			return p;
	return NULL;
}

/* The filters a process of the role is under, the innermost first. */
static size_t
layers(const struct policy_page *role, const struct policy_page *out[])
{
	const struct policy_page *sup = page_named("supervisor");
	size_t n = 0;

	out[n++] = role;
	if (role->page && role->page->outer &&
	    (out[n] = page_named(role->page->outer->name)) != NULL)
		n++;
	if (sup && role->program && role != sup)
		out[n++] = sup;
	return n;
}

/* Landlock and namespaces have a say too, where paths and ports count. */
static void
other_layers(const struct policy_page *p)
{
	static const char *const words[] = {"network", "root", "landlock"};

	if (!p->program)
		return;
	printf("beside the filters, for what it may reach:\n");
	for (size_t w = 0; w < sizeof(words) / sizeof(words[0]); w++)
		for (size_t i = 0; i < p->fact_count; i++)
			if (!strcmp(p->facts[i].word, words[w]))
				printf("  policy/%s.policy:%u: %s %s\n",
				       p->role, p->facts[i].line, words[w],
				       p->facts[i].text);
}

static int
answer(const struct question *q)
{
	const struct policy_page *layer[LAYERS_MAX];
	uint32_t all = SECCOMP_RET_ALLOW, run, said;
	size_t n = layers(q->role, layer);
	bool open = false;

	for (size_t i = 0; i < n; i++) {
		enum match sure;

		printf("%s:\n", i == 0 ? "its own filter"
				: layer[i]->program
					? "the supervisor's, inherited"
					: "the outer filter, from before exec");
		said = by_lines(q, layer[i], &sure);
		open |= sure == MAYBE;
		if (ctl_run_filter(layer[i]->filter, q->nr, q->args, &run) != 0)
			return ctl_bad("the filter of %s cannot be run: "
				       "report it",
				       layer[i]->role);
		if (sure == YES && run != said)
			return ctl_bad("the filter of %s does not do what its "
				       "lines say: report it",
				       layer[i]->role);
		if (sure == YES)
			all = stricter(all, run);
	}
	if (open && all != SECCOMP_RET_KILL_PROCESS)
		printf("=> depends on arguments that were not given\n");
	else
		printf("=> %s\n", verdict(all));
	if (q->nr == 335 || q->nr == 336)
		printf("   but a kernel that has uretprobe (335) or uprobe "
		       "(336) answers it before any\n   filter: it fails, or "
		       "raises SIGILL\n");
	other_layers(q->role);
	return CTL_OK;
}

/* One word of a value: a number, a constant, $NAME of a descriptor. */
static int
word_value(const struct question *q, const char *s, size_t n, uint64_t *out)
{
	char copy[64], *end;

	if (n == 0 || n >= sizeof(copy))
		return ERR_FORMAT;
	memcpy(copy, s, n);
	copy[n] = '\0';
	if (pol_const(copy, n, out) == 0)
		return 0;
	for (size_t i = 0; copy[0] == '$' && i < q->role->fact_count; i++) {
		const char *t = q->role->facts[i].text;

		if (!strcmp(q->role->facts[i].word, "fd") &&
		    !strncmp(t, copy + 1, n - 1) && t[n - 1] == ' ') {
			*out = strtoull(t + n, NULL, 10);
			return 0;
		}
	}
	if (copy[0] == '0' && copy[1] >= '0' && copy[1] <= '9')
		return ERR_FORMAT; /* ten to people, eight to strtoull(3) */
	errno = 0;
	*out = copy[0] == '-' ? (uint64_t)strtoll(copy, &end, 0)
			      : strtoull(copy, &end, 0);
	return errno == 0 && *end == '\0' ? 0 : ERR_FORMAT;
}

static int
value(const struct question *q, const char *s, uint64_t *out)
{
	*out = 0;
	for (;;) {
		size_t n = strcspn(s, "|");
		uint64_t one;

		if (word_value(q, s, n, &one) != 0)
			return ctl_bad("\"%s\" is no number, no constant that "
				       "a policy may name, and no $descriptor "
				       "of %s",
				       s, q->role->role);
		*out |= one;
		if (s[n] == '\0')
			return 0;
		s += n + 1;
	}
}

/* An argument by position, or NAME=VALUE. */
static int
take_arg(struct question *q, unsigned position, const char *text)
{
	const char *eq = strchr(text, '=');
	struct pol_arg arg = {.arg = position};
	int r;

	if (eq) {
		char name[POL_NAME_MAX];

		snprintf(name, sizeof(name), "%.*s", (int)(eq - text), text);
		if (pol_arg(q->call, name, &arg) != 0)
			return ctl_bad("%s has no argument %s; its arguments: "
				       "%s",
				       q->call, name,
				       pol_args(q->call) ? pol_args(q->call)
							 : "not known here");
		text = eq + 1;
	}
	if (q->given[arg.arg])
		return ctl_bad("argument %u of %s is given twice", arg.arg + 1,
			       q->call);
	if ((r = value(q, text, &q->args[arg.arg])) != 0)
		return r;
	q->given[arg.arg] = true;
	return 0;
}

static void
print_question(const struct question *q)
{
	printf("%s: %s (%d)", q->role->role, q->call, q->nr);
	for (unsigned i = 0; i < ARGS_MAX; i++)
		if (q->given[i])
			printf(" %u:0x%llx", i + 1,
			       (unsigned long long)q->args[i]);
	if (pol_args(q->call))
		printf("  (%s)", pol_args(q->call));
	putchar('\n');
}

/* The name of a number that some policy names, else the text as it came. */
static const char *
name_of(int nr, const char *text)
{
	for (const struct policy_page *p = policy_pages; p->role; p++)
		for (size_t i = 0; i < p->call_count; i++)
			if (p->calls[i].nr == nr)
				return p->calls[i].call;
	return text;
}

/* A number that fits the register's 32 bits, -1 too. */
static int
call_number(const char *text, int *out)
{
	char *end;
	long long n;

	errno = 0;
	n = strtoll(text, &end, 0);
	if (errno != 0 || end == text || *end != '\0' || n < -1 ||
	    n > UINT32_MAX)
		return ERR_FORMAT;
	*out = (int)(uint32_t)n;
	return 0;
}

int
ctl_policy_explain(int argc, char **argv)
{
	struct question q = {0};
	int r;

	if (argc < 2 || argc > 2 + ARGS_MAX)
		return ctl_bad("policy explain ROLE CALL [ARG...]: a role, a "
			       "call by name or number, and up to six "
			       "arguments (by position, or NAME=VALUE)");
	if (!(q.role = ctl_role(argv[0])))
		return CTL_USAGE;
	q.call = argv[1];
	q.nr = pol_call(q.call);
	if (q.nr < 0) {
		if (call_number(q.call, &q.nr) != 0)
			return ctl_bad("no system call \"%s\" on x86-64 "
				       "(a number of 32 bits is taken too)",
				       q.call);
		q.call = name_of(q.nr, q.call);
	}
	for (int i = 2; i < argc; i++)
		if ((r = take_arg(&q, (unsigned)i - 2, argv[i])) != 0)
			return r;
	print_question(&q);
	return answer(&q);
}
