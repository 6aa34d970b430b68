/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A policy as BPF, by libseccomp.
 *
 * How a line is compared.  A 32-bit argument in a line that kills or answers
 * an error is compared by its low half alone, as the kernel reads it: garbage
 * above would slip past (CVE-2019-10063).  In a line that allows, the high
 * half must be zero (or, for a negative value, may be the sign): that fails
 * closed.
 *
 * `default allow` files are two programs behind one switch: the calls that
 * have allow lines go to a program whose default is to kill, everything else
 * to one whose default is to allow.  BPF jumps are relative, so the programs
 * that libseccomp exports can be put behind one another.
 */
#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "policy_emit.h"

/* Which lines of a policy go into one libseccomp filter. */
enum part {
	PART_ALL,
	PART_STRICT, /* of `default allow`: calls that have allow lines */
	PART_LOOSE,  /* of `default allow`: the others */
};

static bool
has_allow(const struct policy *p, int nr)
{
	for (size_t i = 0; i < p->line_count; i++) {
		if (p->lines[i].nr == nr && p->lines[i].action == POL_ALLOW)
			return true;
	}
	return false;
}

static bool
in_part(const struct policy *p, const struct pol_line *l, enum part part)
{
	if (part == PART_ALL)
		return true;
	return has_allow(p, l->nr) == (part == PART_STRICT);
}

/*
 * One condition for libseccomp.  `sign`: take the sign-extended form of a
 * negative 32-bit value.
 */
static struct scmp_arg_cmp
compare(const struct pol_line *l, const struct pol_cond *c, bool sign)
{
	uint64_t width = c->type.narrow ? UINT32_MAX : UINT64_MAX;
	uint64_t v = c->value;

	if (l->action == POL_ALLOW)
		width = UINT64_MAX;
	if (c->op == POL_IN)
		return SCMP_CMP(c->type.arg, SCMP_CMP_MASKED_EQ, ~v & width, 0);
	if (sign)
		v |= UINT64_C(0xffffffff00000000);
	if (width == UINT64_MAX)
		return SCMP_CMP(c->type.arg, SCMP_CMP_EQ, v, 0);
	return SCMP_CMP(c->type.arg, SCMP_CMP_MASKED_EQ, width, v);
}

static uint32_t
kill_action(const struct target *t)
{
	return t->learning ? SCMP_ACT_LOG : SCMP_ACT_KILL_PROCESS;
}

static uint32_t
action_of(const struct pol_line *l, const struct target *t)
{
	if (l->action == POL_ALLOW)
		return SCMP_ACT_ALLOW;
	if (l->action == POL_ERRNO)
		return SCMP_ACT_ERRNO((uint16_t)l->err);
	return kill_action(t);
}

/*
 * Adds one line: once, or, for each set of its negative 32-bit values that
 * may come sign-extended, once more.
 */
static int
add_line(scmp_filter_ctx ctx, const struct pol_line *l, const struct target *t)
{
	struct scmp_arg_cmp cmp[POL_CONDS_MAX];
	unsigned signs = 0;
	int r;

	for (unsigned i = 0; i < l->cond_count; i++) {
		const struct pol_cond *c = &l->conds[i];

		if (l->action == POL_ALLOW && c->type.is_signed &&
		    c->type.narrow && c->op == POL_EQ && c->value > INT32_MAX)
			signs |= 1u << i;
	}
	for (unsigned set = signs;; set = (set - 1) & signs) {
		for (unsigned i = 0; i < l->cond_count; i++)
			cmp[i] = compare(l, &l->conds[i], set >> i & 1);
		r = seccomp_rule_add_exact_array(ctx, action_of(l, t), l->nr,
						 l->cond_count, cmp);
		if (r != 0 || set == 0)
			return r;
	}
}

static int
attributes(scmp_filter_ctx ctx)
{
	int r;

	if ((r = seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH,
				  SCMP_ACT_KILL_PROCESS)) != 0)
		return r;
	/* 2: a binary tree over the numbers, not a list */
	if ((r = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2)) != 0)
		return r;
	if (seccomp_arch_exist(ctx, SCMP_ARCH_X86_64) == 0)
		return 0;
	if ((r = seccomp_arch_remove(ctx, SCMP_ARCH_NATIVE)) != 0)
		return r;
	return seccomp_arch_add(ctx, SCMP_ARCH_X86_64);
}

/*
 * A program for x86-64 with another machine's numbers is that machine's but
 * for the architecture it asks for first:
 *	ld  [arch]
 *	jeq #x86-64
 * (The test for x32, numbers from 2^30 on, is right for any.)
 */
static int
set_arch(struct sock_filter *first)
{
	if (first[0].code != (BPF_LD | BPF_W | BPF_ABS) ||
	    first[0].k != offsetof(struct seccomp_data, arch) ||
	    first[1].code != (BPF_JMP | BPF_JEQ | BPF_K) ||
	    first[1].k != AUDIT_ARCH_X86_64)
		return ERR_FORMAT;
	first[1].k = AUDIT_ARCH_AARCH64;
	return 0;
}

