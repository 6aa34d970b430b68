/* SPDX-License-Identifier: Apache-2.0 */
/* What fault.c was told, and what it knows of each process. */
#ifndef SP_FAULT_H
#define SP_FAULT_H

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

#define PROCS_MAX 4096
#define CALLS_MAX 32
#define NAME_MAX_ 64

struct rule {
	FILE *report;
	pid_t one; /* -p */
	char seat[NAME_MAX_];
	unsigned life;
	bool all, list, clones;
	unsigned long calls[CALLS_MAX];
	unsigned call_count;
	unsigned at;
	int signal, error;
	bool one_byte, stays;
	char victim[NAME_MAX_];
	bool done;
};

struct proc {
	pid_t pid;
	char name[NAME_MAX_]; /* empty before its exec */
	unsigned life;
	bool counts, gone, detached, spoiled;
	unsigned long long inside;
	unsigned count;
	int answer;
};

/*
 * Reads the command line.  Returns where the command begins (argv's end with
 * -p), or NULL after saying what is wrong.
 */
char **rule_read(int argc, char **argv, struct rule *out);

/* Says whether a call is one that counts. */
bool rule_counts(const struct rule *r, unsigned long nr);

/* The seat's name by its command line: "https fetch"; empty: it is gone. */
void proc_name(pid_t pid, char *out, size_t cap);

/*
 * Starts another process in the pid namespace whose first process is given,
 * which is not gone before that one is; and seizes it, to be held at its exit.
 * 0, or -1 with errno.
 */
int hold(pid_t who);

/* Its parent, by /proc; 0: it is gone. */
pid_t proc_parent(pid_t pid);

#endif
