/* SPDX-License-Identifier: Apache-2.0 */
/* The answer's parser: whole, byte by byte, and what it must not take. */
#include "../check.h"
#include "srv_parse.h"

#define OK_LINE "HTTP/1.1 200 OK\r\n"
#define CAP	64u

static uint8_t body[CAP];

/* Feeds in pieces of `step` bytes; returns the error, or 0 when all went in. */
static int
feed(struct answer *a, const char *text, size_t bytes, size_t step,
     size_t *out_eaten)
{
	size_t at = 0;

	answer_begin(a, body, CAP);
	while (at < bytes && a->state != ANSWER_DONE) {
		size_t n = bytes - at < step ? bytes - at : step, eaten;
		int r = answer_feed(a, (const uint8_t *)text + at, n, &eaten);

		if (r != 0)
			return r;
		at += eaten;
	}
	*out_eaten = at;
	return 0;
}

/* The outcome must not depend on how the bytes come. */
static int
parse(struct answer *a, const char *text)
{
	size_t n = strlen(text), eaten = 0, eaten1 = 0;
	int r1 = feed(a, text, n, 1, &eaten1);
	int r = feed(a, text, n, n, &eaten);

	if (r != r1 || (r == 0 && eaten != eaten1))
		return -1000;
	if (r == 0 && a->state == ANSWER_DONE && eaten != n)
		return -1001;
	return r;
}

static int
is_done(const char *text, int status, const char *want)
{
	struct answer a;

	return parse(&a, text) == 0 && a.state == ANSWER_DONE &&
	       a.status == status && a.body_bytes == strlen(want) &&
	       memcmp(body, want, a.body_bytes) == 0;
}

static int
fails(const char *text)
{
	struct answer a;

	return parse(&a, text);
}

CASE(reads_a_body_of_known_length)
{
	EXPECT(is_done(OK_LINE "Content-Length: 5\r\n\r\nhello", 200, "hello"));
	EXPECT(is_done(OK_LINE "content-length:5 \t\r\nX: y\r\n\r\nhello", 200,
		       "hello"));
	EXPECT(is_done("HTTP/1.1 404 \r\nContent-Length: 0\r\n\r\n", 404, ""));
	EXPECT(is_done("HTTP/1.1 503\r\nContent-Length: 0\r\n\r\n", 503, ""));
}

CASE(reads_chunks)
{
	EXPECT(is_done(OK_LINE "Transfer-Encoding: chunked\r\n\r\n"
			       "2\r\nhe\r\n03;x=y\r\nllo\r\n0\r\n\r\n",
		       200, "hello"));
	EXPECT(is_done(OK_LINE "transfer-encoding: CHUNKED\r\n\r\n"
			       "A\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\n",
		       200, "0123456789"));
}

CASE(an_answer_without_content_has_none)
{
	EXPECT(is_done("HTTP/1.1 204 No Content\r\n\r\n", 204, ""));
	EXPECT(is_done("HTTP/1.1 204 x\r\nContent-Length: 0\r\n\r\n", 204, ""));
	EXPECT(fails("HTTP/1.1 204 x\r\nContent-Length: 1\r\n\r\n") ==
	       ERR_FORMAT);
	EXPECT(fails("HTTP/1.1 204 x\r\nTransfer-Encoding: chunked\r\n\r\n") ==
	       ERR_FORMAT);
}

CASE(stops_behind_the_last_byte)
{
	static const char two[] = OK_LINE "Content-Length: 1\r\n\r\nxHTTP";
	struct answer a;
	size_t eaten = 0;

	EXPECT(feed(&a, two, strlen(two), strlen(two), &eaten) == 0);
	EXPECT(a.state == ANSWER_DONE && eaten == strlen(two) - 4);
}

CASE(wants_more_until_it_is_whole)
{
	static const char *const whole[] = {
		OK_LINE "Content-Length: 3\r\n\r\nabc",
		OK_LINE "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n"
			"\r\n"};

	for (size_t k = 0; k < 2; k++) {
		for (size_t n = 0; n < strlen(whole[k]); n++) {
			struct answer a;
			size_t eaten = 0;

			EXPECT(feed(&a, whole[k], n, n ? n : 1, &eaten) == 0);
			EXPECT(a.state != ANSWER_DONE);
		}
	}
}

CASE(notices_that_the_server_will_close)
{
	struct answer a;

	EXPECT(parse(&a, OK_LINE "Connection: Close\r\n"
				 "Content-Length: 0\r\n\r\n") == 0);
	EXPECT(a.closing);
	EXPECT(parse(&a, OK_LINE "Content-Length: 0\r\n\r\n") == 0);
	EXPECT(!a.closing);
}

