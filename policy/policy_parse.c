/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the policy language (policy_parse.h) line by line. */
#include "policy_parse.h"

#include <stdio.h>
#include <string.h>

#include "policy_line.h"

/* One NAME of chars bytes after a $. */
static int
fd_named(struct at *a, const char *name, size_t chars, uint64_t *out)
{
	bool found = false;

	for (size_t i = 0; i < a->p->fd_count; i++) {
		struct pol_fd *f = &a->p->fds[i];

		if (strlen(f->name) != chars ||
		    memcmp(f->name, name, chars) != 0)
			continue;
		if (f->page.first != f->page.last ||
		    (found && (uint64_t)f->page.first != *out))
			return line_bad(a, name,
					"%s has several numbers; say used by "
					"CALL in its line instead",
					f->name);
		f->used = found = true;
		*out = (uint64_t)f->page.first;
	}
	if (found)
		return 0;
	return line_bad(a, name,
			"no descriptor \"%.*s\"; write a line fd %.*s NUMBER "
			"KIND above",
			(int)chars, name, (int)chars, name);
}

/* $NAME, or $NAME/$NAME: one number that is two things in two seats. */
static int
fd_value(struct at *a, const char *s, uint64_t *out)
{
	uint64_t other = 0;
	size_t n;
	int r;

	n = strcspn(s + 1, "/");
	if ((r = fd_named(a, s + 1, n, out)) != 0)
		return r;
	for (s += 1 + n; *s; s += 2 + n) {
		if (s[1] != '$')
			return line_bad(a, s, "no $ here; write $NAME/$NAME");
		n = strcspn(s + 2, "/");
		if ((r = fd_named(a, s + 2, n, &other)) != 0)
			return r;
		if (other != *out)
			return line_bad(a, s + 1,
					"these have different numbers; write "
					"one rule for each");
	}
	return 0;
}

/* Says whether a value (sign-extended if negative) fits the argument. */
static bool
fits(const struct pol_arg *t, uint64_t v)
{
	if (!t->narrow)
		return true;
	if (v <= INT32_MAX)
		return true;
	return t->is_signed ? v >= (uint64_t)INT32_MIN : v <= UINT32_MAX;
}

/* One of them; where the argument is prot, PROT_READ may be READ. */
static int
one_value(struct at *a, const char *arg, const char *s, size_t n, uint64_t *out)
{
	char name[POL_NAME_MAX];

	if (strcmp(arg, "prot") == 0 && n + sizeof("PROT_") <= sizeof(name)) {
		snprintf(name, sizeof(name), "PROT_%.*s", (int)n, s);
		if (pol_const(name, strlen(name), out) == 0)
			return 0;
	}
	return line_number(a, s, n, out);
}

/* VALUE of an argument: $fd, or constants and numbers joined by |. */
static int
value(struct at *a, const char *arg, const char *s, const struct pol_arg *t,
      uint64_t *out)
{
	const char *word = s;
	uint64_t all = 0, one;
	size_t n;
	int r;

	if (s[0] == '$')
		return fd_value(a, s, out);
	for (;;) {
		n = strcspn(s, "|");
		if ((r = one_value(a, arg, s, n, &one)) != 0)
			return r;
		all |= one;
		if (s[n] == '\0')
			break;
		s += n + 1;
	}
	if (!fits(t, all))
		return line_bad(a, word,
				"the value does not fit the argument, %s "
				"number of 32 bits; write one that the kernel "
				"can read there",
				t->is_signed ? "a signed" : "an unsigned");
	*out = t->narrow ? (uint32_t)all : all;
	return 0;
}

static int
argument(struct at *a, struct pol_line *l, const char *word,
	 struct pol_arg *out)
{
	const char *args = pol_args(l->call);

	if (!args)
		return line_bad(a, word,
				"%s is not in the prototype table; add its "
				"arguments to protos.def",
				l->call);
	if (pol_arg(l->call, word, out) != 0)
		return line_bad(a, word,
				"%s has no argument \"%.30s\"; it has: %s",
				l->call, word, args);
	if (out->pointer)
		return line_bad(a, word,
				"%s is a pointer and no filter sees what it "
				"points at; name another argument: %s",
				word, args);
	for (unsigned i = 0; i < l->cond_count; i++) {
		if (l->conds[i].type.arg == out->arg)
			return line_bad(a, word,
					"%s is named twice; keep one condition "
					"on it",
					word);
	}
	return 0;
}

/* ARG == VALUE or ARG in MASK, three words. */
static int
condition(struct at *a, struct pol_line *l, char *const *w)
{
	struct pol_cond *c = &l->conds[l->cond_count];
	int r;

	if (l->cond_count == POL_CONDS_MAX)
		return line_bad(a, w[0], "too many conditions; %u can be",
				POL_CONDS_MAX);
	if ((r = argument(a, l, w[0], &c->type)) != 0)
		return r;
	if (strcmp(w[1], "==") == 0)
		c->op = POL_EQ;
	else if (strcmp(w[1], "in") == 0)
		c->op = POL_IN;
	else
		return line_bad(a, w[1],
				"\"%.20s\" is no comparison; write == VALUE or "
				"in MASK",
				w[1]);
	l->cond_count++;
	if ((r = value(a, w[0], w[2], &c->type, &c->value)) != 0)
		return r;
	if (c->op == POL_IN &&
	    c->value == (c->type.narrow ? UINT32_MAX : UINT64_MAX))
		return line_bad(a, w[2],
				"every value passes this mask; name the bits "
				"that may be set, or remove the condition");
	return 0;
}

