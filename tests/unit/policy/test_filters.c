/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The compiled filters on live processes: each line of tests/tables/
 * filters.tbl in a child, then a sweep: every call that a policy does not
 * name kills (or answers EPERM), every kill line without a condition kills.
 */
#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../check.h"
#include "filter.h"
#include "policy_parse.h"

#define SWEEP_LAST 470 /* the kernel's table ends here today */
#define WORDS	   12u

enum outcome { LIVES, DIES, OTHER = 1000 /* + errno of a call that lives */ };

extern const struct filter_prog filter_sample_eperm; /* of this test */

static const struct filter_prog *const filters[] = {
	&filter_broker,	      &filter_resolve,	 &filter_https,
	&filter_keeper,	      &filter_verify,	 &filter_tpm,
	&filter_prepare,      &filter_control,	 &filter_vault_server,
	&filter_outer,	      &filter_outer_net, &filter_supervisor,
	&filter_sample_eperm,
};

#define FILTERS (sizeof(filters) / sizeof(filters[0]))

static const char *table;
static const char *dirs[2]; /* of policies; of the sample */

static const struct filter_prog *
filter_of(const char *name)
{
	for (size_t i = 0; i < FILTERS; i++) {
		if (strcmp(filters[i]->name, name) == 0)
			return filters[i];
	}
	return NULL;
}

/* In the child: harmless even if the filter lets everything pass. */
_Noreturn static void
try_call(const struct filter_prog *f, long nr, const uint64_t a[6], int want)
{
	long r;

	alarm(5);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
	    (getuid() == 0 && setresuid(65534, 65534, 65534) != 0) ||
	    filter_install(f) != 0)
		_exit(2);
	errno = 0;
	r = syscall(nr, a[0], a[1], a[2], a[3], a[4], a[5]);
	_exit(want && (r != -1 || errno != want) ? 3 : 0);
}

/* Returns 1 when the child ended as `want` says. */
static int
child(const struct filter_prog *f, long nr, const uint64_t a[6], int want)
{
	int status = 0;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0)
		try_call(f, nr, a, want > OTHER ? want - OTHER : 0);
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return 0;
	if (want == DIES)
		return WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static uint64_t
number(const char *s)
{
	uint64_t all = 0, one;
	size_t n;
	char *end;

	for (;; s += n + 1) {
		n = strcspn(s, "|");
		if (pol_const(s, n, &one) != 0) {
			one = strtoull(s, &end, 0);
			if (end != s + n)
				printf("# bad number %s\n", s);
		}
		all |= one;
		if (s[n] == '\0')
			return all;
	}
}

static int
outcome(const char *s)
{
	int e;

	if (strcmp(s, "live") == 0)
		return LIVES;
	if (strcmp(s, "kill") == 0)
		return DIES;
	return pol_errno(s, &e) == 0 ? OTHER + e : -1;
}

/* One line of the table. */
static int
row(char *line)
{
	char *words[WORDS] = {0}, *save = NULL;
	uint64_t a[6] = {0};
	size_t n = 0;

	for (char *w = strtok_r(line, " \t\n", &save); w && n < WORDS;
	     w = strtok_r(NULL, " \t\n", &save))
		words[n++] = w;
	if (n == 0 || words[0][0] == '#')
		return 1;
	if (n < 3 || n > 9 || !filter_of(words[0]) || pol_call(words[1]) < 0 ||
	    outcome(words[2]) < 0)
		return 0;
	for (size_t i = 3; i < n; i++)
		a[i - 3] = number(words[i]);
	return child(filter_of(words[0]), pol_call(words[1]), a,
		     outcome(words[2]));
}

CASE(every_line_of_the_table_holds)
{
	FILE *f = fopen(table, "re");
	char line[256], copy[256];
	unsigned n = 0;

	EXPECT(f != NULL);
	while (f && fgets(line, sizeof(line), f)) {
		memcpy(copy, line, sizeof(copy));
		n++;
		if (!row(line)) {
			printf("# %s:%u: %s", table, n, copy);
			EXPECT(!"the line of the table");
		}
	}
	EXPECT(n > 100);
	if (f)
		fclose(f);
}