CASE(refuses_other_status_lines)
{
	static const char *const bad[] = {
		"HTTP/1.0 200 OK\r\n", "HTTP/2.0 200 OK\r\n",
		"http/1.1 200 OK\r\n", "HTTP/1.1 20 OK\r\n",
		"HTTP/1.1 2000\r\n",   "HTTP/1.1 -20 \r\n",
		"HTTP/1.1 100 \r\n",   "HTTP/1.1 199 \r\n",
		"HTTP/1.1 600 \r\n",   "\r\n",
		"HTTP/1.1\r\n",	       " HTTP/1.1 200 OK\r\n",
		"HTTP/1.1  200 OK\r\n"};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		EXPECT(fails(bad[i]) == ERR_FORMAT);
}

CASE(refuses_two_opinions_about_the_length)
{
	EXPECT(fails(OK_LINE "Content-Length: 1\r\nContent-Length: 1\r\n") ==
	       ERR_FORMAT);
	EXPECT(fails(OK_LINE "Content-Length: 1\r\n"
			     "Transfer-Encoding: chunked\r\n") == ERR_FORMAT);
	EXPECT(fails(OK_LINE "Transfer-Encoding: chunked\r\n"
			     "Content-Length: 1\r\n") == ERR_FORMAT);
	EXPECT(fails(OK_LINE "Transfer-Encoding: gzip, chunked\r\n") ==
	       ERR_FORMAT);
	EXPECT(fails(OK_LINE "\r\n") == ERR_FORMAT); /* until it closes */
}

CASE(refuses_lengths_that_are_none)
{
	static const char *const bad[] = {"", "-1", "+1", "1 2", "0x1", "1,1"};
	char text[128];

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(text, sizeof(text), OK_LINE "Content-Length: %s\r\n",
			 bad[i]);
		EXPECT(fails(text) == ERR_FORMAT);
	}
	EXPECT(fails(OK_LINE "Content-Length: 65\r\n") == ERR_RANGE);
	EXPECT(fails(OK_LINE "Content-Length: 18446744073709551616\r\n") ==
	       ERR_RANGE);
	EXPECT(fails(OK_LINE "Content-Length: 99999999999999999999\r\n") ==
	       ERR_RANGE);
}

CASE(refuses_chunks_that_are_none)
{
#define CHUNKED OK_LINE "Transfer-Encoding: chunked\r\n\r\n"
	EXPECT(fails(CHUNKED "\r\n") == ERR_FORMAT);
	EXPECT(fails(CHUNKED "g\r\n") == ERR_FORMAT);
	EXPECT(fails(CHUNKED " 1\r\n") == ERR_FORMAT);
	EXPECT(fails(CHUNKED "1 \r\n") == ERR_FORMAT);
	EXPECT(fails(CHUNKED "000000001\r\n") == ERR_FORMAT);
	EXPECT(fails(CHUNKED "1\r\nxy\r\n") == ERR_FORMAT);
	EXPECT(fails(CHUNKED "41\r\n") == ERR_RANGE);
	EXPECT(fails(CHUNKED "ffffffff\r\n") == ERR_RANGE);
	EXPECT(fails(CHUNKED "1\r\nx\r\n40\r\n") == ERR_RANGE);
	EXPECT(fails(CHUNKED "0\r\nno colon\r\n") == ERR_FORMAT);
}

CASE(refuses_header_lines_that_could_mean_two_things)
{
	EXPECT(fails(OK_LINE " folded: x\r\n") == ERR_FORMAT);
	EXPECT(fails(OK_LINE "Name : x\r\n") == ERR_FORMAT);
	EXPECT(fails(OK_LINE ": x\r\n") == ERR_FORMAT);
	EXPECT(fails(OK_LINE "nocolon\r\n") == ERR_FORMAT);
	EXPECT(fails(OK_LINE "A: b\nC: d\r\n") == ERR_FORMAT);
	EXPECT(fails(OK_LINE "A: b\rC: d\r\n") == ERR_FORMAT);
	EXPECT(fails(OK_LINE "A: \x01\r\n") == ERR_FORMAT);
	EXPECT(fails(OK_LINE "A: \x7f\r\n") == ERR_FORMAT);
}

CASE(bounds_a_line_and_all_of_them)
{
	static char text[40000];
	size_t n;

	n = (size_t)snprintf(text, sizeof(text), OK_LINE "A: ");
	memset(text + n, 'x', 1100);
	EXPECT(fails(text) == ERR_RANGE);
	n = (size_t)snprintf(text, sizeof(text), OK_LINE);
	while (n < 17000)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "A: b\r\n");
	EXPECT(fails(text) == ERR_RANGE);
}

int
main(void)
{
	return check_run();
}
