/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The listing in words that is committed beside the policies: a change of a
 * policy, of a constant's value or of what the compiler makes of it shows
 * there in review.
 */
#include <inttypes.h>
#include <openssl/evp.h>
#include <string.h>

#include "policy_emit.h"

static const char *
ends_in(const struct policy *p)
{
	switch (p->otherwise) {
	case POL_DEFAULT_ALLOW:
		return "passes, but a call that has lines that let it pass "
		       "ends\nthe process wherever none of them holds";
	case POL_DEFAULT_EPERM:
		return "is answered EPERM";
	case POL_DEFAULT_KILL:
	case POL_DEFAULT_NONE:
		break;
	}
	return "ends the process";
}

static void
verdict(FILE *f, const struct pol_line *l)
{
	char action[POL_NAME_MAX];

	emit_action(l, action);
	if (l->action == POL_ALLOW)
		fprintf(f, "passes");
	else if (l->action == POL_KILL)
		fprintf(f, "ends the process");
	else
		fprintf(f, "is answered %s", action + strlen("errno "));
}

/* "when fd == $go and …" with the words at hand and the values compared. */
static void
conditions(FILE *f, const struct pol_line *l)
{
	char copy[POL_WHEN_MAX], *save = NULL, *w;

	memcpy(copy, l->when, sizeof(copy));
	w = strtok_r(copy, " ", &save); /* when */
	for (unsigned i = 0; w && i < l->cond_count; i++) {
		const struct pol_cond *c = &l->conds[i];
		const char *arg = strtok_r(NULL, " ", &save);
		const char *value;

		strtok_r(NULL, " ", &save); /* the comparison */
		value = strtok_r(NULL, " ", &save);
		fprintf(f, "\n\t\t%s %s %s %s (0x%" PRIx64 ", %s)",
			i == 0 ? "when" : "and", arg ? arg : "?",
			c->op == POL_IN ? "has no bit outside" : "is",
			value ? value : "?", c->value,
			!c->type.narrow	    ? "64 bits"
			: c->type.is_signed ? "32 bits, signed"
					    : "32 bits");
		w = strtok_r(NULL, " ", &save); /* and */
	}
}

static void
page(FILE *f, const struct policy *p)
{
	for (size_t i = 0; i < p->fact_count; i++) {
		const struct pol_fact *t = &p->facts[i];

		fprintf(f, "  %-13s %s\n", t->word, t->text);
		if (t->reason[0])
			fprintf(f, "\t\t%s\n", t->reason);
	}
}

static int
digest(const struct prog *g, char out[static 65])
{
	uint8_t md[EVP_MAX_MD_SIZE];
	unsigned n = 0;

	if (EVP_Digest(g->insns, g->count * sizeof(g->insns[0]), md, &n,
		       EVP_sha256(), NULL) != 1)
		return ERR_CRYPTO;
	for (unsigned i = 0; i < n; i++)
		snprintf(out + (size_t)2 * i, 3, "%02x", md[i]);
	return 0;
}

int
emit_listing(FILE *f, const struct policy *p, const struct prog *g)
{
	size_t order[POL_LINES_MAX];
	char sum[65];
	int r;

	if ((r = digest(g, sum)) != 0)
		return r;
	fprintf(f, "%s: made by policyc -l from policy/%s.policy\n\n", p->role,
		p->role);
	if (p->program[0])
		fprintf(f, "The process:\n");
	else
		fprintf(f, "A list of calls that processes load.\n");
	page(f, p);
	emit_order(p, order);
	fprintf(f,
		"\nSystem calls by number (x86-64).  What is not here %s;\n"
		"another architecture and x32 end the process.\n",
		ends_in(p));
	for (size_t i = 0; i < p->line_count; i++) {
		const struct pol_line *l = &p->lines[order[i]];

		fprintf(f, "%5d %s ", l->nr, l->call);
		verdict(f, l);
		conditions(f, l);
		fprintf(f, "\n\t\t%s [%s]\n", l->reason, l->tag);
	}
	fprintf(f, "\nThe filter: %zu instructions, SHA-256\n%s\n", g->count,
		sum);
	return ferror(f) ? ERR_SYS : 0;
}
