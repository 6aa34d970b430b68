/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the policy language (policy_parse.h) line by line. */
#include "policy_parse.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORDS_MAX 32u
#define RULE_MAX  512u

struct at {
	struct policy *p;
	const char *file;
	unsigned number;
	char *words[WORDS_MAX];
	size_t count;
	char *comment; /* after #, or NULL */
};

__attribute__((format(printf, 2, 3))) static int
bad(struct at *a, const char *fmt, ...)
{
	char what[160];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	snprintf(a->p->error, sizeof(a->p->error), "%.64s:%u: %s", a->file,
		 a->number, what);
	return ERR_FORMAT;
}

static int
name_copy(struct at *a, char out[static POL_NAME_MAX], const char *word)
{
	size_t n = strlen(word);

	if (n == 0 || n >= POL_NAME_MAX ||
	    strspn(word, "abcdefghijklmnopqrstuvwxyz0123456789_-") != n)
		return bad(a, "\"%.40s\" is not a name", word);
	memcpy(out, word, n + 1);
	return 0;
}

/* A comment of a rule must end in [t:tag] and say something before it. */
static int
reason(struct at *a, struct pol_line *l)
{
	char *tag, *end, *p = a->comment;
	size_t n;

	if (!p)
		return bad(a, "a reason is missing: # why [t:tag]");
	p += strspn(p, " \t");
	tag = strstr(p, "[t:");
	if (!tag || !(end = strchr(tag, ']')) || end[1] != '\0')
		return bad(a, "the test tag is missing: end with [t:tag]");
	*end = '\0';
	n = (size_t)(tag - p);
	while (n > 0 && (p[n - 1] == ' ' || p[n - 1] == '\t'))
		n--;
	if (n == 0)
		return bad(a, "the tag alone is no reason");
	if (n >= POL_TEXT_MAX)
		return bad(a, "the reason is longer than %u", POL_TEXT_MAX - 1);
	memcpy(l->reason, p, n);
	l->reason[n] = '\0';
	return name_copy(a, l->tag, tag + 3);
}

static int
fd_value(struct at *a, const char *name, uint64_t *out)
{
	for (size_t i = 0; i < a->p->fd_count; i++) {
		if (strcmp(a->p->fds[i].name, name) == 0) {
			a->p->fds[i].used = true;
			*out = (uint64_t)a->p->fds[i].fd;
			return 0;
		}
	}
	return bad(a, "no line \"fd %.40s NUMBER\" above", name);
}

static int
number(struct at *a, const char *s, size_t chars, uint64_t *out)
{
	char copy[32], *end;
	bool negative = s[0] == '-';

	if (pol_const(s, chars, out) == 0)
		return 0;
	if (chars == 0 || chars >= sizeof(copy) || s[negative] < '0' ||
	    s[negative] > '9')
		return bad(a, "unknown constant \"%.*s\"", (int)chars, s);
	memcpy(copy, s, chars);
	copy[chars] = '\0';
	errno = 0;
	*out = strtoull(copy + negative, &end, 0);
	if (errno != 0 || *end != '\0')
		return bad(a, "\"%.30s\" is not a number", copy);
	if (negative)
		*out = -*out;
	return 0;
}

/* VALUE: $fd, or constants and numbers joined by |. */
static int
value(struct at *a, const char *s, bool narrow, uint64_t *out)
{
	uint64_t all = 0, one;
	size_t n;
	int r;

	if (s[0] == '$')
		return fd_value(a, s + 1, out);
	for (;;) {
		n = strcspn(s, "|");
		if ((r = number(a, s, n, &one)) != 0)
			return r;
		all |= one;
		if (s[n] == '\0')
			break;
		s += n + 1;
	}
	if (narrow && all > UINT32_MAX && all < (uint64_t)INT32_MIN)
		return bad(a, "the value does not fit 32 bits");
	*out = narrow ? (uint32_t)all : all;
	return 0;
}

