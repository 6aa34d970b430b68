/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file and its lines.  libinih parses them, but Debian's is built with a
 * buffer of 200 bytes, cuts a section's name at 49, drops what stands behind
 * a section's bracket and takes an indented line for a second value, all in
 * silence.  So it is given its lines from here: checked, without indentation,
 * and of a longer one the key alone; the value waits beside.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <ini.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf_load.h"
#include "config.h"

#define DEFAULT_FILE SP_SYSCONFDIR "/sallyport.conf"
#define FILE_MAX     (256u << 10)
#define NAME_BYTES   49 /* of a section or key, in libinih */

struct lines {
	struct load *load;
	const char *name; /* of the file */
	const char *p, *end;
	unsigned line;
	char *value; /* of a long line, the reader's; or NULL */
};

static int
bad_line(struct lines *t, const char *what)
{
	if (!t->load->failed)
		conf_fail(t->load, "%s, line %u: %s", t->name, t->line, what);
	return ERR_FORMAT;
}

/* libinih's rule: a blank and ';' begin a comment. */
static size_t
without_comment(const char *s, size_t n)
{
	for (size_t i = 1; i < n; i++)
		if (s[i] == ';' && isspace((unsigned char)s[i - 1]))
			n = i;
	while (n > 0 && isspace((unsigned char)s[n - 1]))
		n--;
	return n;
}

/* [NAME], a comment perhaps, nothing else. */
static int
check_head(struct lines *t, const char *s, size_t n)
{
	const char *close = memchr(s, ']', n);

	n = without_comment(s, n);
	if (!close || close != s + n - 1)
		return bad_line(t, "a section's line must be [KIND NAME]");
	if (n - 2 > NAME_BYTES)
		return bad_line(t, "a section's name has at most 49 bytes");
	return 0;
}

/* KEY = VALUE or KEY: VALUE; returns 0 and the key's length. */
static int
check_pair(struct lines *t, const char *s, size_t n, size_t *out_key)
{
	size_t key = 0;

	n = without_comment(s, n);
	while (key < n && s[key] != '=' && s[key] != ':')
		key++;
	if (key == n || key == 0 || key > NAME_BYTES)
		return bad_line(t, "not KEY = VALUE");
	*out_key = key;
	return 0;
}

/* A line that libinih would cut: it gets "KEY =", the value waits here. */
static int
long_line(struct lines *t, const char *s, size_t n, size_t key, char *out,
	  size_t cap)
{
	n = without_comment(s, n);
	snprintf(out, cap, "%.*s=", (int)key, s);
	for (key++; key < n && isspace((unsigned char)s[key]);)
		key++;
	t->value = strndup(s + key, n - key);
	return t->value ? 0 : bad_line(t, "out of memory");
}

static int
check_bytes(struct lines *t, const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		unsigned char ch = (unsigned char)s[i];
		char what[80];

		if ((ch >= 0x20 && ch != 0x7f) || ch == '\t')
			continue;
		snprintf(what, sizeof(what),
			 "holds the byte 0x%02x: it must be plain text (UTF-8)",
			 ch);
		return bad_line(t, what);
	}
	return 0;
}

static int
next_line(struct lines *t, char *out, size_t cap)
{
	const char *s = t->p, *lf = memchr(s, '\n', (size_t)(t->end - s));
	size_t n = (size_t)((lf ? lf : t->end) - s), key = 0;

	t->line++;
	t->p = lf ? lf + 1 : t->end;
	if (n > 0 && s[n - 1] == '\r')
		n--;
	if (check_bytes(t, s, n) != 0)
		return ERR_FORMAT;
	for (; n > 0 && isspace((unsigned char)*s); n--)
		s++;
	if (n > 0 && (*s == ';' || *s == '#'))
		n = 0;
	if (n > 0 &&
	    (*s == '[' ? check_head(t, s, n) : check_pair(t, s, n, &key)) != 0)
		return ERR_FORMAT;
	if (n + 2 > cap && *s != '[')
		return long_line(t, s, n, key, out, cap);
	if (n + 2 > cap) /* a section's line with a long comment */
		n = cap - 2;
	snprintf(out, cap, "%.*s\n", (int)n, s);
	return 0;
}

/* fgets(3), as libinih calls it. */
static char *
give_line(char *out, int cap, void *stream)
{
	struct lines *t = stream;

	free(t->value);
	t->value = NULL;
	if (t->p == t->end || t->load->failed ||
	    next_line(t, out, (size_t)cap) != 0)
		return NULL;
	return out;
}

static int
take_pair(void *arg, const char *section, const char *name, const char *value)
{
	struct lines *t = arg;
	char what[sizeof(t->load->error->text[0])];
	struct load l = *t->load;
	struct conf_error why = {0};

	if (t->load->failed)
		return 0;
	l.error = &why;
	if (conf_pair(&l, section, name, t->value ? t->value : value) == 1)
		return 1;
	snprintf(what, sizeof(what), "%.300s",
		 l.failed ? why.text[0] : "out of memory");
	(void)!bad_line(t, what);
	return 0;
}

int
conf_text(struct load *l, const char *name, const char *text, size_t bytes)
{
	struct lines t = {
		.load = l, .name = name, .p = text, .end = text + bytes};
	int bad;

	if (bytes >= 3 && !memcmp(text, "\xef\xbb\xbf", 3))
		t.p += 3; /* an editor's byte order mark */
	bad = ini_parse_stream(give_line, &t, take_pair, &t);
	free(t.value);
	if (bad < 0)
		conf_fail(l, "%s: out of memory", name);
	if (bad > 0 && !l->failed) {
		t.line = (unsigned)bad;
		return bad_line(&t, "not KEY = VALUE");
	}
	return l->failed ? ERR_FORMAT : 0;
}

/* The file belongs to root and nobody else writes it. */
static int
check_owner(struct load *l, int fd, const char *name)
{
	struct stat st;

	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
		conf_fail(l, "%s is not a regular file", name);
		return ERR_FORMAT;
	}
	if (st.st_uid == 0 && (st.st_mode & 022) == 0)
		return 0;
	conf_fail(l,
		  "%s must belong to root and be writable by root alone: "
		  "chown root %s; chmod go-w %s",
		  name, name, name);
	return ERR_FORMAT;
}

static int
read_all(struct load *l, int fd, const char *name)
{
	char *text = malloc(FILE_MAX + 1);
	size_t used = 0;
	ssize_t n = 0;
	int r = ERR_FORMAT;

	while (text && used <= FILE_MAX &&
	       (n = read(fd, text + used, FILE_MAX + 1 - used)) > 0)
		used += (size_t)n;
	if (!text || n < 0)
		conf_fail(l, "%s cannot be read: %s", name, strerror(errno));
	else if (used > FILE_MAX)
		conf_fail(l, "%s is larger than 256 KiB", name);
	else
		r = conf_text(l, name, text, used);
	free(text);
	return r;
}

int
conf_read_file(struct load *l, const char *file)
{
	const char *name = file ? file : DEFAULT_FILE;
	/* Not to hang on a pipe that stands in its place. */
	int fd = open(name, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC), r;

	if (fd < 0 && !file && errno == ENOENT)
		return 0;
	if (fd < 0) {
		conf_fail(l, "%s cannot be read: %s", name, strerror(errno));
		return ERR_FORMAT;
	}
	l->c->file = name;
	if ((r = check_owner(l, fd, name)) == 0)
		r = read_all(l, fd, name);
	close(fd);
	return r;
}
