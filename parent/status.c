/* SPDX-License-Identifier: Apache-2.0 */
#include "status.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define SEEN_ALL 0x1fffu

static unsigned
count_words(const char *s)
{
	unsigned n = 0;

	while (*(s += strspn(s, " \t\n"))) {
		n++;
		s += strcspn(s, " \t\n");
	}
	return n;
}

/* One line; returns the bit of what it was, 0 for a line of no interest. */
static unsigned
take_line(const char *line, struct status *st)
{
	static const char *const caps[] = {
		"CapInh:", "CapPrm:", "CapEff:", "CapBnd:", "CapAmb:"};
	char state;

	if (sscanf(line, "State: %c", &state) == 1) {
		st->zombie = state == 'Z' || state == 'X';
		st->stopped = state == 'T';
		return 0x0001;
	}
	if (sscanf(line, "Uid: %u %u %u %u", &st->uid[0], &st->uid[1],
		   &st->uid[2], &st->uid[3]) == 4)
		return 0x0002;
	if (sscanf(line, "Gid: %u %u %u %u", &st->gid[0], &st->gid[1],
		   &st->gid[2], &st->gid[3]) == 4)
		return 0x0004;
	if (!strncmp(line, "Groups:", 7)) {
		st->groups = count_words(line + 7);
		return 0x0008;
	}
	for (unsigned i = 0; i < 5; i++)
		if (!strncmp(line, caps[i], 7)) {
			unsigned long long v = 0;
			if (sscanf(line + 7, "%llx", &v) != 1)
				return 0;
			st->caps[i] = v;
			return 0x0010u << i;
		}
	if (sscanf(line, "NoNewPrivs: %u", &st->no_new_privs) == 1)
		return 0x0200;
	if (sscanf(line, "Seccomp: %u", &st->seccomp) == 1)
		return 0x0400;
	if (sscanf(line, "Seccomp_filters: %u", &st->filters) == 1)
		return 0x0800;
	if (sscanf(line, "Threads: %u", &st->threads) == 1)
		return 0x1000;
	return 0;
}

int
status_read(pid_t pid, struct status *out)
{
	struct status st = {0};
	struct stat file;
	char path[64], line[512];
	unsigned seen = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	if (!(f = fopen(path, "re")))
		return ERR_SYS;
	if (fstat(fileno(f), &file) != 0) {
		fclose(f);
		return ERR_SYS;
	}
	st.owner = file.st_uid;
	while (fgets(line, sizeof(line), f))
		seen |= take_line(line, &st);
	fclose(f);
	if (seen != SEEN_ALL)
		return ERR_FORMAT;
	/* A leader that ended by pthread_exit shows Z while threads go on. */
	st.exited = st.zombie;
	st.zombie = st.zombie && st.threads <= 1;
	*out = st;
	return 0;
}
