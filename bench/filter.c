/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench-filter POLICY-DIRECTORY [ROUNDS]: installing the filter that policyc
 * made (policy/filter.h) against libseccomp building and loading the same
 * lines at run time, each in a child of its own, in turn.  DESIGN section 9:
 * at most 0.35.
 */
#include "filter.h"

#include <seccomp.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "policy_parse.h"
#include "stats.h"

static struct policy policy;
static double *shared; /* what the child measured */

static void
must(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "bench-filter: %s\n", what);
	_exit(1);
}

static void
read_policy(const char *dir, const char *role)
{
	static char text[POL_FILE_MAX];
	char path[4096];
	size_t n;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s.policy", dir, role);
	f = fopen(path, "re");
	must(f != NULL, path);
	n = fread(text, 1, sizeof(text), f);
	fclose(f);
	must(pol_parse(&policy, path, text, n) == 0, policy.error);
}

/* One line as a program that links libseccomp would write it. */
static int
add(scmp_filter_ctx c, const struct pol_line *l)
{
	struct scmp_arg_cmp cmp[POL_CONDS_MAX];

	for (unsigned i = 0; i < l->cond_count; i++)
		cmp[i] = l->conds[i].op == POL_IN
				 ? SCMP_CMP(l->conds[i].type.arg,
					    SCMP_CMP_MASKED_EQ,
					    ~l->conds[i].value, 0)
				 : SCMP_CMP(l->conds[i].type.arg, SCMP_CMP_EQ,
					    l->conds[i].value, 0);
	return seccomp_rule_add_array(c, SCMP_ACT_ALLOW, l->nr, l->cond_count,
				      cmp);
}

static void
by_library(const struct filter_prog *f)
{
	scmp_filter_ctx c = seccomp_init(SCMP_ACT_KILL_PROCESS);
	bool ok = c != NULL;

	(void)f;
	for (size_t i = 0; ok && i < policy.line_count; i++)
		ok = add(c, &policy.lines[i]) == 0;
	ok = ok && seccomp_attr_set(c, SCMP_FLTATR_CTL_OPTIMIZE, 2) == 0 &&
	     seccomp_load(c) == 0;
	if (!ok)
		_exit(2);
}

static void
by_array(const struct filter_prog *f)
{
	if (filter_install(f) != 0)
		_exit(2);
}

/*
 * The filter must not end the child before it has said how long it took: the
 * last thing it does is exit_group(2), which every worker may.
 */
static double
in_child(void (*install)(const struct filter_prog *),
	 const struct filter_prog *f)
{
	int status;
	pid_t pid = fork();

	must(pid >= 0, "fork");
	if (pid == 0) {
		double t0;

		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
			_exit(2);
		t0 = bench_us();
		install(f);
		*shared = bench_us() - t0;
		_exit(0);
	}
	must(waitpid(pid, &status, 0) == pid && status == 0,
	     "a filter was not installed");
	return *shared;
}

int
main(int argc, char **argv)
{
	static const struct filter_prog *const filters[] = {
		&filter_broker,	 &filter_verify,  &filter_tpm,
		&filter_control, &filter_prepare, &filter_https};
	size_t rounds = argc > 2 ? strtoul(argv[2], NULL, 10) : 200;
	double *ours = calloc(rounds, sizeof(*ours));
	double *theirs = calloc(rounds, sizeof(*theirs));

	if (argc < 2 || rounds == 0 || !ours || !theirs) {
		fputs("usage: bench-filter POLICY-DIRECTORY [ROUNDS]\n",
		      stderr);
		return 2;
	}
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	must(shared != MAP_FAILED, "mmap");
	bench_head("installing a filter");
	for (size_t i = 0; i < sizeof(filters) / sizeof(filters[0]); i++) {
		char name[64];
		struct bench_base base;

		read_policy(argv[1], filters[i]->name);
		for (size_t r = 0; r < rounds; r++) {
			theirs[r] = in_child(by_library, filters[i]);
			ours[r] = in_child(by_array, filters[i]);
		}
		snprintf(name, sizeof(name), "%s: libseccomp at run time",
			 filters[i]->name);
		base = bench_row(name, theirs, rounds, NULL);
		snprintf(name, sizeof(name), "%s: compiled, %u instructions",
			 filters[i]->name, filters[i]->count);
		bench_row(name, ours, rounds, &base);
	}
	free(ours);
	free(theirs);
	return 0;
}
