/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy diff: two releases' listings (policyc -l, policy/golden/ROLE.txt,
 * installed under share/sallyport/policy) as sets of statements.  A statement
 * is a fact of the page or what happens to a call; its reason is left out, so
 * that a better comment is no difference, but said at the end.
 *
 *	"  fact text"			its reason follows, indented by tabs
 *	"   47 recvmsg passes"		conditions, then the reason, by tabs
 *	"System calls by number …"	the default stands in this paragraph
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "ctl.h"

#define STATEMENTS_MAX 512
#define TEXT_MAX       512
#define LINE_MAX_BYTES 512
#define FILES_MAX      64

struct statement {
	char text[TEXT_MAX];
	char reason[TEXT_MAX];
	bool in_other;
};

struct listing {
	size_t count;
	struct statement s[STATEMENTS_MAX];
};

static int
add(struct listing *l, const char *text)
{
	if (l->count == STATEMENTS_MAX || strlen(text) >= TEXT_MAX)
		return ERR_RANGE;
	snprintf(l->s[l->count++].text, TEXT_MAX, "%s", text);
	return 0;
}

static int
add_to(struct statement *s, const char *more)
{
	size_t n = strlen(s->text);

	if (n + 1 + strlen(more) >= TEXT_MAX)
		return ERR_RANGE;
	snprintf(s->text + n, TEXT_MAX - n, " %s", more);
	return 0;
}

/* Single spaces; "  fd   broker 3" and "fd broker 3" are one. */
static void
squeeze(char *s)
{
	char *to = s;

	for (const char *c = s + strspn(s, " \t"); *c; c++)
		if ((*c != ' ' && *c != '\t') ||
		    (to != s && to[-1] != ' ' && c[1] != '\0'))
			*to++ = *c == '\t' ? ' ' : *c;
	*to = '\0';
}

/* A tabbed line: a condition belongs to the statement, else a reason. */
static int
add_below(struct listing *l, const char *text)
{
	struct statement *s;

	if (l->count == 0)
		return ERR_FORMAT;
	s = &l->s[l->count - 1];
	if (strncmp(text, "when ", 5) != 0 && strncmp(text, "and ", 4) != 0) {
		snprintf(s->reason, TEXT_MAX, "%s", text);
		return 0;
	}
	return add_to(s, text);
}

static int
take_line(struct listing *l, char *line, bool *in_default)
{
	bool tabbed = line[0] == '\t', spaced = line[0] == ' ';

	line[strcspn(line, "\n")] = '\0';
	if (!strncmp(line, "System calls by number", 22)) {
		*in_default = true;
		line = strstr(line, "What is not here");
		return line ? add(l, line) : ERR_FORMAT;
	}
	squeeze(line);
	if (tabbed)
		return add_below(l, line);
	if (spaced) {
		*in_default = false;
		return add(l, line);
	}
	if (*in_default && line[0])
		return add_to(&l->s[l->count - 1], line);
	return 0;
}

static int
read_listing(const char *path, struct listing *l)
{
	char line[LINE_MAX_BYTES];
	bool in_default = false;
	FILE *f = fopen(path, "re");
	int r = 0;

	l->count = 0;
	if (!f)
		return ctl_bad("%s: %s", path, strerror(errno));
	if (!fgets(line, sizeof(line), f) || !strstr(line, ": made by policyc"))
		r = ERR_FORMAT;
	while (r == 0 && fgets(line, sizeof(line), f))
		r = strchr(line, '\n') ? take_line(l, line, &in_default)
				       : ERR_RANGE;
	fclose(f);
	return r == 0 ? 0
		      : ctl_bad("%s is no listing of policyc: give a file like "
				"policy/golden/tpm.txt, or a directory of "
				"such",
				path);
}

static void
mark(struct listing *a, struct listing *b)
{
	for (size_t i = 0; i < a->count; i++)
		for (size_t k = 0; k < b->count; k++) {
			if (b->s[k].in_other ||
			    strcmp(a->s[i].text, b->s[k].text) != 0)
				continue;
			a->s[i].in_other = b->s[k].in_other = true;
			break;
		}
}

