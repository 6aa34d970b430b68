/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one block of the private configuration: what is cut out, and all the
 * ways in which a text could show the server another block.
 */
#include <stdbool.h>

#include "check.h"
#include "storage_block.h"

#define GOOD "storage \"azure\" {\n  container = \"vault\"\n}"

static struct block_found found;

static int
scan_n(const char *text, size_t n, const char *type, const char *path)
{
	struct block_want want = {type, path, "", ""};

	memset(&found, 0, sizeof(found));
	return storage_block(text, n, &want, &found);
}

/* The same, of this account and container. */
static int
account(const char *text)
{
	struct block_want want = {"azure", "", "store1", "vault"};

	return storage_block(text, strlen(text), &want, &found);
}

static int
azure(const char *text)
{
	return scan_n(text, strlen(text), "azure", "");
}

static int
pebble(const char *text)
{
	return scan_n(text, strlen(text), "pebbledb", "/srv/d");
}

/* Found in `text`, and exactly `want` is cut out. */
static bool
cuts(const char *text, const char *want)
{
	return azure(text) == 0 && found.bytes == strlen(want) &&
	       memcmp(text + found.from, want, found.bytes) == 0;
}

CASE(cuts_the_old_scripts_block_out)
{
	static const char block[] = "storage \"azure\" {\n"
				    "  accountName = \"store1\"\n"
				    "  container = \"vault\"\n"
				    "  environment = \"AzurePublicCloud\"\n"
				    "  accountKey = \"a+/b==\"\n}";
	char text[1024];

	snprintf(text, sizeof(text),
		 "disable_mlock = true\n"
		 "api_addr = \"https://h:1\"\n\nlistener \"tcp\" {\n"
		 "  address = \"0.0.0.0:1\"\n  tls_cert_file = \"/x.pem\"\n}\n"
		 "\n%s\n\nui = false\n",
		 block);
	EXPECT(cuts(text, block));
}

CASE(comments_and_strings_hide_nothing)
{
	EXPECT(cuts("# storage \"x\" {\n" GOOD, GOOD));
	EXPECT(cuts("// storage \"x\" {\n" GOOD, GOOD));
	EXPECT(cuts("/* storage \"x\" {\n}\n\n*/" GOOD "/**/", GOOD));
	EXPECT(cuts("a = \"storage \\\"x\\\" {\"\n" GOOD, GOOD));
	EXPECT(cuts("a = \"/*\"\n" GOOD "\nb = \"*/\"", GOOD));
	EXPECT(cuts("a = \"#\" " GOOD, GOOD));
	EXPECT(cuts("x { storage \"y\" { } }\n" GOOD, GOOD));
	EXPECT(cuts("x { /* } */ y = \"}\" # }\n }\n" GOOD, GOOD));
	EXPECT(cuts("a = [\"storage\", 1, { b = 2 }]\r\n" GOOD, GOOD));
	EXPECT(cuts("a = -1.5e+3\n" GOOD "\n# \303\244", GOOD));
}

CASE(comments_inside_the_block_stay)
{
	static const char block[] = "storage /* a */ \"azure\" # b\n"
				    "{ x = \"}\" /* } */ # }\n }";

	EXPECT(cuts(block, block));
}

CASE(nested_blocks_belong_to_it)
{
	static const char block[] =
		"storage \"azure\" { a { b { c = [ { d = 1 } ] } } }";

	EXPECT(cuts(block, block));
}

CASE(none_is_not_found)
{
	EXPECT(azure("") == ERR_NOTFOUND);
	EXPECT(azure("a = 1") == ERR_NOTFOUND);
	EXPECT(azure("# "
		     "storage \"azure\" { }") == ERR_NOTFOUND);
	EXPECT(azure("x { storage \"azure\" { } }") == ERR_NOTFOUND);
	EXPECT(azure("ha_storage \"azure\" { }") == ERR_NOTFOUND);
	EXPECT(azure("a = \"storage { }\"") == ERR_NOTFOUND);
}

CASE(a_second_block_is_refused)
{
	EXPECT(azure(GOOD "\n" GOOD) == ERR_FORMAT);
	EXPECT(azure(GOOD GOOD) == ERR_FORMAT);
	EXPECT(azure(GOOD "\nstorage \"inmem\" { }") == ERR_FORMAT);
	EXPECT(azure("Storage \"inmem\" { }\n" GOOD) == ERR_FORMAT);
	EXPECT(azure(GOOD "\nSTORAGE \"inmem\" { }") == ERR_FORMAT);
	EXPECT(azure(GOOD "\nstorage = { inmem = { } }") == ERR_FORMAT);
	EXPECT(azure(GOOD "\nbackend \"inmem\" { }") == ERR_FORMAT);
	EXPECT(azure("Backend = { }\n" GOOD) == ERR_FORMAT);
}

