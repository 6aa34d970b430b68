/* SPDX-License-Identifier: Apache-2.0 */
/* Comparing, naming and options of the server's configuration. */
#include "../check.h"
#include "configure.h"
#include "srv_json.h"
#include "tags.h"

static json_t *
json(const char *s)
{
	static int made;
	enum secret_kind kind;
	json_t *j;

	if (!made &&
	    (secret_arena(1024 * 1024, &kind) != 0 || json_secret() != 0))
		abort();
	made = 1;
	j = json_loads(s, JSON_DECODE_ANY, NULL);
	if (!j)
		abort();
	return j;
}

static bool
same(const char *want, const char *have)
{
	json_t *w = json(want), *h = json(have);
	bool r = conf_same(w, h);

	json_decref(w);
	json_decref(h);
	return r;
}

static enum conf_match
match(const char *want, const char *have)
{
	json_t *w = json(want), *h = json(have);
	enum conf_match r = conf_match(w, h);

	json_decref(w);
	json_decref(h);
	return r;
}

CASE(writings_that_mean_the_same_to_a_server)
{
	EXPECT(same("\"x\"", "\"x\""));
	EXPECT(same("\"1h\"", "3600"));
	EXPECT(same("\"1h30m5s\"", "5405"));
	EXPECT(same("\"1d\"", "86400"));
	EXPECT(same("\"90\"", "90"));
	EXPECT(same("3600", "\"1h\""));
	EXPECT(same("\"a,b\"", "[\"b\",\"a\"]"));
	EXPECT(same("[\"a\"]", "\"a\""));
	EXPECT(same("[\"a\",\"b\"]", "[\"b\",\"a\"]"));
	EXPECT(same("true", "\"true\""));
	EXPECT(same("\"false\"", "false"));
	EXPECT(same("\"\"", "null"));
	EXPECT(same("{}", "null"));
	EXPECT(same("[]", "null"));
	EXPECT(same("{\"a\":{\"b\":1}}", "{\"a\":{\"b\":1}}"));
}

CASE(writings_that_do_not)
{
	EXPECT(!same("\"x\"", "\"X\""));
	EXPECT(!same("\"1h\"", "3601"));
	EXPECT(!same("\"1h\"", "\"60m\"")); /* no server answers so */
	EXPECT(!same("\"1x\"", "1"));
	EXPECT(!same("\"h\"", "0"));
	EXPECT(!same("\"\"", "0"));
	EXPECT(!same("0", "null"));
	EXPECT(!same("false", "null"));
	EXPECT(!same("-1", "-2"));
	EXPECT(!same("\"9999999999\"", "9999999999"));
	EXPECT(!same("\"1h2\"", "3602"));
	EXPECT(!same("\"a,b\"", "[\"a\"]"));
	EXPECT(!same("\"a\"", "[\"a\",\"b\"]"));
	EXPECT(!same("[\"a\"]", "[\"b\"]"));
	EXPECT(!same("[\"a\",\"a\"]", "[\"a\",\"b\"]"));
	EXPECT(!same("[\"a\",\"b\"]", "[\"a\",\"a\"]"));
	EXPECT(!same("true", "\"false\""));
	EXPECT(!same("true", "1"));
	EXPECT(!same("{\"a\":1}", "{\"a\":1,\"b\":2}"));
	EXPECT(!same("{\"a\":1}", "null"));
	EXPECT(!same("1.5", "1"));
}

CASE(members_fare_by_the_worst_of_them)
{
	EXPECT(match("{}", "{\"a\":1}") == MATCH_ALL);
	EXPECT(match("{\"a\":1}", "{\"a\":1,\"b\":2}") == MATCH_ALL);
	EXPECT(match("{\"a\":1,\"p\":2}", "{\"a\":1}") == MATCH_UNREADABLE);
	EXPECT(match("{\"p\":2,\"a\":1}", "{\"a\":2}") == MATCH_DIFFERS);
	EXPECT(match("{\"a\":1,\"p\":2}", "{\"a\":2}") == MATCH_DIFFERS);
	EXPECT(match("{\"a\":1}", "null") == MATCH_UNREADABLE);
}

CASE(names_stay_in_their_place)
{
	static const char *const bad[] = {
		"",    "/",   "/a",    "a/../b", "..",	   "a//b",
		"a b", "a?b", "a%2fb", "a#b",	 "a\r\nb", "\xc3\xa9"};
	char out[SRV_PATH_MAX], name[400];

	EXPECT(conf_path(out, "sys/auth/", "a/b-c_1.x/", "/t") == 0);
	EXPECT(strcmp(out, "sys/auth/a/b-c_1.x/t") == 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		EXPECT(conf_path(out, "sys/", bad[i], "") == ERR_FORMAT);
	memset(name, 'a', sizeof(name));
	name[256] = '\0';
	EXPECT(conf_path(out, "", name, "") == ERR_FORMAT);
	name[255] = '\0';
	EXPECT(conf_path(out, "", name, "") == 0);
	EXPECT(conf_path(out, name, name, "xx") == ERR_FORMAT);
}

static int
options(const char *text, json_t *to, json_t *config)
{
	uint8_t buf[256];
	struct items it;
	struct wr w;
	size_t n;

	wr_init(&w, buf, sizeof(buf));
	items_put_str(&w, C_OPTION, text);
	if (wr_end(&w, &n) != 0 || items_open(buf, n, &it) != 0)
		abort();
	return conf_options(&it, to, config);
}

CASE(options_go_where_their_name_says)
{
	json_t *to = json("{}"), *config = json("{}");

	EXPECT(options("version=2", to, config) == 0);
	EXPECT(options("path=a=b", to, config) == 0);
	EXPECT(options("config.max_lease_ttl=1h", to, config) == 0);
	EXPECT(match("{\"version\":\"2\",\"path\":\"a=b\"}", "{}") ==
	       MATCH_UNREADABLE);
	EXPECT(json_object_size(to) == 2 && json_object_size(config) == 1);
	EXPECT(strcmp(json_string_value(json_object_get(to, "path")), "a=b") ==
	       0);
	EXPECT(strcmp(json_string_value(
			      json_object_get(config, "max_lease_ttl")),
		      "1h") == 0);
	EXPECT(options("config.x=1", to, NULL) == ERR_FORMAT);
	EXPECT(options("novalue", to, config) == ERR_FORMAT);
	EXPECT(options("=x", to, config) == ERR_FORMAT);
	EXPECT(options("a=\xff", to, config) == ERR_FORMAT);
	json_decref(to);
	json_decref(config);
}

int
main(void)
{
	return check_run();
}