/* Exports through a memfd: 2.5 knows descriptors alone. */
static int
export_bpf(scmp_filter_ctx ctx, const struct target *t, struct prog *out)
{
	size_t room = (PROG_MAX - out->count) * sizeof(out->insns[0]);
	struct stat st;
	int fd, r = ERR_SYS;

	fd = memfd_create("bpf", MFD_CLOEXEC);
	if (fd < 0)
		return ERR_SYS;
	if (seccomp_export_bpf(ctx, fd) != 0 || fstat(fd, &st) != 0)
		goto out;
	r = ERR_RANGE;
	if (st.st_size <= 0 || (size_t)st.st_size > room ||
	    (size_t)st.st_size % sizeof(out->insns[0]) != 0)
		goto out;
	r = ERR_SYS;
	if (pread(fd, &out->insns[out->count], (size_t)st.st_size, 0) !=
	    (ssize_t)st.st_size)
		goto out;
	r = t->aarch64 ? set_arch(&out->insns[out->count]) : 0;
	out->count += (size_t)st.st_size / sizeof(out->insns[0]);
out:
	close(fd);
	return r;
}

static int
compile_part(const struct policy *p, const char *file, const struct target *t,
	     enum part part, struct prog *out)
{
	uint32_t otherwise = kill_action(t);
	scmp_filter_ctx ctx;
	int r;

	if (part == PART_LOOSE)
		otherwise = SCMP_ACT_ALLOW;
	else if (p->otherwise == POL_DEFAULT_EPERM && !t->learning)
		otherwise = SCMP_ACT_ERRNO(EPERM);
	ctx = seccomp_init(otherwise);
	if (!ctx)
		return ERR_NOMEM;
	if ((r = attributes(ctx)) != 0)
		goto out;
	for (size_t i = 0; i < p->line_count; i++) {
		if (!in_part(p, &p->lines[i], part) ||
		    action_of(&p->lines[i], t) == otherwise)
			continue; /* libseccomp refuses what changes nothing */
		if ((r = add_line(ctx, &p->lines[i], t)) != 0) {
			fprintf(stderr, "%s:%u: libseccomp refuses: %s\n", file,
				p->lines[i].number, strerror(-r));
			goto out;
		}
	}
	r = export_bpf(ctx, t, out);
out:
	seccomp_release(ctx);
	return r;
}

/*
 * The switch before the two programs:
 *	ld  [nr]
 *	jeq #call, 0, 1		for each call with allow lines
 *	ja  strict
 *	ja  loose
 */
static int
compile_two(const struct policy *p, const char *file, const struct target *t,
	    struct prog *out)
{
	size_t jumps[POL_LINES_MAX], n = 0, loose, i;
	int r;

	out->insns[out->count++] = (struct sock_filter)BPF_STMT(
		BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
	for (i = 0; i < p->line_count; i++) {
		if (p->lines[i].action != POL_ALLOW)
			continue;
		out->insns[out->count++] = (struct sock_filter)BPF_JUMP(
			BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)p->lines[i].nr, 0,
			1);
		jumps[n++] = out->count;
		out->insns[out->count++] =
			(struct sock_filter)BPF_STMT(BPF_JMP | BPF_JA, 0);
	}
	loose = out->count;
	out->insns[out->count++] =
		(struct sock_filter)BPF_STMT(BPF_JMP | BPF_JA, 0);
	for (i = 0; i < n; i++)
		out->insns[jumps[i]].k = (uint32_t)(loose - jumps[i]);
	if (n != 0 && (r = compile_part(p, file, t, PART_STRICT, out)) != 0)
		return r;
	out->insns[loose].k = (uint32_t)(out->count - loose - 1);
	return compile_part(p, file, t, PART_LOOSE, out);
}

/* Whether an older line of the policy says the same of the same call. */
static bool
said_already(const struct policy *p, size_t count, const struct pol_line *l)
{
	for (size_t i = 0; i < count; i++)
		if (p->lines[i].nr == l->nr &&
		    p->lines[i].action == l->action &&
		    p->lines[i].cond_count == 0)
			return true;
	return false;
}

void
compile_retarget(struct policy *p, const struct target *t)
{
	size_t n = 0;

	for (size_t i = 0; t->aarch64 && i < p->line_count; i++) {
		struct pol_line *l = &p->lines[i];

		l->nr = pol_call_aarch64(l->call);
		if (l->nr >= 0 && !said_already(p, n, l))
			p->lines[n++] = *l;
	}
	if (t->aarch64)
		p->line_count = n;
}

int
compile_policy(const struct policy *p, const char *file, const struct target *t,
	       struct prog *out)
{
	int r;

	out->count = 0;
	if (p->otherwise == POL_DEFAULT_ALLOW)
		r = compile_two(p, file, t, out);
	else
		r = compile_part(p, file, t, PART_ALL, out);
	if (r != 0)
		fprintf(stderr, "%s: not compiled\n", file);
	return r;
}
