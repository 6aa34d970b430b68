/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Classic BPF over struct seccomp_data, the instructions that policyc emits:
 * loads of a word, jumps, a mask, an answer.
 */
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <string.h>

#include "ctl.h"

static bool
taken(const struct sock_filter *i, uint32_t a)
{
	switch (BPF_OP(i->code)) {
	case BPF_JEQ:
		return a == i->k;
	case BPF_JGT:
		return a > i->k;
	case BPF_JGE:
		return a >= i->k;
	default: /* BPF_JSET */
		return a & i->k;
	}
}

int
ctl_run_filter(const struct filter_prog *f, int nr,
	       const uint64_t args[static 6], uint32_t *out)
{
	struct seccomp_data d = {.nr = nr, .arch = AUDIT_ARCH_X86_64};
	uint32_t a = 0;

	memcpy(d.args, args, sizeof(d.args));
	for (size_t pc = 0; pc < f->count; pc++) {
		const struct sock_filter *i = &f->insns[pc];

		switch (i->code) {
		case BPF_LD | BPF_W | BPF_ABS:
			if (i->k > sizeof(d) - sizeof(a))
				return ERR_FORMAT;
			memcpy(&a, (const uint8_t *)&d + i->k, sizeof(a));
			break;
		case BPF_ALU | BPF_AND | BPF_K:
			a &= i->k;
			break;
		case BPF_JMP | BPF_JA:
			pc += i->k;
			break;
		case BPF_JMP | BPF_JEQ | BPF_K:
		case BPF_JMP | BPF_JGT | BPF_K:
		case BPF_JMP | BPF_JGE | BPF_K:
		case BPF_JMP | BPF_JSET | BPF_K:
			pc += taken(i, a) ? i->jt : i->jf;
			break;
		case BPF_RET | BPF_K:
			*out = i->k;
			return 0;
		default:
			return ERR_FORMAT;
		}
	}
	return ERR_FORMAT;
}
