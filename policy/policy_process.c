/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of the page: what the process is, its namespaces, root and limits. */
#include <linux/capability.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "policy_line.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

struct word {
	const char *name;
	unsigned long value;
};

static const struct word caps[] = {
	{"kill", CAP_KILL},	      {"setgid", CAP_SETGID},
	{"setuid", CAP_SETUID},	      {"setpcap", CAP_SETPCAP},
	{"sys_admin", CAP_SYS_ADMIN}, {"sys_chroot", CAP_SYS_CHROOT},
};

static const struct word profiles[] = {
	{"full", IN_FULL},
	{"container", IN_CONTAINER},
	{"chroot", IN_CHROOT},
};

static const struct word namespaces[] = {
	{"mount", CLONE_NEWNS},	     {"ipc", CLONE_NEWIPC},
	{"uts", CLONE_NEWUTS},	     {"pid", CLONE_NEWPID},
	{"cgroup", CLONE_NEWCGROUP},
};

static const struct word limits[] = {
	{"core", RLIMIT_CORE},	       {"fsize", RLIMIT_FSIZE},
	{"nproc", RLIMIT_NPROC},       {"nofile", RLIMIT_NOFILE},
	{"msgqueue", RLIMIT_MSGQUEUE}, {"memlock", RLIMIT_MEMLOCK},
};

static const struct word nets[] = {{"host", NET_HOST}, {"empty", NET_EMPTY}};

static const struct word roots[] = {
	{"host", ROOT_HOST}, {"library", ROOT_LIBRARY}, {"tmpfs", ROOT_TMPFS}};

/* Finds word i of the line in a table; says what could stand there. */
static int
find(struct at *a, size_t i, const struct word *table, size_t n,
     const char *what, unsigned long *out)
{
	char all[160] = "";

	for (size_t k = 0; k < n; k++) {
		if (a->words[i] && strcmp(a->words[i], table[k].name) == 0) {
			*out = table[k].value;
			return 0;
		}
		snprintf(all + strlen(all), sizeof(all) - strlen(all), "%s%s",
			 k ? ", " : "", table[k].name);
	}
	return line_bad(a, a->words[i], "no %s here; write one of %s", what,
			all);
}

int
head_when(struct at *a, size_t i, unsigned *out)
{
	static const struct word whens[] = {
		{"public", WHEN_PUBLIC}, {"private", WHEN_PRIVATE},
		{"local", WHEN_LOCAL},	 {"remote", WHEN_REMOTE},
		{"raft", WHEN_RAFT},
	};
	const char *want = "when";
	unsigned long bit;
	int r;

	for (*out = 0; a->words[i]; i += 2) {
		if (strcmp(a->words[i], want) != 0)
			return line_bad(a, a->words[i],
					"\"%.30s\" where \"%s\" belongs; write "
					"when LIFE and STORE, or nothing",
					a->words[i], want);
		if ((r = find(a, i + 1, whens, COUNT(whens), "life or store",
			      &bit)) != 0)
			return r;
		*out |= (unsigned)bit;
		want = "and";
	}
	return 0;
}

/* seat NAME [with WORD [WORD]] */
int
head_seat(struct at *a)
{
	struct policy *p = a->p;
	size_t n = p->seat_count;
	enum seat s = 0;
	int r;

	if (p->fd_count != 0)
		return line_bad(a, a->words[0],
				"a seat behind descriptors, which are for the "
				"seats above them; move it up");
	while (a->words[1] && s < SEAT_COUNT &&
	       strcmp(seat_name(s), a->words[1]) != 0)
		s++;
	if (!a->words[1] || s == SEAT_COUNT)
		return line_bad(a, a->words[1],
				"no seat here; write one that seat.c names");
	for (size_t i = 0; i < n; i++) {
		if (p->seats[i].seat == s)
			return line_bad(a, a->words[1],
					"this seat has a line already; remove "
					"one of the two");
	}
	if (n == POL_PARTS_MAX)
		return line_bad(a, a->words[1], "too many seats");
	p->seats[n].seat = s;
	p->seats[n].number = a->number;
	p->seat_count++;
	if (a->count == 2)
		return 0;
	if (strcmp(a->words[2], "with") != 0 || a->count == 3)
		return line_bad(a, a->words[2],
				"not the words it is started with; write seat "
				"NAME with WORD");
	for (size_t i = 3; i < a->count && i < 5; i++) {
		if ((r = line_name(a, p->seats[n].word[i - 3], a->words[i])) !=
		    0)
			return r;
	}
	return head_ends(a, 5);
}

/* uid 0, or: uid from SETTING, by default NUMBER */
int
head_uid(struct at *a)
{
	struct policy *p = a->p;
	const char *value = NULL;
	int r;

	if (a->count == 2 && strcmp(a->words[1], "0") == 0)
		return 0;
	if (a->count != 6 || strcmp(a->words[1], "from") != 0 ||
	    strcmp(a->words[3], "by") != 0 ||
	    strcmp(a->words[4], "default") != 0)
		return line_bad(a, a->words[1],
				"not a uid; write uid from SETTING, by default "
				"NUMBER");
	if ((r = head_setting(a, 2, p->uid_setting, &value)) != 0 ||
	    (r = line_name(a, p->uid_default, a->words[5])) != 0)
		return r;
	if (!value || strcmp(value, p->uid_default) != 0)
		return line_bad(a, a->words[5],
				"the setting's default is %s; write that",
				value ? value : "not a number");
	return 0;
}

