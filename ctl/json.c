/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy show --json, one object per role:
 *
 *	role, program and uid (null for a list; uid by default), uid_setting,
 *	default (what comes to a call that no line names),
 *	calls [{call, nr, action, when, reason, test, line}],
 *	capabilities, namespaces, landlock, links: arrays of texts,
 *	network, root: texts, rlimits {NAME: text},
 *	descriptors [{name, fd (number, or text FIRST..LAST), kind, use,
 *reason}], filter {instructions, outer}
 */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "ctl.h"

/* Appends the texts of all facts of one word ("none", "nothing": none). */
static json_t *
texts(const struct policy_page *p, const char *word, bool split)
{
	json_t *out = json_array();

	for (size_t i = 0; i < p->fact_count; i++) {
		const char *t = p->facts[i].text;

		if (strcmp(p->facts[i].word, word) != 0 || !strcmp(t, "none") ||
		    !strcmp(t, "nothing"))
			continue;
		while (split && strchr(t, ' ')) {
			json_array_append_new(out,
					      json_stringn(t, strcspn(t, " ")));
			t += strcspn(t, " ") + 1;
		}
		json_array_append_new(out, json_string(t));
	}
	return out;
}

/* A fact that stands once or, with exceptions, several times: joined. */
static json_t *
joined(const struct policy_page *p, const char *word)
{
	char text[512] = "";

	for (size_t i = 0; i < p->fact_count; i++) {
		size_t n = strlen(text);

		if (strcmp(p->facts[i].word, word) == 0)
			snprintf(text + n, sizeof(text) - n, "%s%s",
				 n ? "; " : "", p->facts[i].text);
	}
	return text[0] ? json_string(text) : json_null();
}

static json_t *
uid(const struct policy_page *p)
{
	if (!p->program)
		return json_null();
	return json_integer(p->uid_default ? strtol(p->uid_default, NULL, 10)
					   : 0);
}

static json_t *
calls(const struct policy_page *p)
{
	json_t *out = json_array();

	for (size_t i = 0; i < p->call_count; i++) {
		const struct policy_call *c = &p->calls[i];

		json_array_append_new(
			out,
			json_pack("{s:s, s:i, s:s, s:s, s:s, s:s, s:i}", "call",
				  c->call, "nr", c->nr, "action", c->action,
				  "when",
				  c->when[0] ? c->when + strlen("when ") : "",
				  "reason", c->reason, "test", c->test, "line",
				  (int)c->line));
	}
	return out;
}

static json_t *
rlimits(const struct policy_page *p)
{
	json_t *out = json_object();

	for (size_t i = 0; i < p->fact_count; i++) {
		const char *t = p->facts[i].text;
		char name[32];

		if (strcmp(p->facts[i].word, "limit") != 0)
			continue;
		snprintf(name, sizeof(name), "%.*s", (int)strcspn(t, " "), t);
		t += strcspn(t, " ");
		json_object_set_new(out, name, json_string(t + (*t == ' ')));
	}
	return out;
}

/* The next word of a text, moved past; NULL when there is none. */
static json_t *
next_word(const char **text)
{
	size_t n = strcspn(*text, " ");
	json_t *word = n ? json_stringn(*text, n) : json_null();

	*text += n + ((*text)[n] == ' ');
	return word;
}

/* "broker 3 seqpacket used by …": the number may be a range, 6..18. */
static json_t *
descriptor(const char *text, const char *reason)
{
	json_t *name = next_word(&text), *fd = next_word(&text), *kind;
	const char *number = json_string_value(fd);

	if (number && strspn(number, "0123456789") == strlen(number)) {
		json_t *n = json_integer(strtol(number, NULL, 10));

		json_decref(fd);
		fd = n;
	}
	kind = next_word(&text);
	return json_pack("{s:o, s:o, s:o, s:s, s:s}", "name", name, "fd", fd,
			 "kind", kind, "use", text, "reason", reason);
}

static json_t *
descriptors(const struct policy_page *p)
{
	json_t *out = json_array();

	for (size_t i = 0; i < p->fact_count; i++)
		if (!strcmp(p->facts[i].word, "fd"))
			json_array_append_new(out,
					      descriptor(p->facts[i].text,
							 p->facts[i].reason));
	return out;
}

static json_t *
object(const struct policy_page *p)
{
	const struct filter_prog *outer = p->page ? p->page->outer : NULL;

	return json_pack(
		"{s:s, s:s?, s:o, s:s?, s:s, s:o, s:o, s:o, s:o, s:o, s:o, "
		"s:o, s:o, "
		"s:o, s:{s:i, s:s?}}",
		"role", p->role, "program", p->program, "uid", uid(p),
		"uid_setting", p->uid_setting, "default", p->otherwise, "calls",
		calls(p), "capabilities", texts(p, "capabilities", false),
		"namespaces", texts(p, "namespaces", true), "network",
		joined(p, "network"), "root", joined(p, "root"), "landlock",
		texts(p, "landlock", false), "rlimits", rlimits(p),
		"descriptors", descriptors(p), "links", texts(p, "link", false),
		"filter", "instructions", (int)p->filter->count, "outer",
		outer ? outer->name : NULL);
}

int
ctl_json(const struct policy_page *p, bool first)
{
	json_t *o = object(p);
	char *text;

	text = o ? json_dumps(o, JSON_INDENT(2) | JSON_ENSURE_ASCII) : NULL;
	if (text)
		printf("%s%s", first ? "\n" : ",\n", text);
	json_decref(o);
	free(text);
	return text ? 0 : ERR_NOMEM;
}