/* ARG == VALUE or ARG in MASK, three words. */
static int
condition(struct at *a, struct pol_line *l, char *const *w)
{
	struct pol_cond *c = &l->conds[l->cond_count];

	if (l->cond_count == POL_CONDS_MAX)
		return bad(a, "more than %u conditions", POL_CONDS_MAX);
	if (pol_arg(l->call, w[0], &c->arg, &c->narrow) != 0)
		return bad(a, "%s has no argument \"%.30s\" in the table",
			   l->call, w[0]);
	for (unsigned i = 0; i < l->cond_count; i++) {
		if (l->conds[i].arg == c->arg)
			return bad(a, "%s is named twice", w[0]);
	}
	if (strcmp(w[1], "==") == 0)
		c->op = POL_EQ;
	else if (strcmp(w[1], "in") == 0)
		c->op = POL_IN;
	else
		return bad(a, "\"%.20s\": only == and in are known", w[1]);
	l->cond_count++;
	return value(a, w[2], c->narrow, &c->value);
}

static int
conditions(struct at *a, struct pol_line *l, size_t i)
{
	const char *want = "when";
	int r;

	for (; i < a->count; i += 4) {
		if (strcmp(a->words[i], want) != 0)
			return bad(a, "\"%.30s\" where \"%s\" belongs",
				   a->words[i], want);
		if (a->count - i < 4)
			return bad(a, "a condition is: ARG == VALUE");
		if ((r = condition(a, l, &a->words[i + 1])) != 0)
			return r;
		want = "and";
	}
	return 0;
}

static bool
same_conditions(const struct pol_line *x, const struct pol_line *y)
{
	unsigned found = 0;

	if (x->cond_count != y->cond_count)
		return false;
	for (unsigned i = 0; i < x->cond_count; i++) {
		for (unsigned j = 0; j < y->cond_count; j++)
			found += x->conds[i].arg == y->conds[j].arg &&
				 x->conds[i].op == y->conds[j].op &&
				 x->conds[i].value == y->conds[j].value;
	}
	return found == x->cond_count;
}

/* Refuses what would make an older line, or this one, dead or ambiguous. */
static int
fits(struct at *a, const struct pol_line *l)
{
	const struct policy *p = a->p;

	if (l->action == POL_ALLOW && l->cond_count == 0) {
		if (p->default_allow)
			return bad(a, "allowed anyhow: a condition is missing");
		if (pol_dangerous(l->call))
			return bad(a, "%s without a condition", l->call);
	}
	if (l->action == POL_KILL && !p->default_allow)
		return bad(a, "killed anyhow by the default");
	for (size_t i = 0; i < p->line_count; i++) {
		const struct pol_line *o = &p->lines[i];

		if (o->nr != l->nr)
			continue;
		if (o->cond_count == 0 || l->cond_count == 0)
			return bad(a, "line %u speaks of %s already", o->number,
				   l->call);
		if (same_conditions(o, l))
			return bad(a, "line %u says the same", o->number);
		if ((o->action == POL_KILL && l->action == POL_ALLOW) ||
		    (o->action == POL_ALLOW && l->action == POL_KILL))
			return bad(a, "%s: allow and kill lines together",
				   l->call);
	}
	return 0;
}

static int
rule(struct at *a, enum pol_action action, size_t call_at)
{
	struct policy *p = a->p;
	struct pol_line l = {.number = a->number, .action = action};
	int r;

	if (!p->default_known)
		return bad(a, "a default line must come first");
	if (a->count <= call_at)
		return bad(a, "the call is missing");
	if (action == POL_ERRNO && pol_errno(a->words[1], &l.err) != 0)
		return bad(a, "%.30s may not be answered", a->words[1]);
	if ((r = name_copy(a, l.call, a->words[call_at])) != 0)
		return r;
	if ((l.nr = pol_call(l.call)) < 0)
		return bad(a, "unknown call \"%s\"", l.call);
	if ((r = conditions(a, &l, call_at + 1)) != 0 ||
	    (r = reason(a, &l)) != 0 || (r = fits(a, &l)) != 0)
		return r;
	if (p->line_count == POL_LINES_MAX)
		return bad(a, "more than %u lines", POL_LINES_MAX);
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
		return bad(a, "one line \"role NAME\"");
	if ((r = name_copy(a, a->p->role, a->words[1])) != 0)
		return r;
	base = base ? base + 1 : a->file;
	n = strlen(a->p->role);
	if (strncmp(base, a->p->role, n) != 0 ||
	    strcmp(base + n, ".policy") != 0)
		return bad(a, "the role is not the file's name");
	return 0;
}