/* capabilities none, or: capabilities NAME… [in PROFILE…] */
int
head_capabilities(struct at *a)
{
	struct policy *p = a->p;
	size_t first = p->cap_count, i = 1;
	unsigned in = 0;
	unsigned long v;
	int r;

	if (a->count == 2 && strcmp(a->words[1], "none") == 0)
		return 0;
	for (; i < a->count && strcmp(a->words[i], "in") != 0; i++) {
		if ((r = find(a, i, caps, COUNT(caps), "capability", &v)) != 0)
			return r;
		for (size_t k = 0; k < p->cap_count; k++)
			if (p->caps[k].cap == (unsigned)v)
				return line_bad(a, a->words[i],
						"%s stands already; keep one",
						a->words[i]);
		if (p->cap_count == POL_PARTS_MAX)
			return line_bad(a, a->words[i], "too many");
		p->caps[p->cap_count++] = (struct page_cap){.cap = (unsigned)v};
	}
	if (p->cap_count == first)
		return line_bad(a, a->words[1],
				"no capability here; write "
				"capabilities none");
	if (a->count == i + 1)
		return line_bad(a, NULL,
				"in no profile; write in full, in container "
				"or in chroot, or nothing");
	for (i++; i < a->count; i++) {
		if ((r = find(a, i, profiles, COUNT(profiles), "profile",
			      &v)) != 0)
			return r;
		in |= (unsigned)v;
	}
	for (size_t k = first; k < p->cap_count; k++)
		p->caps[k].profiles = in;
	return 0;
}

int
head_namespaces(struct at *a)
{
	unsigned long v;
	int r;

	if (a->count == 2 && strcmp(a->words[1], "none") == 0)
		return 0;
	if (a->count < 2)
		return line_bad(a, NULL,
				"no namespace; write namespaces none "
				"if there is no new one");
	for (size_t i = 1; i < a->count; i++) {
		if ((r = find(a, i, namespaces, COUNT(namespaces), "namespace",
			      &v)) != 0)
			return r;
		a->p->page.namespaces |= v;
	}
	return 0;
}

/* network host, or: network empty [when …] */
int
head_network(struct at *a)
{
	unsigned long v;
	unsigned when;
	int r;

	if ((r = find(a, 1, nets, COUNT(nets), "network", &v)) != 0 ||
	    (r = head_when(a, 2, &when)) != 0)
		return r;
	if (when == 0 && head_count(a->p, "network") == 1) {
		a->p->page.net = (enum page_net)v;
		return 0;
	}
	if (when == 0 || a->p->page.net_empty_when != 0)
		return line_bad(a, a->words[1],
				"one network too many; write one, and one "
				"exception: network empty when …");
	if (v != NET_EMPTY || a->p->page.net != NET_HOST ||
	    head_count(a->p, "network") == 1)
		return line_bad(a, a->words[1],
				"only empty can have a condition; write "
				"network host, then network empty when …");
	a->p->page.net_empty_when = when;
	return 0;
}

/* root KIND [in container] */
int
head_root(struct at *a)
{
	struct page *g = &a->p->page;
	unsigned long v;
	int r;

	if ((r = find(a, 1, roots, COUNT(roots), "root", &v)) != 0)
		return r;
	if (a->count == 4 && strcmp(a->words[2], "in") == 0 &&
	    strcmp(a->words[3], "container") == 0 &&
	    head_count(a->p, "root") == 2) {
		g->root_container = (enum page_root)v;
		return 0;
	}
	if ((r = head_ends(a, 2)) != 0)
		return r;
	if (head_count(a->p, "root") != 1)
		return line_bad(a, a->words[1],
				"one root too many; write one, and one "
				"exception: root KIND in container");
	g->root = g->root_container = (enum page_root)v;
	return 0;
}

/* limit NAME NUMBER, or: limit nofile from fds [plus NUMBER] */
int
head_limit(struct at *a)
{
	struct policy *p = a->p;
	struct page_limit *l = &p->limits[p->limit_count];
	unsigned long v;
	size_t at = 2;
	int r;

	if (p->limit_count == POL_PARTS_MAX)
		return line_bad(a, a->words[1], "too many limits");
	if ((r = find(a, 1, limits, COUNT(limits), "limit", &v)) != 0)
		return r;
	for (size_t i = 0; i < p->limit_count; i++) {
		if (p->limits[i].resource == (int)v)
			return line_bad(a, a->words[1],
					"%s is limited already; keep one line",
					a->words[1]);
	}
	*l = (struct page_limit){.resource = (int)v};
	if (a->count >= 4 && v == RLIMIT_NOFILE &&
	    strcmp(a->words[2], "from") == 0 &&
	    strcmp(a->words[3], "fds") == 0) {
		l->from_fds = true;
		p->limit_count++;
		if (a->count == 4)
			return 0;
		at = 5;
		if (strcmp(a->words[4], "plus") != 0)
			at = a->count;
	}
	if (at >= a->count)
		return line_bad(a, NULL,
				"no number; write limit NAME NUMBER "
				"or limit nofile from fds plus NUMBER");
	if ((r = line_number(a, a->words[at], strlen(a->words[at]),
			     &l->value)) != 0)
		return r;
	if (l->value > INT64_MAX)
		return line_bad(a, a->words[at],
				"no limit can be negative; write a number "
				"from 0 on");
	p->limit_count += !l->from_fds;
	return head_ends(a, at + 1);
}
