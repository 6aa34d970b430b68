/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a policy may not say: lines that can never decide anything, lines that
 * contradict each other, and calls that are allowed too widely.
 */
#include <errno.h>
#include <string.h>

#include "policy_line.h"

static const struct pol_cond *
condition_on(const struct pol_line *l, unsigned arg)
{
	for (unsigned i = 0; i < l->cond_count; i++) {
		if (l->conds[i].type.arg == arg)
			return &l->conds[i];
	}
	return NULL;
}

/* Says whether every value that x lets through passes y too. */
static bool
inside(const struct pol_cond *x, const struct pol_cond *y)
{
	if (y->op == POL_IN)
		return (x->value & ~y->value) == 0;
	if (x->op == POL_IN && x->value != 0)
		return false;
	return x->value == y->value;
}

/* Says whether every call that x matches is matched by y. */
static bool
implies(const struct pol_line *x, const struct pol_line *y)
{
	for (unsigned i = 0; i < y->cond_count; i++) {
		const struct pol_cond *c =
			condition_on(x, y->conds[i].type.arg);

		if (!c || !inside(c, &y->conds[i]))
			return false;
	}
	return true;
}

/* Says whether some value passes both: 0 passes every mask. */
static bool
both_pass(const struct pol_cond *x, const struct pol_cond *y)
{
	if (x->op == POL_IN && y->op == POL_IN)
		return true;
	return x->op == POL_EQ ? inside(x, y) : inside(y, x);
}

static bool
both_match(const struct pol_line *x, const struct pol_line *y)
{
	for (unsigned i = 0; i < y->cond_count; i++) {
		const struct pol_cond *c =
			condition_on(x, y->conds[i].type.arg);

		if (c && !both_pass(c, &y->conds[i]))
			return false;
	}
	return true;
}

/* The new line against an older one of the same call. */
static int
check_pair(struct at *a, const struct pol_line *l, const struct pol_line *o)
{
	const char *call = a->words[l->call_word];
	bool same = l->action == o->action && l->err == o->err;

	if (same && implies(l, o))
		return line_bad(a, call,
				"line %u says this already%s; remove one of "
				"the two",
				o->number, implies(o, l) ? "" : ", and more");
	if (same && implies(o, l))
		return line_bad(a, call,
				"this says all of line %u, and more; remove "
				"one of the two",
				o->number);
	if (!same && both_match(l, o))
		return line_bad(a, call,
				"line %u decides some of the same calls "
				"differently; give both a condition on one "
				"argument that cannot hold for both",
				o->number);
	return 0;
}

/* A line that does what the default does anyhow. */
static int
check_default(struct at *a, const struct pol_line *l)
{
	const char *word = a->words[0];

	switch (a->p->otherwise) {
	case POL_DEFAULT_NONE:
		return line_bad(a, word,
				"no default yet; write a default line "
				"above the first rule");
	case POL_DEFAULT_KILL:
		if (l->action != POL_KILL)
			return 0;
		return line_bad(
			a, word,
			"killed anyhow by the default; remove the line");
	case POL_DEFAULT_EPERM:
		if (l->action != POL_ERRNO || l->err != EPERM)
			return 0;
		return line_bad(a, word,
				"answered EPERM anyhow by the "
				"default; remove the line");
	case POL_DEFAULT_ALLOW:
		if (l->action != POL_ALLOW || l->cond_count != 0)
			return 0;
		return line_bad(a, word,
				"allowed anyhow by the default; "
				"remove the line or add when …");
	}
	return 0;
}

/* Says whether one of the arguments is a number, not a pointer. */
static bool
comparable(const char *args)
{
	for (const char *p = args; p; p = strstr(p, ", ")) {
		p += p == args ? 0 : 2;
		if (strncmp(p, "ptr ", 4) != 0)
			return true;
	}
	return false;
}

static int
check_dangerous(struct at *a, const struct pol_line *l)
{
	const char *call = a->words[l->call_word];
	const char *args = pol_args(l->call);
	bool exec = strncmp(l->call, "execve", 6) == 0;

	if (l->action != POL_ALLOW || l->cond_count != 0 ||
	    !pol_dangerous(l->call))
		return 0;
	/* its arguments are pointers: what it may run is Landlock's to say */
	if (exec && a->p->otherwise == POL_DEFAULT_EPERM)
		return 0;
	if (!comparable(args))
		return line_bad(a, call,
				"%s may not be allowed: no argument of it can "
				"be compared; do without it",
				l->call);
	return line_bad(a, call,
			"%s without a condition is too much; add when … "
			"(arguments: %s)",
			l->call, args);
}

int
check_line(struct at *a, const struct pol_line *l)
{
	const struct policy *p = a->p;
	int r;

	if ((r = check_default(a, l)) != 0 || (r = check_dangerous(a, l)) != 0)
		return r;
	for (size_t i = 0; i < p->line_count; i++) {
		const struct pol_line *o = &p->lines[i];

		if (o->nr != l->nr)
			continue;
		if ((r = check_pair(a, l, o)) != 0)
			return r;
		/* what no allow line of a strict call matches is killed */
		if (p->otherwise == POL_DEFAULT_ALLOW &&
		    (o->action == POL_KILL || l->action == POL_KILL) &&
		    (o->action == POL_ALLOW || l->action == POL_ALLOW))
			return line_bad(a, a->words[l->call_word],
					"%s has kill and allow lines, but what "
					"no allow line of it matches is "
					"killed; remove the kill line",
					l->call);
	}
	return 0;
}

int
check_whole(struct at *a)
{
	struct policy *p = a->p;

	a->bytes = 0;
	if (p->role[0] == '\0')
		return line_bad(a, NULL, "no role; write a line role NAME");
	if (p->line_count == 0)
		return line_bad(a, NULL,
				"no rules; write one allow line for "
				"each call that the role needs");
	for (size_t i = 0; i < p->fd_count; i++) {
		a->number = p->fds[i].number;
		if (!p->fds[i].used)
			return line_bad(a, NULL,
					"no rule uses $%s; use it in a "
					"condition or remove the line",
					p->fds[i].name);
	}
	return 0;
}
