/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of the page: which there are, which must be there. */
#include <string.h>

#include "policy_line.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct {
	const char *name, *value;
} settings[] = {
#define X(id, key, env, def, check, text) {key, def},
#include "../parent/conf_keys.def"
#undef X
};

int
head_setting(struct at *a, size_t i, char out[static POL_NAME_MAX],
	     const char **out_default)
{
	const char *name = a->words[i];

	for (size_t k = 0; name && k < COUNT(settings); k++) {
		if (strcmp(settings[k].name, name) != 0)
			continue;
		if (out_default)
			*out_default = settings[k].value;
		return line_name(a, out, name);
	}
	return line_bad(a, name,
			"no setting here; write the name of one that "
			"conf_keys.def lists");
}

int
head_ends(struct at *a, size_t count)
{
	if (a->count <= count)
		return 0;
	return line_bad(a, a->words[count],
			"\"%.30s\" is one word too many; remove it, or write "
			"it after #",
			a->words[count]);
}

static int
head_program(struct at *a)
{
	struct policy *p = a->p;
	int r;

	if (a->count < 2)
		return line_bad(a, NULL, "no program; write program NAME");
	if ((r = line_name(a, p->program, a->words[1])) != 0)
		return r;
	return head_ends(a, 2);
}

/* link LIBRARY, once for each; or link nothing */
static int
head_link(struct at *a)
{
	char name[POL_NAME_MAX];
	int r;

	if (a->count < 2)
		return line_bad(a, NULL,
				"no library; write link nothing for a "
				"static program");
	if ((r = line_name(a, name, a->words[1])) != 0)
		return r;
	return head_ends(a, 2);
}

/* filter ROLE: the outer one; filter none */
static int
head_filter(struct at *a)
{
	int r;

	if (a->count < 2)
		return line_bad(a, NULL,
				"no filter; write filter outer, "
				"filter outer_net or filter none");
	if (strcmp(a->words[1], "none") != 0 &&
	    (r = line_name(a, a->p->outer, a->words[1])) != 0)
		return r;
	return head_ends(a, 2);
}

static const struct head {
	const char *word;
	int (*read)(struct at *a);
	bool many;   /* may come several times */
	bool needed; /* by every process */
	bool reason; /* must have one */
} heads[] = {
	{"program", head_program, false, false, false},
	{"seat", head_seat, true, true, false},
	{"uid", head_uid, false, true, false},
	{"capabilities", head_capabilities, true, true, false},
	{"namespaces", head_namespaces, false, true, false},
	{"network", head_network, true, true, false},
	{"root", head_root, true, true, false},
	{"landlock", head_landlock, true, true, true},
	{"limit", head_limit, true, true, true},
	{"fd", head_fd, true, true, true},
	{"link", head_link, true, true, false},
	{"filter", head_filter, false, true, false},
};

int
head_known(const char *word)
{
	for (size_t i = 0; i < COUNT(heads); i++) {
		if (strcmp(heads[i].word, word) == 0)
			return (int)i;
	}
	return -1;
}

static const struct pol_fact *
fact(const struct policy *p, const char *word)
{
	for (size_t i = 0; i < p->fact_count; i++) {
		if (strcmp(p->facts[i].word, word) == 0)
			return &p->facts[i];
	}
	return NULL;
}

size_t
head_count(const struct policy *p, const char *word)
{
	size_t n = 0;

	for (size_t i = 0; i < p->fact_count; i++)
		n += strcmp(p->facts[i].word, word) == 0;
	return n;
}

int
line_bad_fact(struct at *a, const struct pol_fact *f, const char *what)
{
	a->number = f->number;
	a->bytes = f->column - 1;
	return line_bad(a, NULL, "%s", what);
}

/* A line that says there is nothing of its kind stands alone. */
static bool
says_none(const struct pol_fact *f)
{
	return strcmp(f->text, "none") == 0 ||
	       strcmp(f->text, "nothing") == 0 || strcmp(f->text, "off") == 0;
}

/* The line that was just read against the older ones of its kind. */
static int
head_repeats(struct at *a)
{
	const struct policy *p = a->p;
	const struct pol_fact *f = &p->facts[p->fact_count - 1];

	for (const struct pol_fact *o = p->facts; o < f; o++) {
		if (strcmp(o->word, f->word) != 0)
			continue;
		if (strcmp(o->text, f->text) == 0)
			return line_bad(a, a->words[0],
					"line %u says this already; keep one "
					"of the two",
					o->number);
		if (says_none(o) || says_none(f))
			return line_bad(a, a->words[0],
					"line %u says the opposite; keep one "
					"of the two",
					o->number);
	}
	return 0;
}

int
head_line(struct at *a)
{
	const struct head *h = &heads[head_known(a->words[0])];
	struct policy *p = a->p;
	struct pol_fact *f = &p->facts[p->fact_count];
	const struct pol_fact *old = fact(p, h->word);
	int r;

	if (h->read != head_program && !p->program[0])
		return line_bad(a, a->words[0],
				"a list of calls has no page; write program "
				"NAME first, if this is a process");
	if (old && !h->many)
		return line_bad(a, a->words[0],
				"line %u says this already; keep one of the "
				"two",
				old->number);
	if (p->line_count != 0)
		return line_bad(a, a->words[0],
				"a line of the page behind a rule; move it up "
				"to the others");
	if (p->fact_count == POL_FACTS_MAX)
		return line_bad(a, a->words[0], "too many lines of this kind");
	*f = (struct pol_fact){.number = a->number};
	if ((h->reason || a->comment) &&
	    (r = line_reason(a, f->reason, NULL)) != 0)
		return r;
	if ((r = line_name(a, f->word, h->word)) != 0)
		return r;
	if ((r = line_words(a, 1, a->count, f->text)) != 0)
		return r;
	f->column =
		1 + (a->count > 1 ? (size_t)(a->words[1] - a->text) : a->bytes);
	p->fact_count++;
	if ((r = h->read(a)) != 0)
		return r;
	return head_repeats(a);
}

/* What the supervisor alone may be: nobody who parses anything. */
static int
head_worker(struct at *a)
{
	static const struct {
		const char *word, *text, *what;
	} never[] = {
		{"uid", "0",
		 "only the supervisor is root; write uid from SETTING, by "
		 "default NUMBER"},
		{"landlock", "off",
		 "only the supervisor is without Landlock; write landlock "
		 "nothing, or rules"},
		{"filter", "none",
		 "only the supervisor has no outer filter; write filter outer "
		 "or filter outer_net"},
	};
	const struct policy *p = a->p;

	for (const struct pol_fact *f = p->facts; f < p->facts + p->fact_count;
	     f++) {
		for (size_t i = 0; i < COUNT(never); i++)
			if (strcmp(f->word, never[i].word) == 0 &&
			    strcmp(f->text, never[i].text) == 0)
				return line_bad_fact(a, f, never[i].what);
		if (strcmp(f->word, "capabilities") == 0 && !says_none(f))
			return line_bad_fact(a, f,
					     "only the supervisor keeps "
					     "capabilities; write "
					     "capabilities none");
	}
	return 0;
}

int
head_whole(struct at *a)
{
	struct policy *p = a->p;

	for (size_t i = 0; p->program[0] && i < COUNT(heads); i++) {
		if (heads[i].needed && !fact(p, heads[i].word))
			return line_bad(a, NULL,
					"no %s; a process states it: write a "
					"line %s …",
					heads[i].word, heads[i].word);
	}
	if (p->program[0] && p->seats[0].seat != SEAT_SUPERVISOR)
		return head_worker(a);
	return 0;
}
