/* SPDX-License-Identifier: Apache-2.0 */
/* Templates, benign and hostile, and the pattern of every value. */
#include <stdbool.h>

#include "check.h"
#include "template.h"

#define KEY64                                                                  \
	"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"                          \
	"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=="

static struct template_values values = {{
	[VAR_HOSTNAME] = "apm.example.org",
	[VAR_PORT] = "8200",
	[VAR_SA_NAME] = "store1",
	[VAR_SAA_KEY] = KEY64,
	[VAR_STORAGE] = "azure",
	[VAR_STORAGE_PATH] = "/srv/data",
	[VAR_RUN_DIRECTORY] = "/run/server",
}};
static uint8_t out[RENDERED_MAX];
static size_t out_bytes;
static unsigned line;

static int
render_n(const char *text, size_t bytes)
{
	struct wr w;
	int r;

	line = 0;
	wr_init(&w, out, sizeof(out));
	r = template_render(text, bytes, &values, &w, &line);
	if (r == 0)
		EXPECT(wr_end(&w, &out_bytes) == 0);
	return r;
}

static int
render(const char *text)
{
	return render_n(text, strlen(text));
}

static bool
gives(const char *text, const char *want)
{
	return render(text) == 0 && out_bytes == strlen(want) &&
	       memcmp(out, want, out_bytes) == 0;
}

CASE(replaces_both_forms)
{
	EXPECT(gives("https://${APM_HOSTNAME}:$APM_PORT/x",
		     "https://apm.example.org:8200/x"));
	EXPECT(gives("${STORAGE}${STORAGE_PATH}", "azure/srv/data"));
	EXPECT(gives("$APM_SA_NAME-$APM_SAA_KEY", "store1-" KEY64));
	EXPECT(gives("$RUN_DIRECTORY/tls", "/run/server/tls"));
	EXPECT(gives("", ""));
}

CASE(longest_name_counts)
{
	EXPECT(gives("$STORAGE.", "azure."));
	EXPECT(render("$STORAGE_") == ERR_FORMAT);
	EXPECT(render("$STORAGE_PATHS") == ERR_FORMAT);
	EXPECT(render("$APM_PORT0") == ERR_FORMAT);
	EXPECT(gives("${STORAGE}_PATH", "azure_PATH"));
}

CASE(a_dollar_that_is_no_reference_stays)
{
	EXPECT(gives("$", "$"));
	EXPECT(gives("5$ $5 $", "5$ $5 $"));
	EXPECT(gives("$$APM_PORT", "$8200"));
	EXPECT(gives("a$\nb", "a$\nb"));
}

CASE(values_are_not_expanded_again)
{
	/* nothing that a pattern lets through can make a reference */
	EXPECT(gives("$${APM_PORT}", "$8200"));
	EXPECT(render("${${APM_PORT}}") == ERR_FORMAT);
}

CASE(refuses_unknown_names_and_names_the_line)
{
	EXPECT(render("a\nb\n${HOME}\n") == ERR_FORMAT);
	EXPECT(line == 3);
	EXPECT(render("$PATH") == ERR_FORMAT && line == 1);
	EXPECT(render("${apm_port}") == ERR_FORMAT);
	EXPECT(render("# $UNKNOWN in a comment") == ERR_FORMAT);
}

