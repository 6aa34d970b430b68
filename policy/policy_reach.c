/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of the page: what Landlock lets pass, and the descriptors. */
#include <stdio.h>
#include <string.h>

#include "policy_line.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct {
	const char *name;
	enum page_reach reach;
} reaches[] = {
	{"read", REACH_READ},	    {"write", REACH_WRITE},
	{"execute", REACH_EXECUTE}, {"connect", REACH_CONNECT},
	{"bind", REACH_BIND},
};

static const struct {
	const char *name;
	enum fd_kind kind;
} kinds[] = {
	{"null", FD_NULL},	  {"log", FD_LOG},
	{"seqpacket", FD_SEQ},	  {"stream", FD_STREAM},
	{"pipe-read", FD_PIPE_R}, {"pipe-write", FD_PIPE_W},
	{"memfd", FD_MEMFD},	  {"file-write", FD_FILE_W},
	{"device", FD_DEV},
};

static const struct {
	const char *words;
	enum pol_fd_use use;
} uses[] = {
	{"used before the lock", POL_FD_BEFORE},
	{"closed when locked", POL_FD_LOCKED},
	{"never used", POL_FD_NEVER},
};

static bool
word_is(const struct at *a, size_t i, const char *word)
{
	return a->words[i] && strcmp(a->words[i], word) == 0;
}

static int
port(struct at *a, const char *word, uint16_t *out)
{
	uint64_t v;
	int r;

	if (!word)
		return line_bad(a, NULL,
				"no port; write a number or from "
				"SETTING");
	if ((r = line_number(a, word, strlen(word), &v)) != 0)
		return r;
	if (v > UINT16_MAX)
		return line_bad(a, word, "%s is no port; use 0 to %u", word,
				UINT16_MAX);
	*out = (uint16_t)v;
	return 0;
}

static int
path(struct at *a, const char *word, char out[static POL_TEXT_MAX])
{
	size_t n = word ? strlen(word) : 0;

	if (n < 2 || word[0] != '/' || n >= POL_TEXT_MAX)
		return line_bad(a, word,
				"no path; write one that begins with /, or "
				"from SETTING");
	memcpy(out, word, n + 1);
	return 0;
}

/*
 * landlock off | nothing
 * landlock read|write|execute PATH|from SETTING [/BELOW] [when …]
 * landlock connect|bind PORT|from SETTING [plus NUMBER] [when …]
 */
static int
rule(struct at *a, enum page_reach reach)
{
	struct policy *p = a->p;
	bool net = reach == REACH_CONNECT || reach == REACH_BIND;
	size_t i = 2;
	int r = 0;

	if (p->rule_count == POL_PARTS_MAX)
		return line_bad(a, a->words[1], "too many rules");
	p->rules[p->rule_count].page.reach = reach;
	if (word_is(a, i, "from")) {
		r = head_setting(a, i + 1, p->rules[p->rule_count].setting,
				 NULL);
		i += 2;
		if (r == 0 && net && word_is(a, i, "plus")) {
			r = port(a, a->words[i + 1],
				 &p->rules[p->rule_count].page.port);
			i += 2;
		} else if (r == 0 && !net && a->words[i] &&
			   a->words[i][0] == '/') {
			r = path(a, a->words[i], p->rules[p->rule_count].path);
			i++;
		}
	} else if (net) {
		r = port(a, a->words[i++], &p->rules[p->rule_count].page.port);
	} else {
		r = path(a, a->words[i++], p->rules[p->rule_count].path);
	}
	if (r != 0)
		return r;
	r = head_when(a, i, &p->rules[p->rule_count].page.when);
	p->rule_count++;
	return r;
}

int
head_landlock(struct at *a)
{
	struct policy *p = a->p;

	if (a->count == 2 && word_is(a, 1, "off"))
		return 0;
	p->page.landlock = true;
	if (a->count == 2 && word_is(a, 1, "nothing"))
		return 0;
	for (size_t i = 0; i < COUNT(reaches); i++) {
		if (word_is(a, 1, reaches[i].name))
			return rule(a, reaches[i].reach);
	}
	return line_bad(a, a->words[1],
			"not a rule of Landlock; write nothing, or one of "
			"read, write, execute, connect, bind");
}

/* "6" or "6..18" */
static int
numbers(struct at *a, char *word, struct page_fd *out)
{
	size_t n = strlen(word);
	char *dots = strstr(word, "..");
	uint64_t first, last;
	int r;

	if ((r = line_number(a, word, dots ? (size_t)(dots - word) : n,
			     &first)) != 0)
		return r;
	last = first;
	if (dots &&
	    (r = line_number(a, dots + 2, strlen(dots + 2), &last)) != 0)
		return r;
	if (first > last || last > POL_FD_LAST)
		return line_bad(a, word,
				"%s is not a descriptor; use 0 to %u, or "
				"FIRST..LAST",
				word, POL_FD_LAST);
	out->first = (int)first;
	out->last = (int)last;
	return 0;
}

