/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A killed call in words: its name, its arguments by the names that the
 * policies use, and the lines of policy that speak of it.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kill.h"
#include "policy_page.h"
#include "table.h"

#define KMSG_MAX 8192

static const char *
call_name(uint64_t nr)
{
	for (size_t i = 0; i < check_call_count; i++)
		if (check_calls[i].nr == nr)
			return check_calls[i].name;
	return NULL;
}

static void
show(struct explained *x, const char *const *names)
{
	size_t n = (size_t)snprintf(x->shown, sizeof(x->shown), "%s(", x->call);

	for (unsigned i = 0; i < KILL_ARGS && n < sizeof(x->shown); i++) {
		const char *name = names ? names[i] : NULL;

		n += (size_t)snprintf(x->shown + n, sizeof(x->shown) - n,
				      "%s%s%s0x%llx", i ? ", " : "",
				      name ? name : "", name ? "=" : "",
				      (unsigned long long)x->args[i]);
	}
	if (n < sizeof(x->shown))
		snprintf(x->shown + n, sizeof(x->shown) - n, ")");
}

static const struct policy_page *
page_of(const char *role)
{
	const struct policy_page *p = policy_pages;

	while (p->role && strcmp(p->role, role) != 0)
		p++;
	return p->role ? p : NULL;
}

/* The lines of one policy that name the call; returns how many. */
static unsigned
add_lines(struct explained *x, const char *role)
{
	const struct policy_page *p = page_of(role);
	unsigned found = 0;

	for (size_t i = 0; p && i < p->call_count; i++) {
		const struct policy_call *c = &p->calls[i];

		if (strcmp(c->call, x->call) != 0)
			continue;
		found++;
		if (x->lines < KILL_LINES)
			snprintf(x->line[x->lines++], KILL_LINE_MAX,
				 "policy/%s.policy:%u: %s %s%s%s", role,
				 c->line, c->action, c->call,
				 c->when[0] ? " " : "", c->when);
	}
	return found;
}

static void
find_lines(struct explained *x, const char *program, const char *outer)
{
	if (add_lines(x, program) == 0 && x->lines < KILL_LINES)
		snprintf(x->line[x->lines++], KILL_LINE_MAX,
			 "no line of policy/%s.policy names %s", program,
			 x->call);
	add_lines(x, outer);
	add_lines(x, "supervisor");
}

/* The kernel's log: audit: type=1326 … pid=N … syscall=N (auditd absent). */
static bool
ask_kernel(pid_t pid, uint64_t *out_nr)
{
	char line[KMSG_MAX], want[32];
	int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	bool found = false;
	const char *p;
	ssize_t n;

	if (fd < 0)
		return false;
	snprintf(want, sizeof(want), " pid=%d ", (int)pid);
	while ((n = read(fd, line, sizeof(line) - 1)) > 0) {
		line[n] = '\0';
		if (strstr(line, "type=1326") && strstr(line, want) &&
		    (p = strstr(line, " syscall=")) != NULL) {
			*out_nr = strtoull(p + 9, NULL, 10);
			found = true;
		}
	}
	close(fd);
	return found;
}

static void
unknown(struct explained *x, const struct traced *t)
{
	snprintf(x->call, sizeof(x->call), "?");
	snprintf(x->shown, sizeof(x->shown), "%s",
		 t->on ? "the call was not seen"
		       : "the call is not known: tracing is not permitted "
			 "here, and the kernel's log does not say (dmesg: "
			 "type=1326)");
}

void
kill_explain(const struct traced *t, pid_t pid, const char *program,
	     const char *outer, struct explained *x)
{
	const char *const *args = NULL;
	const char *name;
	unsigned n = t->count < KILLS_MAX ? t->count : KILLS_MAX;

	memset(x, 0, sizeof(*x));
	for (unsigned i = 0; i < n; i++) {
		if (t->killed[i].pid != pid)
			continue;
		x->nr = t->killed[i].nr;
		memcpy(x->args, t->killed[i].args, sizeof(x->args));
		x->has_args = true;
	}
	if (!x->has_args && !ask_kernel(pid, &x->nr)) {
		unknown(x, t);
		return;
	}
	name = call_name(x->nr);
	if (name)
		snprintf(x->call, sizeof(x->call), "%s", name);
	else
		snprintf(x->call, sizeof(x->call), "call %llu",
			 (unsigned long long)x->nr);
	for (size_t i = 0; i < check_proto_count; i++)
		if (!strcmp(check_protos[i].call, x->call))
			args = check_protos[i].args;
	if (x->has_args)
		show(x, args);
	else
		snprintf(x->shown, sizeof(x->shown), "%s", x->call);
	find_lines(x, program, outer);
}
