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

static bool
may_execute(const struct policy *p)
{
	for (size_t i = 0; i < p->rule_count; i++) {
		if (p->rules[i].page.reach == REACH_EXECUTE)
			return true;
	}
	return false;
}

static int
check_dangerous(struct at *a, const struct pol_line *l)
{
	const char *call = a->words[l->call_word];
	const char *need = pol_dangerous(l->call);
	bool runs = strncmp(l->call, "execve", 6) == 0;

	if (l->action != POL_ALLOW || !need)
		return 0;
	if (runs && may_execute(a->p))
		return 0; /* what it may run is Landlock's to say */
	if (need[0] == '\0')
		return line_bad(a, call,
				"%s may not be allowed: no condition makes it "
				"harmless; do without it%s",
				l->call,
				runs ? ", or write a line landlock execute"
				     : "");
	for (size_t n; *need; need += n + (need[n] == ' ')) {
		char name[POL_NAME_MAX] = "";
		struct pol_arg t;

		n = strcspn(need, " ");
		memcpy(name, need, n);
		if (pol_arg(l->call, name, &t) != 0 || !condition_on(l, t.arg))
			return line_bad(a, call,
					"%s without a condition on %s is too "
					"much; add %s … (arguments: %s)",
					l->call, name,
					l->cond_count ? "and" : "when",
					pol_args(l->call));
	}
	return 0;
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

/* Calls that look at many descriptors, whichever they are. */
static bool
takes_sets(const char *call)
{
	static const char *const calls[] = {"poll",	  "ppoll",
					    "select",	  "pselect6",
					    "epoll_wait", "epoll_pwait"};

	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		if (strcmp(calls[i], call) == 0)
			return true;
	}
	return false;
}

/* `used by CALL` is true when a rule lets the call have any descriptor. */
static int
check_by(struct at *a, const struct pol_fd *f, const char *call)
{
	struct pol_arg t = {0};
	bool has_fd = pol_arg(call, "fd", &t) == 0;
	bool passes = a->p->otherwise == POL_DEFAULT_ALLOW;

	if (!has_fd && !takes_sets(call))
		return line_bad(a, NULL,
				"%s takes no descriptor; name a call "
				"that does",
				call);
	for (size_t i = 0; i < a->p->line_count; i++) {
		const struct pol_line *l = &a->p->lines[i];

		if (strcmp(l->call, call) != 0)
			continue;
		passes = false;
		if (l->action == POL_ALLOW &&
		    (!has_fd || !condition_on(l, t.arg)))
			return 0;
	}
	if (passes)
		return 0;
	return line_bad(a, NULL,
			"no rule allows %s on any descriptor; allow %s when fd "
			"== $%s and do not say used by %s",
			call, call, f->name, call);
}

static int
check_fd(struct at *a, const struct pol_fd *f)
{
	int r;

	if (f->used && (f->use == POL_FD_BEFORE || f->use == POL_FD_NEVER))
		return line_bad(
			a, NULL, "a rule uses $%s; remove its %s or the rule",
			f->name,
			f->use == POL_FD_NEVER ? "never used"
					       : "used before the lock");
	if (!f->used && f->use == POL_FD_RULES && f->by_count == 0)
		return line_bad(a, NULL,
				"nothing uses %s; use $%s in a condition, or "
				"say how else: used by CALL, used before the "
				"lock, closed when locked, never used",
				f->name, f->name);
	for (size_t i = 0; i < f->by_count; i++) {
		if ((r = check_by(a, f, f->by[i])) != 0)
			return r;
	}
	return 0;
}

int
check_whole(struct at *a)
{
	struct policy *p = a->p;
	int r;

	a->bytes = 0;
	a->number += a->number == 0; /* an empty file has a first line too */
	if (p->role[0] == '\0')
		return line_bad(a, NULL, "no role; write a line role NAME");
	if ((r = head_whole(a)) != 0)
		return r;
	if (p->line_count == 0)
		return line_bad(a, NULL,
				"no rules; write one allow line for "
				"each call that the role needs");
	for (size_t i = 0; i < p->fd_count; i++) {
		a->number = p->fds[i].number;
		if ((r = check_fd(a, &p->fds[i])) != 0)
			return r;
	}
	return 0;
}
