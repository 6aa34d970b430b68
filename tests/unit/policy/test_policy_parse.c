/* SPDX-License-Identifier: Apache-2.0 */
/* The policy language: what it reads, and each error with its line. */
#include <asm/unistd.h>
#include <errno.h>
#include <sys/mman.h>

#include "../check.h"
#include "policy_parse.h"

#define HEAD "role x\ndefault kill-process\n"
#define WHY  " # why [t:tag]\n"

static struct policy p;

static int
parse(const char *text)
{
	return pol_parse(&p, "some/x.policy", text, strlen(text));
}

/* Refused, and the message is exactly this. */
static int
refused(const char *text, const char *message)
{
	if (parse(text) == 0)
		return 0;
	if (strcmp(p.error, message) == 0)
		return 1;
	printf("# got: %s\n", p.error);
	return 0;
}

CASE(reads_a_plain_line)
{
	EXPECT(parse(HEAD "allow read # the answer [t:basic]\n") == 0);
	EXPECT(!p.default_allow && p.line_count == 1);
	EXPECT(p.lines[0].nr == __NR_read && p.lines[0].number == 3);
	EXPECT(p.lines[0].action == POL_ALLOW && p.lines[0].cond_count == 0);
	EXPECT(strcmp(p.lines[0].reason, "the answer") == 0);
	EXPECT(strcmp(p.lines[0].tag, "basic") == 0);
}

CASE(reads_conditions_with_width_and_constants)
{
	EXPECT(parse(HEAD "allow mmap when prot in PROT_READ|PROT_WRITE and "
			  "fd == -1 and flags == 0x22" WHY) == 0);
	EXPECT(p.lines[0].cond_count == 3);
	EXPECT(p.lines[0].conds[0].arg == 2 && !p.lines[0].conds[0].narrow);
	EXPECT(p.lines[0].conds[0].op == POL_IN);
	EXPECT(p.lines[0].conds[0].value == (PROT_READ | PROT_WRITE));
	EXPECT(p.lines[0].conds[1].arg == 4 && p.lines[0].conds[1].narrow);
	EXPECT(p.lines[0].conds[1].op == POL_EQ);
	EXPECT(p.lines[0].conds[1].value == UINT32_MAX);
	EXPECT(p.lines[0].conds[2].value == 0x22);
}

CASE(reads_named_descriptors)
{
	EXPECT(parse("role x\ndefault kill-process\nfd tpm 6\n"
		     "allow read when fd == $tpm" WHY) == 0);
	EXPECT(p.lines[0].conds[0].value == 6);
}

CASE(reads_errno_and_kill_lines)
{
	EXPECT(parse("role x\ndefault allow\nerrno ENOSYS clone3" WHY
		     "kill ptrace" WHY) == 0);
	EXPECT(p.default_allow);
	EXPECT(p.lines[0].action == POL_ERRNO && p.lines[0].err == ENOSYS);
	EXPECT(p.lines[1].action == POL_KILL);
}

CASE(takes_a_last_line_without_newline)
{
	EXPECT(parse(HEAD "allow read # why [t:tag]") == 0);
}

CASE(demands_a_reason_and_a_tag)
{
	EXPECT(refused(HEAD "allow read\n",
		       "some/x.policy:3: a reason is missing: # why [t:tag]"));
	EXPECT(refused(HEAD "allow read # why\n",
		       "some/x.policy:3: the test tag is missing: end with "
		       "[t:tag]"));
	EXPECT(refused(HEAD "allow read # why [t:tag] more\n",
		       "some/x.policy:3: the test tag is missing: end with "
		       "[t:tag]"));
	EXPECT(refused(HEAD "allow read # [t:tag]\n",
		       "some/x.policy:3: the tag alone is no reason"));
	EXPECT(refused(HEAD "allow read # why [t:]\n",
		       "some/x.policy:3: \"\" is not a name"));
}

CASE(refuses_unknown_words)
{
	EXPECT(refused(HEAD "permit read" WHY,
		       "some/x.policy:3: unknown word \"permit\""));
	EXPECT(refused(HEAD "allow raed" WHY,
		       "some/x.policy:3: unknown call \"raed\""));
	EXPECT(refused(HEAD "allow read when sd == 3" WHY,
		       "some/x.policy:3: read has no argument \"sd\" in the "
		       "table"));
	EXPECT(refused(HEAD "allow read when fd == THREE" WHY,
		       "some/x.policy:3: unknown constant \"THREE\""));
	EXPECT(refused(HEAD "allow read when fd == 3x" WHY,
		       "some/x.policy:3: \"3x\" is not a number"));
	EXPECT(refused(HEAD "allow read when fd == 1|" WHY,
		       "some/x.policy:3: unknown constant \"\""));
	EXPECT(refused(HEAD "allow read when fd == $tpm" WHY,
		       "some/x.policy:3: no line \"fd tpm NUMBER\" above"));
	EXPECT(refused(HEAD "errno EAGAIN read" WHY,
		       "some/x.policy:3: EAGAIN may not be answered"));
}

