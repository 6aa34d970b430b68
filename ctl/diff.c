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
 *	"The filter: …"			and its checksum on the last line
 *
 * A listing with any other line, or without its last, is refused: what is not
 * understood is not called equal.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "ctl.h"

#define STATEMENTS_MAX 512
#define TEXT_MAX       1024
#define LINE_MAX_BYTES 1024
#define ROLE_MAX       32
#define SUM_CHARS      64 /* SHA-256 in hex */
#define FILES_MAX      64

struct statement {
	char text[TEXT_MAX];
	char reason[TEXT_MAX];
	bool in_other;
};

struct listing {
	char role[ROLE_MAX];
	char filter[TEXT_MAX]; /* its size and checksum */
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

/* Where in a listing we are. */
enum part { PART_PAGE, PART_DEFAULT, PART_CALLS, PART_FILTER, PART_END };

/* A line that begins in the first column. */
static int
take_head(struct listing *l, const char *line, enum part *at)
{
	const char *hex = "0123456789abcdef";
	size_t n = strlen(l->filter);

	if (!strncmp(line, "System calls by number", 22) && *at == PART_PAGE) {
		*at = PART_DEFAULT;
		line = strstr(line, "What is not here");
		return line ? add(l, line) : ERR_FORMAT;
	}
	if (!strncmp(line, "The filter: ", 12) && *at == PART_CALLS) {
		*at = PART_FILTER;
		snprintf(l->filter, sizeof(l->filter), "%s", line + 12);
		return 0;
	}
	if (*at == PART_FILTER && strlen(line) == SUM_CHARS &&
	    strspn(line, hex) == SUM_CHARS) {
		*at = PART_END;
		snprintf(l->filter + n, sizeof(l->filter) - n, " %s", line);
		return n + 1 + SUM_CHARS < sizeof(l->filter) ? 0 : ERR_RANGE;
	}
	if (*at == PART_DEFAULT && line[0])
		return add_to(&l->s[l->count - 1], line);
	if (!strcmp(line, "") ||
	    (*at == PART_PAGE && (!strcmp(line, "The process:") ||
				  !strcmp(line, "A list of calls that "
						"processes load."))))
		return 0;
	return ERR_FORMAT;
}

static int
take_line(struct listing *l, char *line, enum part *at)
{
	bool tabbed = line[0] == '\t', spaced = line[0] == ' ';

	line[strcspn(line, "\r\n")] = '\0';
	if (!tabbed && !spaced)
		return take_head(l, line, at);
	if (*at > PART_CALLS)
		return ERR_FORMAT;
	if (*at == PART_DEFAULT)
		*at = PART_CALLS;
	squeeze(line);
	return tabbed ? add_below(l, line) : add(l, line);
}

static int
is_listing_of(struct listing *l, const char *line)
{
	size_t n = strcspn(line, ":");

	if (n == 0 || n >= sizeof(l->role) ||
	    strncmp(line + n, ": made by policyc", 17) != 0)
		return ERR_FORMAT;
	memcpy(l->role, line, n);
	l->role[n] = '\0';
	return 0;
}

static int
read_listing(const char *path, struct listing *l)
{
	char line[LINE_MAX_BYTES];
	enum part at = PART_PAGE;
	FILE *f = fopen(path, "re");
	unsigned number = 1;
	int r = 0;

	if (!f)
		return ctl_bad("%s: %s", path, strerror(errno));
	if (!fgets(line, sizeof(line), f) || is_listing_of(l, line) != 0) {
		fclose(f);
		return ctl_bad("%s is no listing of policyc: give a file like "
			       "policy/golden/tpm.txt, or a directory of such",
			       path);
	}
	for (; r == 0 && fgets(line, sizeof(line), f); number++)
		r = strchr(line, '\n') ? take_line(l, line, &at) : ERR_RANGE;
	fclose(f);
	if (r != 0)
		return ctl_bad("%s:%u: no line of this version's listings: "
			       "compare with the sallyportctl of the release "
			       "that made it, or restore the file",
			       path, number);
	return at == PART_END ? 0
			      : ctl_bad("%s ends before its checksum: it was "
					"cut short, restore it",
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

/*
 * Says when the program is another.  Where no line is, the compiler is, or
 * libseccomp, or somebody made a listing that is not true.
 */
static void
print_filter(const struct listing *a, const struct listing *b, bool lines)
{
	if (strcmp(a->filter, b->filter) == 0)
		return;
	printf("  the filter%s:\n", lines ? "" : ", though no line is another");
	if (a->filter[0])
		printf("  - %s\n", a->filter);
	if (b->filter[0])
		printf("  + %s\n", b->filter);
}

/* One role; a path of NULL: the release does not have it; role NULL: two
 * files, which say whose they are. */
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
	if (gone + come + other == 0 && !strcmp(a.filter, b.filter))
		return CTL_OK;
	if (!role && strcmp(a.role, b.role) != 0)
		printf("%s, now %s:\n", a.role, b.role);
	else
		printf("%s:%s\n", role ? role : b.role,
		       !old   ? " a new role"
		       : !new ? " is gone"
			      : "");
	print(&a, '-');
	print(&b, '+');
	print_filter(&a, &b, gone + come != 0);
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
	struct stat a = {0}, b = {0};
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
		return compare(NULL, argv[0], argv[1]);
	gone = compare_names(argv[0], argv[0], argv[1], false, &seen);
	come = compare_names(argv[1], argv[0], argv[1], true, &seen);
	if (seen == 0)
		return ctl_bad("no listing (ROLE.txt) in %s and %s", argv[0],
			       argv[1]);
	return gone > come ? gone : come;
}