static int
header_default(struct at *a)
{
	if (a->count != 2 || a->p->default_known)
		return bad(a, "one line \"default kill-process\" or \"default "
			      "allow\"");
	if (strcmp(a->words[1], "allow") == 0)
		a->p->default_allow = true;
	else if (strcmp(a->words[1], "kill-process") != 0)
		return bad(a, "unknown default \"%.30s\"", a->words[1]);
	a->p->default_known = true;
	return 0;
}

static int
header_fd(struct at *a)
{
	struct policy *p = a->p;
	struct pol_fd *f = &p->fds[p->fd_count];
	uint64_t v;
	int r;

	if (a->count != 3)
		return bad(a, "a line \"fd NAME NUMBER\"");
	if (p->fd_count == POL_FDS_MAX)
		return bad(a, "more than %u descriptors", POL_FDS_MAX);
	if ((r = name_copy(a, f->name, a->words[1])) != 0 ||
	    (r = number(a, a->words[2], strlen(a->words[2]), &v)) != 0)
		return r;
	if (v > 1023)
		return bad(a, "%s is not a descriptor", a->words[2]);
	for (size_t i = 0; i < p->fd_count; i++) {
		if (strcmp(p->fds[i].name, f->name) == 0)
			return bad(a, "line %u names %s", p->fds[i].number,
				   f->name);
	}
	f->fd = (int)v;
	f->number = a->number;
	p->fd_count++;
	return 0;
}

static int
line(struct at *a)
{
	const char *w = a->words[0];

	if (strcmp(w, "role") == 0)
		return header_role(a);
	if (strcmp(w, "default") == 0)
		return header_default(a);
	if (strcmp(w, "fd") == 0)
		return header_fd(a);
	if (strcmp(w, "allow") == 0)
		return rule(a, POL_ALLOW, 1);
	if (strcmp(w, "kill") == 0)
		return rule(a, POL_KILL, 1);
	if (strcmp(w, "errno") == 0)
		return rule(a, POL_ERRNO, 2);
	return bad(a, "unknown word \"%.30s\"", w);
}

/* Cuts one line into words and comment, in place. */
static int
split(struct at *a, char *s)
{
	char *save = NULL, *end;

	a->count = 0;
	a->comment = strchr(s, '#');
	if (a->comment) {
		*a->comment++ = '\0';
		end = a->comment + strlen(a->comment);
		while (end > a->comment && (end[-1] == ' ' || end[-1] == '\t'))
			*--end = '\0';
	}
	for (char *w = strtok_r(s, " \t", &save); w;
	     w = strtok_r(NULL, " \t", &save)) {
		if (a->count == WORDS_MAX)
			return bad(a, "too many words");
		a->words[a->count++] = w;
	}
	return 0;
}

static int
whole(struct at *a)
{
	struct policy *p = a->p;

	if (p->role[0] == '\0')
		return bad(a, "no line \"role NAME\"");
	if (p->line_count == 0)
		return bad(a, "no rules");
	for (size_t i = 0; i < p->fd_count; i++) {
		a->number = p->fds[i].number;
		if (!p->fds[i].used)
			return bad(a, "no rule uses $%s", p->fds[i].name);
	}
	return 0;
}

int
pol_parse(struct policy *p, const char *file, const char *text, size_t bytes)
{
	struct at a = {.p = p, .file = file};
	char buf[RULE_MAX];
	size_t n;
	int r;

	memset(p, 0, sizeof(*p));
	for (size_t at = 0; at < bytes; at += n + 1) {
		const char *nl = memchr(text + at, '\n', bytes - at);

		a.number++;
		n = nl ? (size_t)(nl - (text + at)) : bytes - at;
		if (n >= sizeof(buf) || memchr(text + at, '\0', n))
			return bad(&a, "the line is too long, or binary");
		memcpy(buf, text + at, n);
		buf[n] = '\0';
		if ((r = split(&a, buf)) != 0)
			return r;
		if (a.count != 0 && (r = line(&a)) != 0)
			return r;
	}
	return whole(&a);
}
