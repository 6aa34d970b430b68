/* SPDX-License-Identifier: Apache-2.0 */
#include "akv.h"
#include "check.h"

#define HOST "v.vault.azure.net"
#define NAME "apm-unseal-bundle"
#define ID(d)                                                                  \
	"\"id\":\"https://" HOST "/secrets/" NAME "/0000000000000000000000000" \
	"000000" d "\""
#define ITEM(d, enabled, created)                                              \
	"{" ID(d) ",\"attributes\":{\"enabled\":" enabled                      \
		  ",\"created\":" created "}}"

static char value[AKV_VALUE_MAX + 1], next[8192];
static struct akv_versions all;

static int
page(const char *items, const char *link)
{
	char body[4096];
	struct text t;

	snprintf(body, sizeof(body), "{\"value\":[%s],\"nextLink\":%s}", items,
		 link);
	text_init(&t, next, sizeof(next));
	return akv_versions_read(body, strlen(body), HOST, NAME, &all, &t);
}

/* The last digits of the versions found, newest first. */
static const char *
found(void)
{
	static char out[BUNDLE_VERSIONS + 1];

	memset(out, 0, sizeof(out));
	for (unsigned i = 0; i < all.n; i++)
		out[i] = all.v[i].id[31];
	return out;
}

CASE(paths_are_of_version_7_4)
{
	char buf[128];
	struct text t;

	text_init(&t, buf, sizeof(buf));
	akv_secret_path("apm-saa-key", NULL, &t);
	EXPECT(strcmp(buf, "/secrets/apm-saa-key?api-version=7.4") == 0);
	text_init(&t, buf, sizeof(buf));
	akv_secret_path("a", "0123", &t);
	EXPECT(strcmp(buf, "/secrets/a/0123?api-version=7.4") == 0);
	text_init(&t, buf, sizeof(buf));
	akv_versions_path("a", &t);
	EXPECT(strcmp(buf,
		      "/secrets/a/versions?api-version=7.4&maxresults=25") ==
	       0);
}

CASE(a_value_that_needs_escaping_is_not_written)
{
	char buf[64];
	struct text t;

	text_init(&t, buf, sizeof(buf));
	EXPECT(akv_secret_body("a\"b", &t) == ERR_FORMAT);
	EXPECT(akv_secret_body("", &t) == ERR_FORMAT);
	EXPECT(akv_secret_body("aZ0+/=-_.", &t) == 0);
	EXPECT(strcmp(buf, "{\"value\":\"aZ0+/=-_.\"}") == 0);
}

CASE(reads_a_value)
{
	static const char no[] = "{\"id\":\"x\"}", num[] = "{\"value\":7}";
	static const char esc[] = "{\"value\":\"a\\u002Bb\"}";

	EXPECT(akv_secret_read(esc, strlen(esc), value) == 0);
	EXPECT(strcmp(value, "a+b") == 0);
	EXPECT(akv_secret_read(no, strlen(no), value) == ERR_FORMAT);
	EXPECT(akv_secret_read(num, strlen(num), value) == ERR_FORMAT);
}

CASE(a_value_has_its_longest)
{
	static char body[AKV_VALUE_MAX + 64];

	memset(body, 'x', sizeof(body));
	memcpy(body, "{\"value\":\"", 10);
	memcpy(body + 10 + AKV_VALUE_MAX, "\"}", 3);
	EXPECT(akv_secret_read(body, strlen(body), value) == 0);
	EXPECT(strlen(value) == AKV_VALUE_MAX);
	memcpy(body + 10 + AKV_VALUE_MAX, "x\"}", 4);
	EXPECT(akv_secret_read(body, strlen(body), value) == ERR_RANGE);
}

CASE(versions_are_sorted_by_created_then_by_id)
{
	all.n = 0;
	EXPECT(page(ITEM("1", "true", "5") "," ITEM("2", "true", "9") "," ITEM(
			    "3", "true", "7") "," ITEM("4", "true", "7"),
		    "null") == 0);
	EXPECT(strcmp(found(), "2431") == 0 && next[0] == '\0');
}

CASE(only_the_newest_four_over_all_pages)
{
	all.n = 0;
	EXPECT(page(ITEM("1", "true", "1") "," ITEM("2", "true", "2") "," ITEM(
			    "3", "true", "3"),
		    "null") == 0);
	EXPECT(page(ITEM("6", "true", "6") "," ITEM("5", "true", "5") "," ITEM(
			    "4", "true", "4"),
		    "null") == 0);
	EXPECT(strcmp(found(), "6543") == 0);
	EXPECT(page(ITEM("0", "true", "0"), "null") == 0);
	EXPECT(strcmp(found(), "6543") == 0);
}