static struct policy policy;

static int
load(const struct filter_prog *f)
{
	static char text[POL_FILE_MAX];
	char path[512];
	size_t n;
	FILE *in = NULL;

	for (int i = 0; i < 2 && !in; i++) {
		snprintf(path, sizeof(path), "%s/%s.policy", dirs[i], f->name);
		in = fopen(path, "re");
	}
	if (!in)
		return ERR_SYS;
	n = fread(text, 1, sizeof(text), in);
	fclose(in);
	return pol_parse(&policy, path, text, n);
}

static const struct pol_line *
named(long nr)
{
	for (size_t i = 0; i < policy.line_count; i++) {
		if (policy.lines[i].nr == nr)
			return &policy.lines[i];
	}
	return NULL;
}

/* uprobe and uretprobe never reach a filter (Linux 6.18): 335 and 336. */
static int
unreachable(long nr)
{
	return nr == 335 || nr == 336;
}

/* What a call that no line names meets: kill, or EPERM. */
static int
unnamed(void)
{
	return policy.otherwise == POL_DEFAULT_EPERM ? OTHER + EPERM : DIES;
}

CASE(calls_that_a_policy_does_not_name_do_not_pass)
{
	const uint64_t none[6] = {0};

	for (size_t i = 0; i < FILTERS; i++) {
		EXPECT(load(filters[i]) == 0);
		if (policy.otherwise == POL_DEFAULT_ALLOW)
			continue;
		for (long nr = 0; nr <= SWEEP_LAST; nr++) {
			if (named(nr) || unreachable(nr))
				continue;
			if (!child(filters[i], nr, none, unnamed())) {
				printf("# %s %ld\n", filters[i]->name, nr);
				EXPECT(!"killed or refused");
			}
		}
	}
}

CASE(calls_that_a_kill_line_names_kill)
{
	const uint64_t none[6] = {0};

	for (size_t i = 0; i < FILTERS; i++) {
		EXPECT(load(filters[i]) == 0);
		for (size_t n = 0; n < policy.line_count; n++) {
			const struct pol_line *l = &policy.lines[n];

			if (l->action != POL_KILL || l->cond_count != 0)
				continue;
			if (!child(filters[i], l->nr, none, DIES)) {
				printf("# %s %s\n", policy.role, l->call);
				EXPECT(!"killed");
			}
		}
	}
}

CASE(x32_numbers_and_minus_one_do_not_pass)
{
	const uint64_t none[6] = {0};

	for (size_t i = 0; i < FILTERS; i++) {
		EXPECT(load(filters[i]) == 0);
		EXPECT(child(filters[i], 0x40000000 + SYS_getpid, none, DIES));
		if (policy.otherwise != POL_DEFAULT_ALLOW)
			EXPECT(child(filters[i], -1, none, unnamed()));
	}
}

CASE(a_foreign_architecture_kills_under_every_filter)
{
	for (size_t i = 0; i < FILTERS; i++) {
		int status = 0;
		pid_t pid = fork();

		if (pid == 0) {
			if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
			    filter_install(filters[i]) != 0)
				_exit(2);
			/* getpid of i386 by int 0x80 */
			__asm__ volatile("int $0x80" : : "a"(20) : "memory");
			_exit(0);
		}
		EXPECT(pid > 0 && waitpid(pid, &status, 0) == pid);
		EXPECT(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS);
	}
}

CASE(without_no_new_privs_an_unprivileged_process_gets_no_filter)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		if (getuid() == 0 && setresuid(65534, 65534, 65534) != 0)
			_exit(2);
		_exit(filter_install(&filter_broker) == ERR_LOCK ? 0 : 1);
	}
	EXPECT(pid > 0 && waitpid(pid, &status, 0) == pid);
	EXPECT(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

int
main(int argc, char **argv)
{
	if (argc != 4)
		return 2;
	table = argv[1];
	dirs[0] = argv[2];
	dirs[1] = argv[3];
	return check_run();
}
