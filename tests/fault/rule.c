/* SPDX-License-Identifier: Apache-2.0 */
/* Command lines: that of fault.c, and those of the processes it follows. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fault.h"

static char **
wrong(const char *what)
{
	fprintf(stderr, "fault: %s is not understood\n", what);
	return NULL;
}

static bool
number(const char *text, unsigned long *out)
{
	char *end;

	errno = 0;
	*out = strtoul(text, &end, 10);
	return *text != '\0' && *end == '\0' && errno == 0;
}

static bool
calls(char *text, struct rule *r)
{
	if (strcmp(text, "all") == 0) {
		r->all = true;
		return true;
	}
	for (char *word = strtok(text, ","); word; word = strtok(NULL, ",")) {
		if (r->call_count == CALLS_MAX ||
		    !number(word, &r->calls[r->call_count++]))
			return false;
	}
	return r->call_count > 0;
}

static bool
how(const char *text, struct rule *r)
{
	unsigned long n;

	if (strcmp(text, "short") == 0) {
		r->one_byte = true;
		return true;
	}
	if (strcmp(text, "stays") == 0) {
		r->stays = true;
		r->signal = SIGSTOP;
		return true;
	}
	if (strcmp(text, "list") == 0) {
		r->list = true;
		return true;
	}
	if (!number(*text == 'e' ? text + 1 : text, &n) || n == 0 || n > 4095)
		return false;
	if (*text == 'e')
		r->error = (int)n;
	else
		r->signal = (int)n;
	return true;
}

static bool
seat(char *text, struct rule *r)
{
	char *colon = strchr(text, ':');
	unsigned long life = 1;

	if (colon) {
		*colon = '\0';
		if (!number(colon + 1, &life))
			return false;
	}
	r->life = (unsigned)life;
	r->clones = strcmp(text, "clone") == 0;
	return snprintf(r->seat, sizeof(r->seat), "%s", text) <
	       (int)sizeof(r->seat);
}

char **
rule_read(int argc, char **argv, struct rule *out)
{
	unsigned long n;
	int i = 1;

	if (i + 1 < argc && strcmp(argv[i], "-o") == 0) {
		out->report = fopen(argv[i + 1], "we");
		if (!out->report)
			return wrong(argv[i + 1]);
		i += 2;
	}
	if (i + 1 < argc && strcmp(argv[i], "-p") == 0) {
		if (!number(argv[i + 1], &n))
			return wrong(argv[i + 1]);
		out->one = (pid_t)n;
		i += 2;
	}
	if (argc - i < 4)
		return wrong("the number of words");
	if (!seat(argv[i], out))
		return wrong(argv[i]);
	if (!calls(argv[i + 1], out))
		return wrong(argv[i + 1]);
	if (!number(argv[i + 2], &n))
		return wrong(argv[i + 2]);
	out->at = (unsigned)n;
	if (!how(argv[i + 3], out))
		return wrong(argv[i + 3]);
	i += 4;
	if (i < argc && strcmp(argv[i], "--") != 0) {
		if (snprintf(out->victim, sizeof(out->victim), "%s", argv[i]) >=
		    (int)sizeof(out->victim))
			return wrong(argv[i]);
		i++;
	}
	if (out->one)
		return argv + i;
	if (i + 1 >= argc || strcmp(argv[i], "--") != 0)
		return wrong("the place of --");
	return argv + i + 1;
}

bool
rule_counts(const struct rule *r, unsigned long nr)
{
	if (r->all)
		return true;
	for (unsigned i = 0; i < r->call_count; i++)
		if (r->calls[i] == nr)
			return true;
	return false;
}

/* What a file of /proc holds, terminated; empty: it is gone. */
static ssize_t
proc_read(pid_t pid, const char *name, char *out, size_t cap)
{
	char path[64];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, out, cap - 1);
	if (fd >= 0)
		close(fd);
	out[n > 0 ? n : 0] = '\0';
	return n;
}

pid_t
proc_parent(pid_t pid)
{
	char text[4096];
	const char *at;

	proc_read(pid, "status", text, sizeof(text));
	at = strstr(text, "\nPPid:\t");
	return at ? (pid_t)strtol(at + 7, NULL, 10) : 0;
}

void
proc_name(pid_t pid, char *out, size_t cap)
{
	char line[4096], *word, *slash;
	ssize_t n = proc_read(pid, "cmdline", line, sizeof(line));

	*out = '\0';
	if (n <= 0)
		return;
	slash = strrchr(line, '/');
	word = slash ? slash + 1 : line;
	if (strncmp(word, "sallyport-", 10) == 0) {
		char *more = line + strlen(line) + 1;

		snprintf(out, cap, "%s%s%s", word + 10,
			 more < line + n ? " " : "",
			 more < line + n ? more : "");
	} else {
		snprintf(out, cap, "%s", word);
	}
}