CASE(refuses_malformed_conditions)
{
	EXPECT(refused(HEAD "allow read if fd == 3" WHY,
		       "some/x.policy:3: \"if\" where \"when\" belongs"));
	EXPECT(refused(HEAD "allow read when fd < 3" WHY,
		       "some/x.policy:3: \"<\": only == and in are known"));
	EXPECT(refused(HEAD "allow read when fd ==" WHY,
		       "some/x.policy:3: a condition is: ARG == VALUE"));
	EXPECT(refused(HEAD "allow read when fd == 3 or fd == 4" WHY,
		       "some/x.policy:3: \"or\" where \"and\" belongs"));
	EXPECT(refused(HEAD "allow read when fd == 3 and fd == 4" WHY,
		       "some/x.policy:3: fd is named twice"));
	EXPECT(refused(HEAD "allow read when fd == 0x100000000" WHY,
		       "some/x.policy:3: the value does not fit 32 bits"));
}

CASE(refuses_lines_that_contradict_or_repeat)
{
	EXPECT(refused(HEAD "allow read" WHY "allow read when fd == 3" WHY,
		       "some/x.policy:4: line 3 speaks of read already"));
	EXPECT(refused(HEAD "allow read when fd == 3" WHY "allow read" WHY,
		       "some/x.policy:4: line 3 speaks of read already"));
	EXPECT(refused(HEAD "allow sendmsg when fd == 3 and flags == 1" WHY
			    "allow sendmsg when flags == 1 and fd == 3" WHY,
		       "some/x.policy:4: line 3 says the same"));
	EXPECT(refused("role x\ndefault allow\nkill read when fd == 3" WHY
		       "allow read when fd == 4" WHY,
		       "some/x.policy:4: read: allow and kill lines together"));
}

CASE(refuses_dead_and_dangerous_lines)
{
	EXPECT(refused(HEAD "kill read" WHY,
		       "some/x.policy:3: killed anyhow by the default"));
	EXPECT(refused("role x\ndefault allow\nallow read" WHY,
		       "some/x.policy:3: allowed anyhow: a condition is "
		       "missing"));
	EXPECT(refused(HEAD "allow mmap" WHY,
		       "some/x.policy:3: mmap without a condition"));
	EXPECT(refused(HEAD "allow socket" WHY,
		       "some/x.policy:3: socket without a condition"));
}

CASE(demands_the_header)
{
	EXPECT(refused("role x\nallow read" WHY,
		       "some/x.policy:2: a default line must come first"));
	EXPECT(refused("role y\n",
		       "some/x.policy:1: the role is not the file's name"));
	EXPECT(refused("role x\nrole x\n",
		       "some/x.policy:2: one line \"role NAME\""));
	EXPECT(refused("default log\n",
		       "some/x.policy:1: unknown default \"log\""));
	EXPECT(refused(HEAD "default allow\n",
		       "some/x.policy:3: one line \"default kill-process\" or "
		       "\"default allow\""));
	EXPECT(refused("default kill-process\nallow read" WHY,
		       "some/x.policy:2: no line \"role NAME\""));
	EXPECT(refused(HEAD, "some/x.policy:2: no rules"));
}

CASE(refuses_descriptors_unused_or_named_twice)
{
	EXPECT(refused(HEAD "fd tpm 6\nallow read" WHY,
		       "some/x.policy:3: no rule uses $tpm"));
	EXPECT(refused(HEAD "fd tpm 6\nfd tpm 7\n",
		       "some/x.policy:4: line 3 names tpm"));
	EXPECT(refused(HEAD "fd tpm 1024\n",
		       "some/x.policy:3: 1024 is not a descriptor"));
}

CASE(refuses_long_and_binary_lines)
{
	char text[1024] = HEAD "allow read # ";

	memset(text + strlen(text), 'a', 600);
	EXPECT(refused(text, "some/x.policy:3: the line is too long, or "
			     "binary"));
	EXPECT(pol_parse(&p, "x.policy", "role\0x\n", 7) == ERR_FORMAT);
	EXPECT(pol_parse(&p, "x.policy", "", 0) == ERR_FORMAT);
}

CASE(knows_no_call_without_its_width)
{
	unsigned arg = 99;
	bool narrow = false;

	EXPECT(pol_arg("socket", "protocol", &arg, &narrow) == 0);
	EXPECT(arg == 2 && narrow);
	EXPECT(pol_arg("clone", "flags", &arg, &narrow) == 0);
	EXPECT(arg == 0 && !narrow);
	EXPECT(pol_arg("getpid", "x", &arg, &narrow) == ERR_NOTFOUND);
}

int
main(void)
{
	return check_run();
}
