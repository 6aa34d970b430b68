/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The policy language: what it reads; and each policy of tests/tables/
 * policy_errors.tbl is refused with exactly its message.
 */
#include <asm/unistd.h>
#include <errno.h>
#include <sched.h>
#include <sys/mman.h>

#include "../check.h"
#include "policy_parse.h"

#define HEAD "role x\ndefault kill-process\n"
#define HEAD_PAGE                                                              \
	"role x\nprogram sallyport-x\nseat render with render\n"               \
	"seat tls with tls\nuid from uid_broker, by default 52101\n"           \
	"capabilities none\nnamespaces mount, pid\nnetwork empty\n"            \
	"root library\nlandlock connect from port, plus 1 when raft # why\n"   \
	"limit nofile from fds, plus 3 # why\nlink libc\nfilter outer\n"       \
	"fd a 6 memfd in render # why\nfd b 6 file-write in tls # why\n"       \
	"fd c 7..9 seqpacket used by poll # why\ndefault kill-process\n"
#define WHY " # why [t:tag]\n"

static struct policy p;
static const char *table;

static int
parse(const char *text)
{
	return pol_parse(&p, "some/x.policy", text, strlen(text));
}

CASE(reads_a_plain_line)
{
	EXPECT(parse(HEAD "allow read # the answer [t:basic]\n") == 0);
	EXPECT(p.otherwise == POL_DEFAULT_KILL && p.line_count == 1);
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
	EXPECT(p.lines[0].conds[0].type.arg == 2);
	EXPECT(!p.lines[0].conds[0].type.narrow);
	EXPECT(p.lines[0].conds[0].op == POL_IN);
	EXPECT(p.lines[0].conds[0].value == (PROT_READ | PROT_WRITE));
	EXPECT(p.lines[0].conds[1].type.arg == 4);
	EXPECT(p.lines[0].conds[1].type.narrow);
	EXPECT(p.lines[0].conds[1].op == POL_EQ);
	EXPECT(p.lines[0].conds[1].value == UINT32_MAX);
	EXPECT(p.lines[0].conds[2].value == 0x22);
}

CASE(reads_a_page)
{
	EXPECT(parse(HEAD_PAGE "allow read when fd == $a/$b" WHY
			       "allow poll" WHY) == 0);
	EXPECT(p.lines[0].conds[0].value == 6);
	EXPECT(strcmp(p.program, "sallyport-x") == 0 && p.seat_count == 2);
	EXPECT(strcmp(p.seats[1].word[0], "tls") == 0);
	EXPECT(strcmp(p.uid_setting, "uid_broker") == 0);
	EXPECT(strcmp(p.uid_default, "52101") == 0);
	EXPECT(p.page.namespaces == (CLONE_NEWNS | CLONE_NEWPID));
	EXPECT(p.page.net == NET_EMPTY && p.page.root == ROOT_LIBRARY);
	EXPECT(p.page.landlock && p.rule_count == 1);
	EXPECT(p.rules[0].page.reach == REACH_CONNECT);
	EXPECT(strcmp(p.rules[0].setting, "port") == 0);
	EXPECT(p.rules[0].page.port == 1 && p.rules[0].page.when == WHEN_RAFT);
	EXPECT(p.limits[0].from_fds && p.limits[0].value == 3);
	EXPECT(p.fd_count == 3 && p.fds[2].page.last == 9);
	EXPECT(p.fds[0].page.seats == SEAT_BIT(SEAT_RENDER));
	EXPECT(p.fds[2].page.seats ==
	       (SEAT_BIT(SEAT_RENDER) | SEAT_BIT(SEAT_TLS)));
	EXPECT(p.fact_count == 15);
}

CASE(reads_errno_and_kill_lines)
{
	EXPECT(parse("role x\ndefault allow\nerrno ENOSYS clone3" WHY
		     "kill ptrace" WHY) == 0);
	EXPECT(p.otherwise == POL_DEFAULT_ALLOW);
	EXPECT(p.lines[0].action == POL_ERRNO && p.lines[0].err == ENOSYS);
	EXPECT(p.lines[1].action == POL_KILL);
}

