/* SPDX-License-Identifier: Apache-2.0 */
/* log.c is included: the calendar is a static function of it. */
#include <fcntl.h>

#include "../../../ipc/log.c"
#include "../check.h"

static char got[8192];
static int p[2];

static void
start(bool json, uint64_t t0_ns)
{
	EXPECT(pipe2(p, O_CLOEXEC | O_NONBLOCK) == 0);
	log_setup(p[1], json, t0_ns);
}

static void
finish(void)
{
	ssize_t n = read(p[0], got, sizeof(got) - 1);

	got[n > 0 ? n : 0] = '\0';
	close(p[0]);
	close(p[1]);
}

CASE(a_terminal_line_is_time_and_text)
{
	unsigned s, ms;
	char text[64];

	start(false, clock_ns(CLOCK_MONOTONIC) - 65 * NS - 4000000);
	log_line(LOG_STEP, "tpm", "token", "opened (%d bytes)", 12);
	finish();
	EXPECT(sscanf(got, "[%u.%3u] %63[^\n]", &s, &ms, text) == 3);
	EXPECT(got[0] == '[' && got[5] == '.' && got[9] == ']');
	EXPECT(s >= 65 && s < 75);
	EXPECT(strcmp(text, "opened (12 bytes)") == 0);
	EXPECT(got[strlen(got) - 1] == '\n');
}

CASE(a_boot_that_starts_later_is_at_zero)
{
	start(false, UINT64_MAX);
	log_line(LOG_STEP, NULL, "x", "y");
	finish();
	EXPECT(strcmp(got, "[   0.000] y\n") == 0);
}

CASE(levels_are_words)
{
	start(false, UINT64_MAX);
	log_line(LOG_WARN, NULL, "x", "y");
	finish();
	EXPECT(strcmp(got, "[   0.000] warning: y\n") == 0);
	start(false, UINT64_MAX);
	log_line(LOG_FAIL, NULL, "x", "y");
	finish();
	EXPECT(strcmp(got, "[   0.000] error: y\n") == 0);
}

CASE(a_json_line_names_who_spoke)
{
	const char *rest;

	start(true, UINT64_MAX);
	log_line(LOG_FAIL, "tpm", "tpm_error", "code %x", 0x1f);
	finish();
	EXPECT(strncmp(got, "{\"time\":\"20", 11) == 0);
	rest = strstr(got, "Z\",");
	EXPECT(rest != NULL);
	if (rest)
		EXPECT(strcmp(rest, "Z\",\"t\":0.000,\"level\":\"error\","
				    "\"from\":\"tpm\",\"event\":\"tpm_error\","
				    "\"text\":\"code 1f\"}\n") == 0);
	start(true, UINT64_MAX);
	log_line(LOG_STEP, NULL, "x", "y");
	finish();
	EXPECT(strstr(got, "\"from\"") == NULL);
	EXPECT(strstr(got, "\"level\":\"info\"") != NULL);
}

CASE(text_from_outside_cannot_break_a_line)
{
	start(true, UINT64_MAX);
	log_line(LOG_STEP, NULL, "x", "%s", "a\n\"b\\\x1b[2J\xc3\xa9\x7f");
	finish();
	EXPECT(strstr(got, "\"text\":\"a?\\\"b\\\\?[2J???\"}\n") != NULL);
	start(false, UINT64_MAX);
	log_line(LOG_STEP, NULL, "x", "a\nb\r\tc");
	finish();
	EXPECT(strcmp(got, "[   0.000] a?b??c\n") == 0);
}

CASE(a_long_text_is_cut_and_the_line_still_ends)
{
	static char text[5000];

	memset(text, '"', sizeof(text) - 1);
	start(true, UINT64_MAX);
	log_line(LOG_STEP, "supervisor", "x", "%s", text);
	finish();
	EXPECT(strlen(got) > TEXT_MAX && strlen(got) <= LINE_BYTES);
	EXPECT(strcmp(got + strlen(got) - 3, "\"}\n") == 0);
}

CASE(log_text_keeps_printable_ascii_alone)
{
	char dst[8];

	for (unsigned c = 0; c < 256; c++) {
		uint8_t b = (uint8_t)c;
		bool kept = c >= 0x20 && c <= 0x7e;

		log_text(&b, 1, dst, sizeof(dst));
		EXPECT(dst[0] == (kept ? (char)c : '?') && dst[1] == '\0');
	}
	log_text("abcdefghij", 10, dst, 4);
	EXPECT(strcmp(dst, "abc") == 0);
	log_text("abc", 3, dst, 0);
	EXPECT(strcmp(dst, "abc") == 0);
}

CASE(the_calendar_is_that_of_the_c_library)
{
	unsigned bad = 0;

	for (time_t day = 0; day < 100000; day++) { /* to 2243 */
		time_t t = day * 86400;
		struct tm tm;
		unsigned d[3];

		gmtime_r(&t, &tm);
		date_of((uint64_t)day, d);
		bad += d[0] != (unsigned)tm.tm_year + 1900 ||
		       d[1] != (unsigned)tm.tm_mon + 1 ||
		       d[2] != (unsigned)tm.tm_mday;
	}
	EXPECT(bad == 0);
}

CASE(a_reader_that_is_stuck_costs_lines_not_time)
{
	static char fill[65536], rest[65536];
	uint64_t begin;

	start(true, 0);
	EXPECT(fcntl(p[1], F_SETPIPE_SZ, 65536) == 65536);
	EXPECT(write(p[1], fill, sizeof(fill)) == sizeof(fill));
	begin = clock_ns(CLOCK_MONOTONIC);
	for (int i = 0; i < 1000; i++)
		log_line(LOG_STEP, NULL, "one", "nobody reads this");
	/* the first waits a second; ten of them would be a boot that waits */
	EXPECT(clock_ns(CLOCK_MONOTONIC) - begin < 10 * NS);
	EXPECT(read(p[0], rest, sizeof(rest)) == sizeof(rest));
	log_line(LOG_STEP, NULL, "two", "somebody reads this");
	finish();
	EXPECT(strstr(got, "somebody reads this") != NULL);
	EXPECT(strstr(got, "1000 lines are lost") != NULL);
	EXPECT(strstr(got, "nobody reads this") == NULL);
}

int
main(void)
{
	return check_run();
}
