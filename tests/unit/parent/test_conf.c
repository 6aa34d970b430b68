/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration's lines: read whole, or refused by file and line. */
#include "../check.h"
#include "conf_load.h"

static struct conf c;
static struct conf_error error;

/* Reads a text; returns what conf_text() does. */
static int
take(const char *text, size_t bytes)
{
	struct load l = {.c = &c, .error = &error};
	int r;

	conf_free(&c);
	memset(&error, 0, sizeof(error));
	r = conf_text(&l, "file", text, bytes);
	if ((r != 0) != (error.count != 0))
		printf("# %d without its text: %s\n", r, error.text[0]);
	return r;
}

#define TAKE(text) take(text, sizeof(text) - 1)

static int
refused(const char *text, const char *why)
{
	if (take(text, strlen(text)) == ERR_FORMAT &&
	    strstr(error.text[0], why))
		return 1;
	printf("# said: %s\n", error.text[0]);
	return 0;
}

static int
is(enum conf_key k, const char *want)
{
	return conf_str(&c, k) && !strcmp(conf_str(&c, k), want);
}

CASE(takes_plain_lines_comments_and_blanks)
{
	EXPECT(TAKE("; one\n# two\n\nhostname = a.b ; a name\n\tport=8200\n") ==
	       0);
	EXPECT(is(CONF_HOSTNAME, "a.b") && is(CONF_PORT, "8200"));
}

CASE(takes_a_last_line_without_its_end)
{
	EXPECT(TAKE("hostname = a.b\nport = 8200") == 0);
	EXPECT(is(CONF_PORT, "8200"));
	EXPECT(TAKE("") == 0);
	EXPECT(TAKE("\n") == 0);
}

CASE(takes_lines_of_windows_and_a_byte_order_mark)
{
	EXPECT(TAKE("\xef\xbb\xbfhostname = a.b\r\nport = 8200\r\n") == 0);
	EXPECT(is(CONF_HOSTNAME, "a.b") && is(CONF_PORT, "8200"));
	EXPECT(refused("hostname = a.b\n\xef\xbb\xbfport = 1\n", "line 2: "));
}

/* The lengths around libinih's buffer, and far beyond it. */
CASE(reads_a_line_of_any_length_whole)
{
	static char text[9000], value[8200];

	for (size_t n = 150; n < sizeof(value) - 1; n += n < 260 ? 1 : 997) {
		memset(value, 'v', n);
		value[n - 1] = 'w';
		value[n] = '\0';
		snprintf(text, sizeof(text), "identity = %s ; why\nport = 1\n",
			 value);
		EXPECT(take(text, strlen(text)) == 0);
		EXPECT(is(CONF_IDENTITY, value) && is(CONF_PORT, "1"));
		snprintf(text, sizeof(text), "identity = %s", value);
		EXPECT(take(text, strlen(text)) == 0);
		EXPECT(is(CONF_IDENTITY, value));
	}
}

CASE(a_long_comment_is_one_comment)
{
	char text[1100] = "port = 1\n#";

	memset(text + 10, 'x', 1000);
	memcpy(text + 600, " hostname = evil", 16);
	EXPECT(take(text, 1010) == 0);
	EXPECT(!conf_str(&c, CONF_HOSTNAME) && is(CONF_PORT, "1"));
}

CASE(a_long_line_without_a_key_is_named)
{
	char text[400];

	memset(text, 'x', sizeof(text));
	memcpy(text, "port = 1\n", 9);
	EXPECT(take(text, sizeof(text)) == ERR_FORMAT);
	EXPECT(!strcmp(error.text[0], "file, line 2: not KEY = VALUE"));
	text[200] = '='; /* a key of 191 bytes */
	EXPECT(take(text, sizeof(text)) == ERR_FORMAT);
}

CASE(a_key_given_twice_is_seen_beyond_a_long_line)
{
	char text[500];

	snprintf(text, sizeof(text), "template = /%0250d\ntemplate = /b\n", 0);
	EXPECT(refused(text, "file, line 2: template is set twice"));
}

CASE(an_indented_line_is_a_line)
{
	EXPECT(TAKE("[mount x]\n  type = kv\n  option = a=b\n  option = "
		    "c=d\n") == 0);
	EXPECT(c.sections == 1 && c.section[0].pairs == 3);
	EXPECT(refused("hostname = a.b\n  continued\n",
		       "file, line 2: not KEY = VALUE"));
}

CASE(refuses_bytes_that_are_no_text_by_line)
{
	EXPECT(TAKE("port = 1\nhostname = a\0b\n") == ERR_FORMAT);
	EXPECT(strstr(error.text[0], "file, line 2: holds the byte 0x00"));
	EXPECT(TAKE("\xff\xfeh\0o\0") == ERR_FORMAT);
	EXPECT(refused("port = 1\rhostname = a\r", "holds the byte 0x0d"));
	EXPECT(refused("hostname = a\x7f\n", "line 1: holds the byte 0x7f"));
}

CASE(refuses_a_section_that_would_be_cut_or_half_read)
{
	char text[300];

	snprintf(text, sizeof(text), "[mount %044d]\ntype = kv\n", 7);
	EXPECT(take(text, strlen(text)) == ERR_FORMAT);
	snprintf(text, sizeof(text), "[mount %043d] ; fits\ntype = kv\n", 7);
	EXPECT(take(text, strlen(text)) == 0);
	EXPECT(c.sections == 1 && strlen(c.section[0].name) == 43);
	snprintf(text, sizeof(text), "[mount b] ; %0250d\ntype = kv\n", 0);
	EXPECT(take(text, strlen(text)) == 0 && c.sections == 1);
	EXPECT(!strcmp(c.section[0].name, "b"));
	EXPECT(refused("[mount a] type = kv\n", "line 1: a section's line"));
	EXPECT(refused("[mount a\ntype = kv\n", "line 1: a section's line"));
}

CASE(the_first_error_is_the_one_that_is_said)
{
	EXPECT(refused("\nnothing\ncolour = red\n", "file, line 2: not KEY"));
	EXPECT(refused("\ncolour = red\nnothing\n",
		       "file, line 2: unknown key colour"));
	EXPECT(refused("hostname =\n", "file, line 1: hostname has no value"));
}

int
main(void)
{
	int r = check_run();

	conf_free(&c);
	return r;
}