CASE(refuses_broken_references)
{
	static const char *const bad[] = {
		"${",	       "${}",	       "${APM_PORT",
		"${APM_PORT ", "${ APM_PORT}", "${APM_PORT:-1}",
		"${APM-PORT}", "${1}",	       "${APM_PORT\n}",
		"x${",	       "${\"x\"}",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		EXPECT(render(bad[i]) == ERR_FORMAT);
}

CASE(refuses_control_characters)
{
	EXPECT(render_n("a\0b", 3) == ERR_FORMAT);
	EXPECT(render_n("a\n\0", 3) == ERR_FORMAT && line == 2);
	EXPECT(render("a\033[0m") == ERR_FORMAT);
	EXPECT(render("a\fb") == ERR_FORMAT);
	EXPECT(render("a\177") == ERR_FORMAT);
	EXPECT(gives("a\tb\r\n# \303\244", "a\tb\r\n# \303\244"));
}

CASE(has_limits)
{
	static char text[TEMPLATE_MAX + 1];

	memset(text, 'a', sizeof(text));
	EXPECT(render_n(text, TEMPLATE_MAX) == 0);
	EXPECT(out_bytes == TEMPLATE_MAX);
	EXPECT(render_n(text, TEMPLATE_MAX + 1) == ERR_RANGE);
	/* too long itself, short enough when rendered */
	for (size_t i = 0; i < 10; i++)
		memcpy(text + 16 * i, "${RUN_DIRECTORY}", 16);
	EXPECT(render_n(text, TEMPLATE_MAX) == 0);
	EXPECT(out_bytes == TEMPLATE_MAX - 50);
	EXPECT(render_n(text, TEMPLATE_MAX + 1) == ERR_RANGE);
	memset(text, 'a', sizeof(text));
	/* short enough itself, too long when rendered */
	memcpy(text, "$APM_HOSTNAME ", 14);
	EXPECT(render_n(text, TEMPLATE_MAX) == ERR_RANGE);
	EXPECT(render_n(text, TEMPLATE_MAX - 2) == 0);
}

CASE(a_name_without_value_is_refused)
{
	const char *kept = values.sk_value[VAR_SAA_KEY];

	values.sk_value[VAR_SAA_KEY] = NULL;
	EXPECT(render("$APM_SAA_KEY") == ERR_FORMAT);
	EXPECT(gives("$APM_PORT", "8200"));
	values.sk_value[VAR_SAA_KEY] = "";
	EXPECT(render("$APM_SAA_KEY") == ERR_FORMAT);
	values.sk_value[VAR_SAA_KEY] = kept;
}

CASE(values_cannot_inject)
{
	static const char *const bad[] = {
		"a\"\nstorage \"x\" {}",
		"a\"",
		"a}",
		"a{",
		"a\\",
		"a\nb",
		"a b",
		"$APM_PORT",
		"${APM_PORT}",
		"a#",
		"a//b/*",
		"<<EOF",
		"a\303\244",
		"a\001",
		"",
	};

	for (unsigned v = 0; v < VAR_COUNT; v++)
		for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
			EXPECT(template_value(v, bad[i]) == ERR_FORMAT);
	values.sk_value[VAR_HOSTNAME] = bad[0];
	EXPECT(render("$APM_HOSTNAME") == ERR_FORMAT);
	values.sk_value[VAR_HOSTNAME] = "apm.example.org";
}

struct value_case {
	enum variable v;
	const char *value;
	bool good;
};

CASE(every_pattern_is_its_own)
{
	static const struct value_case cases[] = {
		{VAR_HOSTNAME, "a", true},
		{VAR_HOSTNAME, "A-1.b", true},
		{VAR_HOSTNAME, "10.0.0.1", true},
		{VAR_HOSTNAME, "-a", false},
		{VAR_HOSTNAME, "a-", false},
		{VAR_HOSTNAME, "a..b", false},
		{VAR_HOSTNAME, ".a", false},
		{VAR_HOSTNAME, "a.", false},
		{VAR_HOSTNAME, "a_b", false},
		{VAR_HOSTNAME, "a:1", false},
		{VAR_PORT, "1", true},
		{VAR_PORT, "65535", true},
		{VAR_PORT, "0", false},
		{VAR_PORT, "08200", false},
		{VAR_PORT, "65536", false},
		{VAR_PORT, "100000", false},
		{VAR_PORT, "+80", false},
		{VAR_PORT, "-1", false},
		{VAR_SA_NAME, "abc", true},
		{VAR_SA_NAME, "abcdefghijklmnopqrstuvwx", true},
		{VAR_SA_NAME, "ab", false},
		{VAR_SA_NAME, "abcdefghijklmnopqrstuvwxy", false},
		{VAR_SA_NAME, "Abc", false},
		{VAR_SA_NAME, "a-c", false},
		{VAR_SAA_KEY, KEY64, true},
		{VAR_SAA_KEY, "A" KEY64, false},
		{VAR_SAA_KEY, KEY64 "=", false},
		{VAR_STORAGE, "pebbledb", true},
		{VAR_STORAGE, "Pebbledb", false},
		{VAR_STORAGE, "a-b", false},
		{VAR_STORAGE_PATH, "/a", true},
		{VAR_STORAGE_PATH, "/a/b.c/_d-e", true},
		{VAR_STORAGE_PATH, "/a/...", true},
		{VAR_STORAGE_PATH, "/", false},
		{VAR_STORAGE_PATH, "a", false},
		{VAR_STORAGE_PATH, "/a/", false},
		{VAR_STORAGE_PATH, "/a//b", false},
		{VAR_STORAGE_PATH, "/a/./b", false},
		{VAR_STORAGE_PATH, "/a/../b", false},
		{VAR_STORAGE_PATH, "/..", false},
		{VAR_STORAGE_PATH, "/a b", false},
		{VAR_RUN_DIRECTORY, "/run/x", true},
		{VAR_RUN_DIRECTORY, "run/x", false},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int r = template_value(cases[i].v, cases[i].value);

		if ((r == 0) != cases[i].good)
			printf("# %s\n", cases[i].value);
		EXPECT(r == (cases[i].good ? 0 : ERR_FORMAT));
	}
}

CASE(long_values_have_bounds)
{
	char name[300], path[300];

	memset(name, 'a', sizeof(name));
	name[63] = name[127] = name[191] = '.';
	name[253] = '\0';
	EXPECT(template_value(VAR_HOSTNAME, name) == 0);
	name[253] = 'a';
	name[254] = '\0';
	EXPECT(template_value(VAR_HOSTNAME, name) == ERR_FORMAT);
	name[63] = 'a'; /* a label of 127 */
	name[200] = '\0';
	EXPECT(template_value(VAR_HOSTNAME, name) == ERR_FORMAT);
	memset(path, 'a', sizeof(path));
	path[0] = '/';
	path[VALUE_MAX] = '\0';
	EXPECT(template_value(VAR_STORAGE_PATH, path) == 0);
	path[VALUE_MAX] = 'a';
	path[VALUE_MAX + 1] = '\0';
	EXPECT(template_value(VAR_STORAGE_PATH, path) == ERR_FORMAT);
}

CASE(storage_key_is_canonical_base64_of_64_bytes)
{
	char key[] = KEY64;

	key[85] = 'B'; /* spare bits that are not zero */
	EXPECT(template_value(VAR_SAA_KEY, key) == ERR_FORMAT);
	key[85] = 'w';
	EXPECT(template_value(VAR_SAA_KEY, key) == 0);
	key[4] = '-';
	EXPECT(template_value(VAR_SAA_KEY, key) == ERR_FORMAT);
	key[4] = '/';
	EXPECT(template_value(VAR_SAA_KEY, key) == 0);
	key[86] = 'A';
	EXPECT(template_value(VAR_SAA_KEY, key) == ERR_FORMAT);
}

int
main(void)
{
	return check_run();
}