CASE(takes_a_last_line_without_newline)
{
	EXPECT(parse(HEAD "allow read # why [t:tag]") == 0);
}

CASE(reads_the_three_defaults)
{
	EXPECT(parse("role x\ndefault errno EPERM\nallow read" WHY
		     "kill ptrace" WHY "errno ENOSYS clone3" WHY) == 0);
	EXPECT(p.otherwise == POL_DEFAULT_EPERM && p.line_count == 3);
}

CASE(takes_lines_that_cannot_both_match)
{
	EXPECT(parse(HEAD "errno EPERM socket when protocol == 262" WHY
			  "allow socket when domain == 2 and type == 1 and "
			  "protocol == 6" WHY
			  "allow socket when domain == 2 and type == 1 and "
			  "protocol == 0" WHY) == 0);
	EXPECT(parse("role x\ndefault errno EPERM\n"
		     "kill clone when flags == 0x10000000" WHY
		     "allow clone when flags in 0x3d0f00" WHY) == 0);
}

/* One policy of the table; `want` is the message after "x.policy:". */
static int
refuses(const char *want, const char *text)
{
	const char *head = "some/x.policy:";

	if (parse(text) == 0) {
		printf("# taken, not refused: %s\n", want);
		return 0;
	}
	if (strncmp(p.error, head, strlen(head)) == 0 &&
	    strcmp(p.error + strlen(head), want) == 0)
		return 1;
	printf("# want: %s\n# got:  %s\n", want, p.error);
	return 0;
}

CASE(refuses_each_policy_of_the_table_with_its_message)
{
	char want[512] = "", line[512], text[8192] = "";
	FILE *f = fopen(table, "re");
	unsigned n = 0;
	char *more;

	EXPECT(f != NULL);
	for (;;) {
		more = f ? fgets(line, sizeof(line), f) : NULL;
		if (!more || strncmp(line, "==== ", 5) == 0) {
			if (want[0]) {
				n++;
				EXPECT(refuses(want, text));
			}
			if (!more)
				break;
			line[strcspn(line, "\n")] = '\0';
			memcpy(want, line + 5, strlen(line + 5) + 1);
			text[0] = '\0';
		} else if (strlen(text) + strlen(line) < sizeof(text)) {
			strcat(text, line);
		}
	}
	EXPECT(n > 40);
	if (f)
		fclose(f);
}

CASE(refuses_long_and_binary_lines)
{
	char text[2048] = HEAD "allow read # ";

	memset(text + strlen(text), 'a', 1100);
	EXPECT(parse(text) == ERR_FORMAT);
	EXPECT(strstr(p.error, "x.policy:3:1: the line has") != NULL);
	EXPECT(pol_parse(&p, "x.policy", "role\0x\n", 7) == ERR_FORMAT);
	EXPECT(strcmp(p.error, "x.policy:1:5: the byte 0x00; write printable "
			       "ASCII and tabs alone") == 0);
	EXPECT(parse("role x\r\n") == ERR_FORMAT);
	EXPECT(strstr(p.error, ":1:7: a carriage return; end lines with a "
			       "line feed alone") != NULL);
	EXPECT(parse(HEAD "allow read # \xe2\x80\xaewhy [t:tag]\n") != 0);
	EXPECT(strstr(p.error, ":3:14: the byte 0xe2; ") != NULL);
	EXPECT(parse(HEAD "allow read # \x1b[2Jwhy [t:tag]\n") != 0);
	EXPECT(strstr(p.error, ":3:14: the byte 0x1b; ") != NULL);
	EXPECT(pol_parse(&p, "x.policy", "", 0) == ERR_FORMAT);
	EXPECT(strcmp(p.error, "x.policy:1:1: no role; write a line role "
			       "NAME") == 0);
}

