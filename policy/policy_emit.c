/* SPDX-License-Identifier: Apache-2.0 */
/* Policies as C: filters, pages, numbers of descriptors (policy_emit.h). */
#include "policy_emit.h"

#include <ctype.h>
#include <string.h>

void
emit_id(const char *role, char out[static POL_NAME_MAX])
{
	snprintf(out, POL_NAME_MAX, "%s", role);
	for (char *c = out; *c; c++)
		*c = *c == '-' ? '_' : *c;
}

static const char *
upper(const char *name, char out[static POL_NAME_MAX])
{
	emit_id(name, out);
	for (char *c = out; *c; c++)
		*c = (char)toupper((unsigned char)*c);
	return out;
}

void
emit_filter(FILE *f, const struct policy *p, const struct prog *g)
{
	char id[POL_NAME_MAX];

	emit_id(p->role, id);
	fprintf(f, "\nstatic const struct sock_filter insns_%s[] = {\n", id);
	for (size_t i = 0; i < g->count; i++)
		fprintf(f, "\t{0x%02x, %u, %u, 0x%08x},\n", g->insns[i].code,
			g->insns[i].jt, g->insns[i].jf, g->insns[i].k);
	fprintf(f,
		"};\nconst struct filter_prog filter_%s = {\"%s\", insns_%s, "
		"%zu};\n",
		id, p->role, id, g->count);
}

/* A string of C, or NULL for "". */
static void
text(FILE *f, const char *s)
{
	if (s[0])
		fprintf(f, "\"%s\"", s);
	else
		fprintf(f, "NULL");
}

static void
rules(FILE *f, const struct policy *p, const char *id)
{
	fprintf(f, "static const struct page_rule rules_%s[] = {\n", id);
	for (size_t i = 0; i < p->rule_count; i++) {
		fprintf(f, "\t{%d, ", (int)p->rules[i].page.reach);
		text(f, p->rules[i].setting);
		fprintf(f, ", ");
		text(f, p->rules[i].path);
		fprintf(f, ", %u, %u},\n", p->rules[i].page.port,
			p->rules[i].page.when);
	}
	fprintf(f, "};\n");
}

static void
fds(FILE *f, const struct policy *p, const char *id)
{
	fprintf(f, "static const struct page_fd fds_%s[] = {\n", id);
	for (size_t i = 0; i < p->fd_count; i++) {
		const struct page_fd *d = &p->fds[i].page;

		fprintf(f, "\t{%d, %d, %d, 0x%x, %d}, /* %s */\n", d->first,
			d->last, (int)d->kind, d->seats, d->until_locked,
			p->fds[i].name);
	}
	fprintf(f, "};\n");
}

static void
parts(FILE *f, const struct policy *p, const char *id)
{
	char up[POL_NAME_MAX];

	fprintf(f, "\nstatic const struct page_seat seats_%s[] = {\n", id);
	for (size_t i = 0; i < p->seat_count; i++) {
		fprintf(f, "\t{SEAT_%s, {",
			upper(seat_name(p->seats[i].seat), up));
		text(f, p->seats[i].word[0]);
		fprintf(f, ", ");
		text(f, p->seats[i].word[1]);
		fprintf(f, "}},\n");
	}
	fprintf(f, "};\n");
	if (p->cap_count != 0)
		fprintf(f, "static const struct page_cap caps_%s[] = {\n", id);
	for (size_t i = 0; i < p->cap_count; i++)
		fprintf(f, "\t{%u, %u},\n", p->caps[i].cap,
			p->caps[i].profiles);
	fprintf(f, "%s", p->cap_count != 0 ? "};\n" : "");
	if (p->rule_count != 0)
		rules(f, p, id);
	fprintf(f, "static const struct page_limit limits_%s[] = {\n", id);
	for (size_t i = 0; i < p->limit_count; i++)
		fprintf(f, "\t{%d, %d, %llu},\n", p->limits[i].resource,
			p->limits[i].from_fds,
			(unsigned long long)p->limits[i].value);
	fprintf(f, "};\n");
	if (p->fd_count != 0)
		fds(f, p, id);
}

/* Pointer and count of an array that may be empty. */
static void
array(FILE *f, const char *name, const char *id, const char *one, size_t n)
{
	if (n == 0)
		return;
	fprintf(f, "\t.%s = %s_%s, .%s_count = %zu,\n", name, name, id, one, n);
}