static size_t
alone(const struct listing *l)
{
	size_t n = 0;

	for (size_t i = 0; i < l->count; i++)
		n += !l->s[i].in_other;
	return n;
}

static void
print(const struct listing *l, char sign)
{
	for (size_t i = 0; i < l->count; i++) {
		if (l->s[i].in_other)
			continue;
		printf("%c %s\n", sign, l->s[i].text);
		if (l->s[i].reason[0])
			printf("%c     # %s\n", sign, l->s[i].reason);
	}
}

/* How many statements stayed but say another reason. */
static size_t
reasons(const struct listing *a, const struct listing *b)
{
	size_t n = 0;

	for (size_t i = 0; i < a->count; i++)
		for (size_t k = 0; a->s[i].in_other && k < b->count; k++)
			if (!strcmp(a->s[i].text, b->s[k].text)) {
				n += strcmp(a->s[i].reason, b->s[k].reason) !=
				     0;
				break;
			}
	return n;
}

/* One role; a path of NULL: the release does not have it. */
static int
compare(const char *role, const char *old, const char *new)
{
	static struct listing a, b;
	size_t gone, come, other;
	int r;

	memset(&a, 0, sizeof(a));
	memset(&b, 0, sizeof(b));
	if ((old && (r = read_listing(old, &a)) != 0) ||
	    (new && (r = read_listing(new, &b)) != 0))
		return r;
	mark(&a, &b);
	other = reasons(&a, &b);
	gone = alone(&a);
	come = alone(&b);
	if (gone + come + other == 0)
		return CTL_OK;
	printf("%s:%s\n", role, !old ? " a new role" : !new ? " is gone" : "");
	print(&a, '-');
	print(&b, '+');
	printf("  %zu gone, %zu new, %zu with another reason\n\n", gone, come,
	       other);
	return CTL_DIFFER;
}

static int
is_listing(const struct dirent *e)
{
	size_t n = strlen(e->d_name);

	return n > 4 && !strcmp(e->d_name + n - 4, ".txt");
}

static bool
has(const char *dir, const char *name, char *path, size_t cap)
{
	struct stat st;

	snprintf(path, cap, "%s/%s", dir, name);
	return stat(path, &st) == 0;
}

/* All names of one directory; of the new one, those the old has not. */
static int
compare_names(const char *from, const char *old, const char *new, bool only_new,
	      size_t *out_seen)
{
	struct dirent **names;
	int n = scandir(from, &names, is_listing, alphasort);
	int worst = CTL_OK;

	if (n < 0)
		return ctl_bad("%s: %s", from, strerror(errno));
	for (int i = 0; i < n; i++) {
		char a[4096], b[4096];
		bool in_a = has(old, names[i]->d_name, a, sizeof(a));
		bool in_b = has(new, names[i]->d_name, b, sizeof(b));
		int r = CTL_OK;

		names[i]->d_name[strlen(names[i]->d_name) - 4] = '\0';
		if (!only_new || !in_a)
			r = compare(names[i]->d_name, in_a ? a : NULL,
				    in_b ? b : NULL);
		worst = r > worst ? r : worst;
		free(names[i]);
	}
	*out_seen += (size_t)n;
	free(names);
	return worst;
}

int
ctl_policy_diff(int argc, char **argv)
{
	struct stat a, b;
	size_t seen = 0;
	int gone, come;

	if (argc != 2)
		return ctl_bad("policy diff OLD NEW: two listings, or two "
			       "directories of listings (policy/golden)");
	for (int i = 0; i < 2; i++)
		if (stat(argv[i], i == 0 ? &a : &b) != 0)
			return ctl_bad("%s: %s", argv[i], strerror(errno));
	if (S_ISDIR(a.st_mode) != S_ISDIR(b.st_mode))
		return ctl_bad("OLD and NEW must be two files or two "
			       "directories");
	if (!S_ISDIR(a.st_mode))
		return compare("the role", argv[0], argv[1]);
	gone = compare_names(argv[0], argv[0], argv[1], false, &seen);
	come = compare_names(argv[1], argv[0], argv[1], true, &seen);
	if (seen == 0)
		return ctl_bad("no listing (ROLE.txt) in %s and %s", argv[0],
			       argv[1]);
	return gone > come ? gone : come;
}