CASE(other_spellings_of_the_name_are_refused)
{
	EXPECT(azure("\"storage\" \"azure\" { }") == ERR_FORMAT);
	EXPECT(azure(GOOD "\n\"storage\" \"inmem\" { }") == ERR_FORMAT);
	EXPECT(azure(GOOD "\n\"st\\u006frage\" \"inmem\" { }") == ERR_FORMAT);
	/* U+017F folds to s, U+212A to k: HCL 1 compares by folding */
	EXPECT(azure(GOOD "\n\305\277torage \"inmem\" { }") == ERR_FORMAT);
	EXPECT(azure(GOOD "\nbac\342\204\252end \"inmem\" { }") == ERR_FORMAT);
	EXPECT(azure("\357\273\277" GOOD) == ERR_FORMAT); /* BOM */
	EXPECT(azure("{\"storage\":{\"azure\":{}}}") == ERR_FORMAT);
	EXPECT(azure("storage azure { }") == ERR_FORMAT);
	EXPECT(azure("storage { }") == ERR_FORMAT);
	EXPECT(azure("storage \"azure\" \"b\" { }") == ERR_FORMAT);
	EXPECT(azure("storage \"azure\" = { }") == ERR_FORMAT);
}

CASE(heredocs_and_interpolations_are_refused)
{
	EXPECT(azure("a = <<EOF\nstorage \"inmem\" {\nEOF\n" GOOD) ==
	       ERR_FORMAT);
	EXPECT(azure("a = <<-EOF\n}\nEOF\n" GOOD) == ERR_FORMAT);
	EXPECT(azure("x { a = <<E\n}\nE\n}\n" GOOD) == ERR_FORMAT);
	EXPECT(azure("x { a = <<E\nb\nE\n}\n" GOOD) == ERR_FORMAT);
	EXPECT(azure("x { a = \303\244 }\n" GOOD) == ERR_FORMAT);
	EXPECT(azure("x { a = 1; }\n" GOOD) == ERR_FORMAT);
	EXPECT(azure("storage \"azure\" { a = <<E\n}\nE\n}") == ERR_FORMAT);
	/* for HCL 1 quotes and lines go on inside ${ */
	EXPECT(azure("a = \"${\"\n" GOOD "\n#}\"") == ERR_FORMAT);
	EXPECT(azure("a = \"x${b}\"\n" GOOD) == ERR_FORMAT);
	EXPECT(cuts("a = \"$x\"\n" GOOD, GOOD));
}

CASE(unbalanced_text_is_refused)
{
	static const char *const bad[] = {
		"storage \"azure\" {",
		"storage \"azure\" { a = [ }",
		"storage \"azure\" { a = { ] }",
		"storage \"azure\" { } }",
		"storage \"azure\" ] {",
		"} " GOOD,
		"{ } " GOOD,
		GOOD " \"",
		GOOD " /*",
		GOOD " /* * /",
		"a = \"x\n\"\n" GOOD,
		"a = \"x\\\"\n" GOOD,
		"a = \"\\q\"\n" GOOD,
		"a =\n" GOOD " = 1",
		"a = = 1\n" GOOD,
		"a\n",
		"a b\n" GOOD " x",
		"1 = a\n" GOOD,
		"a; " GOOD,
		"a = 1,\n" GOOD,
		"a = (1)\n" GOOD,
		"/ " GOOD,
		"storage",
		"storage \"azure\"",
		"storage \"azure",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		int r = azure(bad[i]);

		if (r != ERR_FORMAT)
			printf("# %d: %s\n", r, bad[i]);
		EXPECT(r == ERR_FORMAT);
	}
}

CASE(odd_bytes_are_refused_everywhere)
{
	EXPECT(scan_n(GOOD "\0", sizeof(GOOD), "azure", "") == ERR_FORMAT);
	EXPECT(azure("# \001\n" GOOD) == ERR_FORMAT);
	EXPECT(azure("a = \"\033\"\n" GOOD) == ERR_FORMAT);
	EXPECT(azure("# \177\n" GOOD) == ERR_FORMAT);
	/* a lone CR ends a comment for some readers and not for others */
	EXPECT(azure("# x\rstorage \"inmem\" { }\n" GOOD) == ERR_FORMAT);
	EXPECT(cuts("# x\r\n" GOOD, GOOD));
	EXPECT(azure(GOOD "\r") == ERR_FORMAT);
}