void
emit_page(FILE *f, const struct policy *p)
{
	const struct page *g = &p->page;
	char id[POL_NAME_MAX], outer[POL_NAME_MAX];

	emit_id(p->role, id);
	emit_id(p->outer, outer);
	parts(f, p, id);
	fprintf(f,
		"const struct page page_%s = {\n"
		"\t.role = \"%s\", .program = \"%s\",\n\t.uid_setting = ",
		id, p->role, p->program);
	text(f, p->uid_setting);
	fprintf(f, ",\n");
	array(f, "seats", id, "seat", p->seat_count);
	array(f, "caps", id, "cap", p->cap_count);
	array(f, "rules", id, "rule", p->rule_count);
	array(f, "limits", id, "limit", p->limit_count);
	array(f, "fds", id, "fd", p->fd_count);
	fprintf(f,
		"\t.namespaces = 0x%lx, .net = %d, .net_empty_when = %u,\n"
		"\t.root = %d, .root_container = %d, .landlock = %d,\n"
		"\t.other_fds = %d, .outer = %s%s, .inner = &filter_%s,\n};\n",
		g->namespaces, (int)g->net, g->net_empty_when, (int)g->root,
		(int)g->root_container, g->landlock, g->other_fds,
		outer[0] ? "&filter_" : "NULL", outer, id);
}

void
emit_seats(FILE *f, const struct policy *all, size_t count)
{
	char id[POL_NAME_MAX], up[POL_NAME_MAX];

	fprintf(f, "\nconst struct page *const page_of_seat[SEAT_COUNT] = {\n");
	for (size_t i = 0; i < count; i++) {
		emit_id(all[i].role, id);
		for (size_t k = 0; k < all[i].seat_count; k++)
			fprintf(f, "\t[SEAT_%s] = &page_%s,\n",
				upper(seat_name(all[i].seats[k].seat), up), id);
	}
	fprintf(f, "};\n");
}

/* How many roles have a descriptor of this name and number. */
static unsigned
sharers(const struct policy *all, size_t count, const struct pol_fd *d)
{
	unsigned n = 0;

	for (size_t i = 0; i < count; i++)
		for (size_t k = 0; k < all[i].fd_count; k++)
			n += strcmp(all[i].fds[k].name, d->name) == 0 &&
			     all[i].fds[k].page.first == d->page.first;
	return n;
}

/* The seat that alone has it, where the role has others; else the role. */
static const char *
owner(const struct policy *p, const struct pol_fd *d)
{
	for (size_t i = 0; i < p->seat_count; i++) {
		if (d->page.seats == SEAT_BIT(p->seats[i].seat))
			return seat_name(p->seats[i].seat);
	}
	return p->role;
}

/* What `first`, which has all that is common, shares with others. */
static bool
is_common(const struct policy *all, size_t count, size_t first,
	  const struct pol_fd *d)
{
	const struct policy *p = &all[first];

	for (size_t k = 0; first < count && k < p->fd_count; k++)
		if (strcmp(p->fds[k].name, d->name) == 0 &&
		    p->fds[k].page.first == d->page.first)
			return sharers(all, count, d) > 1;
	return false;
}

static void
fds_of(FILE *f, const struct policy *all, size_t count, size_t first, size_t at,
       bool common)
{
	const struct policy *p = &all[at];
	char who[POL_NAME_MAX], what[POL_NAME_MAX];

	for (size_t i = 0; i < p->fd_count; i++) {
		const struct pol_fd *d = &p->fds[i];
		const char *why = "";

		if (d->page.first < 3 ||
		    is_common(all, count, first, d) != common)
			continue;
		for (size_t k = 0; k < p->fact_count; k++)
			if (p->facts[k].number == d->number)
				why = p->facts[k].reason;
		fprintf(f, "\tFD_%s%s%s = %d, /* %s */\n",
			common ? "" : upper(owner(p, d), who),
			common ? "" : "_", upper(d->name, what), d->page.first,
			why);
	}
}

void
emit_fds(FILE *f, const struct policy *all, size_t count)
{
	size_t first = 0;

	fprintf(f,
		"/* SPDX-License-Identifier: Apache-2.0 */\n"
		"/*\n * Made by policyc -f from the fd lines of policy/: do "
		"not edit (HACKING.md).\n *\n"
		" * The numbers of descriptors that the supervisor puts there "
		"before exec, the\n * worker audits after, the gate reads from "
		"/proc.  Nothing else is ever open in\n * a worker.  0, 1 and "
		"2 are /dev/null or a log.\n */\n"
		"#ifndef SP_FDS_H\n#define SP_FDS_H\n\n"
		"/* clang-format off */\nenum fd_number {\n");
	while (first < count && strcmp(all[first].role, "https") != 0)
		first++;
	if (first < count)
		fds_of(f, all, count, first, first, true);
	fprintf(f,
		"\tFD_FIRST = FD_READY + 1, /* a seat's own begin here */\n");
	for (size_t i = 0; i < count; i++)
		fds_of(f, all, count, first, i, false);
	fprintf(f, "};\n\n#endif\n");
}