CASE(what_is_not_enabled_does_not_count)
{
	all.n = 0;
	EXPECT(page(ITEM("1", "false", "5") "," ITEM("2", "true", "1"),
		    "null") == 0);
	EXPECT(strcmp(found(), "2") == 0);
	EXPECT(page("{" ID("3") ",\"attributes\":{\"created\":9}}", "null") ==
	       0);
	EXPECT(page("{" ID("4") ",\"attributes\":{\"enabled\":\"true\","
				"\"created\":9}}",
		    "null") == 0);
	EXPECT(strcmp(found(), "2") == 0);
}

CASE(a_page_that_repeats_itself_counts_once)
{
	all.n = 0;
	EXPECT(page(ITEM("1", "true", "5"), "null") == 0);
	EXPECT(page(ITEM("1", "true", "5"), "null") == 0);
	EXPECT(strcmp(found(), "1") == 0);
}

CASE(a_version_of_something_else_spoils_the_page)
{
	static const char *const bad[] = {
		"{\"id\":\"https://" HOST "/secrets/other/"
		"00000000000000000000000000000001\",\"attributes\":{}}",
		"{\"id\":\"https://" HOST "/keys/" NAME
		"/00000000000000000000000000000001\",\"attributes\":{}}",
		"{\"id\":\"https://" HOST "/secrets/" NAME
		"/../../../../keys/mk/release00000\",\"attributes\":{}}",
		"{\"id\":\"https://" HOST "/secrets/" NAME
		"/0123\",\"attributes\":{}}",
		"{\"id\":\"/" NAME "/00000000000000000000000000000001\","
		"\"attributes\":{}}",
		"{\"attributes\":{\"enabled\":true,\"created\":1}}",
		ITEM("1", "true", "\"x\""),
		"7",
		"{" ID("1") "}",
	};

	all.n = 0;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		EXPECT(page(bad[i], "null") != 0);
	EXPECT(all.n == 0);
}

CASE(a_link_goes_on_at_the_same_list)
{
	all.n = 0;
	EXPECT(page("", "\"https://" HOST ":443/secrets/" NAME
			"/versions?api-version=7.4&$skiptoken=eyJ&maxresults="
			"25\"") == 0);
	EXPECT(strcmp(next, "/secrets/" NAME "/versions?api-version=7.4&"
			    "$skiptoken=eyJ&maxresults=25") == 0);
	EXPECT(page("", "\"https://V.Vault.Azure.Net/secrets/" NAME
			"/versions?x\"") == 0);
	EXPECT(page("", "\"\"") == 0 && next[0] == '\0');
}

CASE(a_link_to_anywhere_else_is_refused)
{
	static const char *const bad[] = {
		"\"https://evil.example/secrets/" NAME "/versions?x\"",
		"\"https://w.vault.azure.net/secrets/" NAME "/versions?x\"",
		"\"https://" HOST ".evil.example/secrets/" NAME "/versions?\"",
		"\"https://" HOST "@evil.example/secrets/" NAME "/versions?\"",
		"\"https://" HOST ":8443/secrets/" NAME "/versions?x\"",
		"\"http://" HOST "/secrets/" NAME "/versions?x\"",
		"\"https://" HOST "/secrets/other/versions?x\"",
		"\"https://" HOST "/secrets/" NAME "/versions?x#y\"",
		"\"https://" HOST "/secrets/" NAME "/versions?x y\"",
		"\"https://" HOST "/secrets/" NAME "/versions?x\\r\\nA: b\"",
		"\"/secrets/" NAME "/versions?x\"",
		"7",
	};

	all.n = 0;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		EXPECT(page("", bad[i]) != 0 && next[0] == '\0');
}

CASE(a_secret_says_when_its_version_was_made)
{
	static const char yes[] =
		"{\"value\":\"x\",\"attributes\":{\"created\":1493938410}}";
	static const char *const no[] = {
		"{}",
		"[]",
		"{\"attributes\":1493938410}",
		"{\"attributes\":{}}",
		"{\"attributes\":{\"created\":-1}}",
		"{\"attributes\":{\"created\":\"soon\"}}"};
	uint64_t s = 0;

	EXPECT(akv_secret_created(yes, strlen(yes), &s) == 0);
	EXPECT(s == 1493938410);
	for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++)
		EXPECT(akv_secret_created(no[i], strlen(no[i]), &s) != 0);
}

int
main(void)
{
	return check_run();
}
