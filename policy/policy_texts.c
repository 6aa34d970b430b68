/* SPDX-License-Identifier: Apache-2.0 */
/* Policies as data for people (policy_page.h), written as C. */
#include <errno.h>
#include <string.h>

#include "policy_emit.h"

/* A string of C, as it is. */
static void
quoted(FILE *f, const char *s)
{
	fputc('"', f);
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			fputc('\\', f);
		fputc(*s, f);
	}
	fputc('"', f);
}

static void
text(FILE *f, const char *s)
{
	quoted(f, s);
	fprintf(f, ", ");
}

static void
text_or_null(FILE *f, const char *s)
{
	if (s[0])
		text(f, s);
	else
		fprintf(f, "NULL, ");
}

void
emit_action(const struct pol_line *l, char out[static POL_NAME_MAX])
{
	const char *name = l->action == POL_ALLOW ? "allow" : "kill";

	if (l->action == POL_ERRNO)
		snprintf(out, POL_NAME_MAX, "errno %s",
			 strerrorname_np(l->err));
	else
		snprintf(out, POL_NAME_MAX, "%s", name);
}

const char *
emit_otherwise(const struct policy *p)
{
	switch (p->otherwise) {
	case POL_DEFAULT_ALLOW:
		return "allow";
	case POL_DEFAULT_EPERM:
		return "errno EPERM";
	case POL_DEFAULT_KILL:
	case POL_DEFAULT_NONE:
		break;
	}
	return "kill-process";
}

void
emit_order(const struct policy *p, size_t out[static POL_LINES_MAX])
{
	for (size_t n = 0; n < p->line_count; n++) {
		size_t i = n;

		for (; i > 0 && p->lines[out[i - 1]].nr > p->lines[n].nr; i--)
			out[i] = out[i - 1];
		out[i] = n;
	}
}

static void
conds(FILE *f, const struct policy *p, const char *id)
{
	for (size_t i = 0; i < p->line_count; i++) {
		const struct pol_line *l = &p->lines[i];

		if (l->cond_count == 0)
			continue;
		fprintf(f,
			"static const struct policy_cond conds_%s_%u[] = {\n",
			id, l->number);
		for (unsigned c = 0; c < l->cond_count; c++)
			fprintf(f, "\t{%u, %d, %d, %d, 0x%llx},\n",
				l->conds[c].type.arg, l->conds[c].type.narrow,
				l->conds[c].type.is_signed,
				l->conds[c].op == POL_IN,
				(unsigned long long)l->conds[c].value);
		fprintf(f, "};\n");
	}
}

static void
calls(FILE *f, const struct policy *p, const char *id)
{
	size_t order[POL_LINES_MAX];
	char action[POL_NAME_MAX];

	emit_order(p, order);
	fprintf(f, "static const struct policy_call calls_%s[] = {\n", id);
	for (size_t i = 0; i < p->line_count; i++) {
		const struct pol_line *l = &p->lines[order[i]];

		fprintf(f, "\t{%u, %d, ", l->number, l->nr);
		text(f, l->call);
		emit_action(l, action);
		text(f, action);
		text(f, l->when);
		text(f, l->reason);
		text(f, l->tag);
		if (l->cond_count != 0)
			fprintf(f, "conds_%s_%u, %u},\n", id, l->number,
				l->cond_count);
		else
			fprintf(f, "NULL, 0},\n");
	}
	fprintf(f, "};\n");
}

void
emit_texts(FILE *f, const struct policy *p)
{
	char id[POL_NAME_MAX];

	emit_id(p->role, id);
	fprintf(f, "\n");
	conds(f, p, id);
	calls(f, p, id);
	if (p->fact_count == 0)
		return;
	fprintf(f, "static const struct policy_fact facts_%s[] = {\n", id);
	for (size_t i = 0; i < p->fact_count; i++) {
		fprintf(f, "\t{%u, ", p->facts[i].number);
		text(f, p->facts[i].word);
		text(f, p->facts[i].text);
		text(f, p->facts[i].reason);
		fprintf(f, "},\n");
	}
	fprintf(f, "};\n");
}

void
emit_texts_end(FILE *f, const struct policy *all, size_t count)
{
	char id[POL_NAME_MAX];

	fprintf(f, "\nconst struct policy_page policy_pages[] = {\n");
	for (size_t i = 0; i < count; i++) {
		const struct policy *p = &all[i];

		emit_id(p->role, id);
		fprintf(f, "\t{");
		text(f, p->role);
		text_or_null(f, p->program);
		text_or_null(f, p->uid_setting);
		text_or_null(f, p->uid_default);
		text(f, emit_otherwise(p));
		if (p->fact_count != 0)
			fprintf(f, "facts_%s, %zu, ", id, p->fact_count);
		else
			fprintf(f, "NULL, 0, ");
		fprintf(f, "calls_%s, %zu, &filter_%s, ", id, p->line_count,
			id);
		if (p->program[0])
			fprintf(f, "&page_%s},\n", id);
		else
			fprintf(f, "NULL},\n");
	}
	fprintf(f, "\t{0},\n};\n");
}
