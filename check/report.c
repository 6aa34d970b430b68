/* SPDX-License-Identifier: Apache-2.0 */
#include "report.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define FINDINGS_MAX 64u

static struct {
	bool json;
	unsigned count, missing;
	struct finding f[FINDINGS_MAX];
} report;

static const char *const words[] = {
	[VERDICT_OK] = "ok",
	[VERDICT_NOTE] = "note",
	[VERDICT_MISSING] = "missing",
};

void
report_open(bool json)
{
	report.json = json;
}

void
finding_init(struct finding *f, enum finding_kind kind, const char *name)
{
	memset(f, 0, sizeof(*f));
	f->kind = kind;
	f->name = name;
}

void
report_say(enum finding_kind kind, const char *name, enum verdict v,
	   const char *todo, const char *fmt, ...)
{
	struct finding f;
	va_list ap;

	finding_init(&f, kind, name);
	f.verdict = v;
	va_start(ap, fmt);
	vsnprintf(f.text, sizeof(f.text), fmt, ap);
	va_end(ap);
	snprintf(f.todo, sizeof(f.todo), "%s", todo ? todo : "");
	report_add(&f);
}

static void
print_line(const struct finding *f)
{
	printf("%-8s %-13s %s", words[f->verdict], f->name, f->text);
	if (f->kind == FOUND_ROLE && f->verdict == VERDICT_OK)
		printf(": %llu ms", (unsigned long long)f->ms);
	putchar('\n');
	if (f->step)
		printf("%23sat the step: %s\n", "", f->step);
	for (unsigned i = 0; i < f->by.lines; i++)
		printf("%23s%s\n", "", f->by.line[i]);
	if (f->todo[0])
		printf("%23sto do: %s\n", "", f->todo);
	fflush(stdout);
}

void
report_add(const struct finding *f)
{
	report.missing += f->verdict == VERDICT_MISSING;
	if (report.count < FINDINGS_MAX)
		report.f[report.count++] = *f;
	if (!report.json)
		print_line(f);
}

/* A string of JSON (RFC 8259 7); everything here is printable already. */
static void
put_text(const char *s)
{
	putchar('"');
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;

		if (c == '"' || c == '\\')
			putchar('\\');
		putchar(c < 0x20 || c > 0x7e ? '?' : c);
	}
	putchar('"');
}

static void
put_killed(const struct explained *by)
{
	printf(",\"killed\":{\"call\":");
	put_text(by->call);
	printf(",\"number\":%llu,\"args\":[", (unsigned long long)by->nr);
	for (unsigned i = 0; by->has_args && i < KILL_ARGS; i++)
		printf("%s\"0x%llx\"", i ? "," : "",
		       (unsigned long long)by->args[i]);
	printf("],\"shown\":");
	put_text(by->shown);
	printf(",\"policy\":[");
	for (unsigned i = 0; i < by->lines; i++) {
		if (i)
			putchar(',');
		put_text(by->line[i]);
	}
	printf("]}");
}

static void
put_finding(const struct finding *f)
{
	printf("{\"name\":");
	put_text(f->name);
	printf(",\"verdict\":\"%s\",\"text\":", words[f->verdict]);
	put_text(f->text);
	printf(",\"todo\":");
	put_text(f->todo);
	if (f->kind == FOUND_ROLE)
		printf(",\"ms\":%llu", (unsigned long long)f->ms);
	if (f->step) {
		printf(",\"step\":");
		put_text(f->step);
	}
	if (f->by.call[0])
		put_killed(&f->by);
	putchar('}');
}

static void
put_all(enum finding_kind kind)
{
	bool first = true;

	for (unsigned i = 0; i < report.count; i++) {
		if (report.f[i].kind != kind)
			continue;
		if (!first)
			putchar(',');
		first = false;
		put_finding(&report.f[i]);
	}
}

unsigned
report_close(const char *profile)
{
	if (report.json) {
		printf("{\"profile\":");
		put_text(profile);
		printf(",\"ok\":%s,\"protections\":[",
		       report.missing ? "false" : "true");
		put_all(FOUND_PROTECTION);
		printf("],\"roles\":[");
		put_all(FOUND_ROLE);
		printf("]}\n");
	} else if (report.missing) {
		printf("%u of %u do not pass, in the %s profile\n",
		       report.missing, report.count, profile);
	} else {
		printf("everything passes, in the %s profile\n", profile);
	}
	fflush(stdout);
	return report.missing;
}