CASE(names_the_whole_path_of_the_file)
{
	char path[600] = "/";

	memset(path + 1, 'd', 500);
	strcat(path, "/x.policy");
	EXPECT(pol_parse(&p, path, "role y\n", 7) == ERR_FORMAT);
	EXPECT(strncmp(p.error, path, strlen(path)) == 0);
	EXPECT(strncmp(p.error + strlen(path), ":1:6: ", 6) == 0);
}

/* What shows of a condition is all of it. */
CASE(refuses_what_is_too_long_to_be_shown)
{
	char text[1024] = HEAD "allow mmap when prot in ";

	for (int i = 0; i < 50; i++)
		strcat(text, "PROT_READ|");
	strcat(text, "PROT_READ" WHY);
	EXPECT(parse(text) == ERR_FORMAT);
	EXPECT(strstr(p.error, ":3:25: too long with this word; ") != NULL);
}

CASE(takes_the_short_names_of_prot_and_of_nothing_else)
{
	EXPECT(parse(HEAD "allow mmap when prot in READ|WRITE" WHY) == 0);
	EXPECT(p.lines[0].conds[0].value == (PROT_READ | PROT_WRITE));
	EXPECT(parse(HEAD "allow mmap when prot in READ|CALL" WHY) != 0);
	EXPECT(parse(HEAD "allow openat when flags in READ" WHY) != 0);
}

/* Each argument that a dangerous call needs is one that it has. */
CASE(the_table_of_dangerous_calls_is_well_formed)
{
	static const struct {
		const char *call, *args;
	} rows[] = {
#define NEEDS(call, args) {#call, args},
#define NEVER(call)	  {#call, ""},
#include "dangerous.def"
#undef NEVER
#undef NEEDS
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char copy[64], *save = NULL;

		EXPECT(pol_call(rows[i].call) >= 0);
		snprintf(copy, sizeof(copy), "%s", rows[i].args);
		for (char *w = strtok_r(copy, " ", &save); w;
		     w = strtok_r(NULL, " ", &save)) {
			struct pol_arg t = {0};

			EXPECT(pol_arg(rows[i].call, w, &t) == 0);
			EXPECT(!t.pointer);
		}
	}
}

CASE(knows_no_argument_without_width_and_sign)
{
	struct pol_arg t = {.arg = 99};

	EXPECT(pol_arg("socket", "protocol", &t) == 0);
	EXPECT(t.arg == 2 && t.narrow && t.is_signed && !t.pointer);
	EXPECT(pol_arg("clone", "flags", &t) == 0);
	EXPECT(t.arg == 0 && !t.narrow && !t.is_signed);
	EXPECT(pol_arg("read", "fd", &t) == 0 && t.narrow && !t.is_signed);
	EXPECT(pol_arg("read", "buf", &t) == 0 && t.pointer);
	EXPECT(pol_arg("read", "f", &t) == ERR_NOTFOUND);
	EXPECT(pol_arg("getpid", "x", &t) == ERR_NOTFOUND);
}

/* protos.def holds no call that the kernel does not know, and no bad type. */
CASE(the_prototype_table_is_well_formed)
{
	static const char *const calls[] = {
#define PROTO(call, args) #call,
#include "protos.def"
#undef PROTO
	};

	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		const char *args = pol_args(calls[i]);
		unsigned n = 0;

		if (pol_call(calls[i]) < 0)
			printf("# %s\n", calls[i]);
		EXPECT(pol_call(calls[i]) >= 0);
		for (; args && *args; n++) {
			struct pol_arg t;
			char name[32];
			size_t chars;

			args += strcspn(args, " ") + 1;
			chars = strcspn(args, ",");
			snprintf(name, sizeof(name), "%.*s", (int)chars, args);
			EXPECT(pol_arg(calls[i], name, &t) == 0);
			EXPECT(t.arg == n);
			args += chars + (args[chars] == ',' ? 2 : 0);
		}
		EXPECT(n >= 1 && n <= 6);
	}
}

int
main(int argc, char **argv)
{
	if (argc != 2)
		return 2;
	table = argv[1];
	return check_run();
}