static int
conditions(struct at *a, struct pol_line *l, size_t i)
{
	const char *want = "when";
	int r;

	for (; i < a->count; i += 4) {
		if (strcmp(a->words[i], want) != 0)
			return line_bad(a, a->words[i],
					"\"%.30s\" where \"%s\" belongs; write "
					"when ARG == VALUE and ARG in MASK",
					a->words[i], want);
		if (a->count - i < 4)
			return line_bad(a, NULL,
					"half a condition; write ARG == VALUE "
					"or ARG in MASK");
		if ((r = condition(a, l, &a->words[i + 1])) != 0)
			return r;
		want = "and";
	}
	return 0;
}

static int
rule(struct at *a, enum pol_action action, size_t call_at)
{
	struct policy *p = a->p;
	struct pol_line l = {
		.number = a->number, .action = action, .call_word = call_at};
	const char *call = a->words[call_at];
	int r;

	if (a->count <= call_at)
		return line_bad(a, NULL, "the call is missing; write %s CALL",
				action == POL_ERRNO ? "errno ENAME"
						    : a->words[0]);
	if (action == POL_ERRNO && pol_errno(a->words[1], &l.err) != 0)
		return line_bad(a, a->words[1],
				"%.30s may not be answered; use ENOSYS, EPERM, "
				"EACCES or EAFNOSUPPORT",
				a->words[1]);
	if ((r = line_name(a, l.call, call)) != 0)
		return r;
	if ((l.nr = pol_call(l.call)) < 0)
		return line_bad(a, call,
				"unknown call \"%s\"; use the kernel's name "
				"for it (syscalls(2))",
				l.call);
	if ((r = line_words(a, call_at + 1, a->count, l.when)) != 0 ||
	    (r = conditions(a, &l, call_at + 1)) != 0 ||
	    (r = line_reason(a, l.reason, l.tag)) != 0 ||
	    (r = check_line(a, &l)) != 0)
		return r;
	if (p->line_count == POL_LINES_MAX)
		return line_bad(a, call, "too many rules; %u can be",
				POL_LINES_MAX);
	p->lines[p->line_count++] = l;
	return 0;
}

static int
header_role(struct at *a)
{
	const char *base = strrchr(a->file, '/');
	size_t n;
	int r;

	if (a->count != 2 || a->p->role[0] != '\0')
		return line_bad(a, a->words[0],
				"not one role; write role NAME once");
	if ((r = line_name(a, a->p->role, a->words[1])) != 0)
		return r;
	a->p->role_number = a->number;
	base = base ? base + 1 : a->file;
	n = strlen(a->p->role);
	if (strncmp(base, a->p->role, n) != 0 ||
	    strcmp(base + n, ".policy") != 0)
		return line_bad(a, a->words[1],
				"the role is not the file's name; name the "
				"file %s.policy",
				a->p->role);
	return 0;
}

static int
header_default(struct at *a)
{
	static const struct {
		const char *first, *second; /* NULL: no second word */
		enum pol_default otherwise;
	} known[] = {
		{"kill-process", NULL, POL_DEFAULT_KILL},
		{"errno", "EPERM", POL_DEFAULT_EPERM},
		{"allow", NULL, POL_DEFAULT_ALLOW},
	};

	if (a->p->otherwise != POL_DEFAULT_NONE)
		return line_bad(a, a->words[0],
				"a second default; keep one of the two");
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		size_t n = known[i].second ? 3 : 2;

		if (a->count != n || strcmp(a->words[1], known[i].first) != 0)
			continue;
		if (n == 3 && strcmp(a->words[2], known[i].second) != 0)
			continue;
		a->p->otherwise = known[i].otherwise;
		return 0;
	}
	return line_bad(a, a->words[1],
			"unknown default; write default kill-process, default "
			"errno EPERM or default allow");
}

static int
line(struct at *a)
{
	const char *w = a->words[0];

	if (strcmp(w, "role") == 0)
		return header_role(a);
	if (strcmp(w, "default") == 0)
		return header_default(a);
	if (head_known(w) >= 0)
		return head_line(a);
	if (strcmp(w, "allow") == 0)
		return rule(a, POL_ALLOW, 1);
	if (strcmp(w, "kill") == 0)
		return rule(a, POL_KILL, 1);
	if (strcmp(w, "errno") == 0)
		return rule(a, POL_ERRNO, 2);
	return line_bad(a, w,
			"unknown word \"%.30s\"; write role, default, a word "
			"of the page, allow, errno or kill",
			w);
}

int
pol_parse(struct policy *p, const char *file, const char *text, size_t bytes)
{
	struct at a = {.p = p, .file = file};
	size_t n;
	int r;

	memset(p, 0, sizeof(*p));
	for (size_t at = 0; at < bytes; at += n + 1) {
		const char *nl = memchr(text + at, '\n', bytes - at);

		n = nl ? (size_t)(nl - (text + at)) : bytes - at;
		if ((r = line_take(&a, text + at, n)) != 0)
			return r;
		if (a.count != 0 && (r = line(&a)) != 0)
			return r;
	}
	return check_whole(&a);
}