CASE(depth_is_bounded)
{
	char text[200] = "storage \"azure\" ";

	for (unsigned i = 0; i < BLOCK_DEPTH; i++)
		strcat(text, i % 2 ? "[" : "a={"); /* a={[a={[ ... */
	EXPECT(azure(text) == ERR_FORMAT);	   /* not closed */
	memset(text, 0, sizeof(text));
	strcpy(text, "storage \"azure\" {a=");
	for (unsigned i = 1; i < BLOCK_DEPTH; i++)
		strcat(text, "[");
	for (unsigned i = 1; i < BLOCK_DEPTH; i++)
		strcat(text, "]");
	strcat(text, "}");
	EXPECT(azure(text) == 0);
	memset(text, 0, sizeof(text));
	strcpy(text, "storage \"azure\" {a=");
	for (unsigned i = 0; i < BLOCK_DEPTH; i++)
		strcat(text, "[");
	for (unsigned i = 0; i < BLOCK_DEPTH; i++)
		strcat(text, "]");
	strcat(text, "}");
	EXPECT(azure(text) == ERR_FORMAT);
}

CASE(type_must_be_the_configured_one)
{
	EXPECT(azure("storage \"inmem\" { }") == ERR_MISMATCH);
	EXPECT(azure("storage \"azure2\" { }") == ERR_MISMATCH);
	EXPECT(azure("storage \"Azure\" { }") == ERR_MISMATCH);
	EXPECT(azure("storage \"azur\\\\e\" { }") == ERR_MISMATCH);
	EXPECT(azure("storage \"\" { }") == ERR_MISMATCH);
}

#define AT(body) "storage \"pebbledb\" { " body " }"

CASE(path_must_be_the_configured_one)
{
	EXPECT(pebble(AT("path = \"/srv/d\"")) == 0);
	EXPECT(pebble(AT("a = 1, path = \"/srv/d\", b { path = 2 }")) == 0);
	EXPECT(pebble(AT("path = \"/srv/other\"")) == ERR_MISMATCH);
	EXPECT(pebble(AT("path = \"/srv/d/\"")) == ERR_MISMATCH);
	EXPECT(pebble(AT("path = \"\"")) == ERR_MISMATCH);
	EXPECT(pebble(AT("")) == ERR_MISMATCH);
	EXPECT(pebble(AT("# path = \"/srv/d\"\n")) == ERR_MISMATCH);
	EXPECT(pebble(AT("b { path = \"/srv/d\" }")) == ERR_MISMATCH);
	EXPECT(pebble(AT("path = 1")) == ERR_FORMAT);
	EXPECT(pebble(AT("path = [\"/srv/d\"]")) == ERR_FORMAT);
	EXPECT(pebble(AT("path { }")) == ERR_FORMAT);
	EXPECT(pebble(AT("path = \"/srv/d\" path = \"/x\"")) == ERR_FORMAT);
	EXPECT(pebble(AT("path = \"/srv/d\" Path = \"/x\"")) == ERR_FORMAT);
	EXPECT(pebble(AT("\"path\" = \"/x\" path = \"/srv/d\"")) == ERR_FORMAT);
	EXPECT(pebble(AT("path = \"/srv/\\\\d\"")) == ERR_MISMATCH);
}

CASE(the_line_of_a_refusal_is_named)
{
	EXPECT(azure("a = 1\nb = 2\nc = <\n" GOOD) == ERR_FORMAT);
	EXPECT(found.line == 3);
	EXPECT(azure("a = 1\nb = \"\001\"\n" GOOD) == ERR_FORMAT);
	EXPECT(found.line == 2);
}

CASE(account_and_container_are_the_configured_ones)
{
#define IN "storage \"azure\" {\n"
#define A  "accountName = \"store1\"\n"
#define C  "container = \"vault\"\n"
	EXPECT(account(IN A C "}") == 0);
	EXPECT(account(IN C "accountKey = \"k\"\n" A "}") == 0);
	EXPECT(account(IN C "}") == ERR_MISMATCH);
	EXPECT(account(IN A "}") == ERR_MISMATCH);
	EXPECT(account(IN "accountName = \"store2\"\n" C "}") == ERR_MISMATCH);
	EXPECT(account(IN A "container = \"other\"\n}") == ERR_MISMATCH);
	EXPECT(account(IN A A C "}") == ERR_FORMAT);
	EXPECT(account(IN A C C "}") == ERR_FORMAT);
	EXPECT(account(IN A "Container = \"vault\"\n" C "}") == ERR_FORMAT);
	EXPECT(account(IN "accountname = \"store1\"\n" C "}") == ERR_FORMAT);
	EXPECT(account(IN A "container { }\n}") == ERR_FORMAT);
#undef IN
#undef A
#undef C
}

int
main(void)
{
	return check_run();
}