static int
kind(struct at *a, const char *word, struct page_fd *out)
{
	for (size_t i = 0; word && i < COUNT(kinds); i++) {
		if (strcmp(kinds[i].name, word) == 0) {
			out->kind = kinds[i].kind;
			return 0;
		}
	}
	return line_bad(a, word,
			"no kind of descriptor; write null, log, seqpacket, "
			"stream, pipe-read, pipe-write, memfd, file-write or "
			"device");
}

/* in SEAT…; returns where the words go on. */
static int
in_seats(struct at *a, size_t *i, struct page_fd *out)
{
	const struct policy *p = a->p;

	if (!word_is(a, *i, "in")) {
		for (size_t k = 0; k < p->seat_count; k++)
			out->seats |= SEAT_BIT(p->seats[k].seat);
		return 0;
	}
	for ((*i)++; a->words[*i] && !word_is(a, *i, "used") &&
		     !word_is(a, *i, "closed") && !word_is(a, *i, "never");
	     (*i)++) {
		size_t k = 0;

		while (k < p->seat_count &&
		       !word_is(a, *i, seat_name(p->seats[k].seat)))
			k++;
		if (k == p->seat_count)
			return line_bad(a, a->words[*i],
					"no seat of this role; write one that "
					"a seat line above names");
		out->seats |= SEAT_BIT(p->seats[k].seat);
	}
	if (out->seats == 0)
		return line_bad(a, a->words[*i], "no seat; write in SEAT");
	return 0;
}

/* used by CALL… | used before the lock | closed when locked | never used */
static int
use(struct at *a, size_t i, struct pol_fd *f)
{
	char words[POL_WHEN_MAX];
	int r;

	f->use = POL_FD_RULES;
	if (a->count == i)
		return 0;
	if ((r = line_words(a, i, a->count, words)) != 0)
		return r;
	for (size_t k = 0; k < COUNT(uses); k++) {
		if (strcmp(words, uses[k].words) != 0)
			continue;
		f->use = uses[k].use;
		f->page.until_locked = f->use == POL_FD_LOCKED;
		return 0;
	}
	if (a->count < i + 3 || !word_is(a, i, "used") ||
	    !word_is(a, i + 1, "by"))
		return line_bad(a, a->words[i],
				"not a use; write used by CALL, used before "
				"the lock, closed when locked or never used");
	for (i += 2; i < a->count; i++) {
		if (f->by_count == POL_CONDS_MAX)
			return line_bad(a, a->words[i], "too many calls");
		if ((r = line_name(a, f->by[f->by_count++], a->words[i])) != 0)
			return r;
	}
	return 0;
}

static int
unique(struct at *a, const struct pol_fd *f)
{
	const struct policy *p = a->p;
	int last = -1;

	for (size_t i = 0; i < p->fd_count; i++) {
		const struct pol_fd *o = &p->fds[i];

		if ((o->page.seats & f->page.seats) &&
		    strcmp(o->name, f->name) == 0)
			return line_bad(a, a->words[1],
					"line %u names %s already; use another "
					"name",
					o->number, f->name);
		if ((o->page.seats & f->page.seats) &&
		    o->page.first <= f->page.last &&
		    f->page.first <= o->page.last)
			return line_bad(a, a->words[2],
					"line %u has this number already; use "
					"that one's name",
					o->number);
		if (o->page.seats & f->page.seats)
			last = o->page.last;
	}
	if (last > f->page.first)
		return line_bad(a, a->words[2],
				"a line above has a higher number; write them "
				"in order");
	return 0;
}

/* fd NAME NUMBER|FIRST..LAST KIND [in SEAT…] [use]; or: fd others */
int
head_fd(struct at *a)
{
	struct policy *p = a->p;
	struct pol_fd *f = &p->fds[p->fd_count];
	size_t i = 4;
	int r;

	if (a->count == 2 && word_is(a, 1, "others")) {
		p->page.other_fds = true;
		return 0;
	}
	if (a->count < 4)
		return line_bad(a, NULL,
				"half a descriptor; write fd NAME NUMBER KIND");
	if (p->fd_count == POL_FDS_MAX)
		return line_bad(a, a->words[0],
				"too many descriptors; %u can be", POL_FDS_MAX);
	*f = (struct pol_fd){.number = a->number};
	if ((r = line_name(a, f->name, a->words[1])) != 0 ||
	    (r = numbers(a, a->words[2], &f->page)) != 0 ||
	    (r = kind(a, a->words[3], &f->page)) != 0 ||
	    (r = in_seats(a, &i, &f->page)) != 0 || (r = use(a, i, f)) != 0 ||
	    (r = unique(a, f)) != 0)
		return r;
	p->fd_count++;
	return 0;
}
