/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One line per write(2), so that lines of two processes never mix.  The date
 * is computed here: gmtime() would look at the time zone's file.
 */
#include "log.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"

#define TEXT_MAX   1024u
#define LINE_BYTES (2 * TEXT_MAX + 256u)
#define NS	   UINT64_C(1000000000)
/* How long the first line waits that nobody takes; those after it do not. */
#define TAKE_NS NS

static struct {
	int fd;
	bool json;
	uint64_t t0_ns;
	unsigned lost; /* lines, since one was last taken */
} out = {.fd = STDERR_FILENO};

struct line {
	char s[LINE_BYTES];
	size_t used;
};

void
log_setup(int fd, bool json, uint64_t t0_ns)
{
	out.fd = fd;
	out.json = json;
	out.t0_ns = t0_ns;
	out.lost = 0;
}

void
log_text(const void *src, size_t bytes, char *dst, size_t cap)
{
	const unsigned char *p = src;
	size_t n = 0;

	if (cap == 0)
		return;
	for (; n < bytes && n < cap - 1; n++)
		dst[n] = p[n] >= 0x20 && p[n] <= 0x7e ? (char)p[n] : '?';
	dst[n] = '\0';
}

/* One byte always stays for the newline. */
static void
add(struct line *l, const char *s)
{
	size_t n = strlen(s), room = sizeof(l->s) - 1 - l->used;

	if (n > room)
		n = room;
	memcpy(l->s + l->used, s, n);
	l->used += n;
}

/* s is printable ASCII; quotes and backslashes are escaped (RFC 8259 7). */
static void
add_json(struct line *l, const char *key, const char *s)
{
	char c[3] = {0};

	add(l, ",\"");
	add(l, key);
	add(l, "\":\"");
	for (; *s; s++) {
		bool escaped = *s == '"' || *s == '\\';

		c[0] = escaped ? '\\' : *s;
		c[1] = escaped ? *s : '\0';
		add(l, c);
	}
	add(l, "\"");
}

/* Days since 1970 to a date of the Gregorian calendar, counted from March. */
static void
date_of(uint64_t days, unsigned date[static 3])
{
	uint64_t n = days + 719468; /* from 0000-03-01 */
	uint64_t era = n / 146097, doe = n % 146097;
	uint64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	uint64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	uint64_t m = (5 * doy + 2) / 153; /* 0 is March */

	date[0] = (unsigned)(yoe + era * 400 + (m >= 10));
	date[1] = (unsigned)(m < 10 ? m + 3 : m - 9);
	date[2] = (unsigned)(doy - (153 * m + 2) / 5 + 1);
}

static void
add_times(struct line *l, uint64_t ms)
{
	uint64_t wall = clock_ns(CLOCK_REALTIME), s = wall / NS;
	unsigned d[3];
	char b[96];

	date_of(s / 86400, d);
	snprintf(b, sizeof(b),
		 "{\"time\":\"%04u-%02u-%02uT%02u:%02u:%02u.%03uZ\",\"t\":"
		 "%llu.%03u",
		 d[0], d[1], d[2], (unsigned)(s / 3600 % 24),
		 (unsigned)(s / 60 % 60), (unsigned)(s % 60),
		 (unsigned)(wall % NS / 1000000), (unsigned long long)ms / 1000,
		 (unsigned)(ms % 1000));
	add(l, b);
}

static void
add_prefix(struct line *l, uint64_t ms, enum log_level level)
{
	static const char *const words[] = {
		[LOG_STEP] = "",
		[LOG_WARN] = "warning: ",
		[LOG_FAIL] = "error: ",
	};
	char b[32];

	snprintf(b, sizeof(b), "[%4llu.%03u] ", (unsigned long long)ms / 1000,
		 (unsigned)(ms % 1000));
	add(l, b);
	add(l, words[level]);
}

/* Waits until the reader takes more; not for a reader that is stuck. */
static bool
more_is_taken(uint64_t until)
{
	uint64_t now = clock_ns(CLOCK_MONOTONIC);
	struct pollfd p = {.fd = out.fd, .events = POLLOUT};
	struct timespec t = {0};

	if (out.lost > 0 || now >= until)
		return false;
	t.tv_sec = (time_t)((until - now) / NS);
	t.tv_nsec = (long)((until - now) % NS);
	return ppoll(&p, 1, &t, NULL) > 0;
}

/* Returns whether somebody took it; a boot never waits for its reader. */
static bool
put(const struct line *l)
{
	uint64_t until = clock_ns(CLOCK_MONOTONIC) + TAKE_NS;
	const char *p = l->s;
	size_t left = l->used;

	while (left) {
		ssize_t n = write(out.fd, p, left);

		if (n < 0 && errno == EAGAIN && more_is_taken(until))
			continue;
		if (n <= 0) /* a log that is gone has nobody to be told */
			return n < 0 && errno != EAGAIN;
		p += n;
		left -= (size_t)n;
	}
	return true;
}

void
log_line(enum log_level level, const char *from, const char *event,
	 const char *fmt, ...)
{
	static const char *const levels[] = {
		[LOG_STEP] = "info",
		[LOG_WARN] = "warning",
		[LOG_FAIL] = "error",
	};
	uint64_t now = clock_ns(CLOCK_MONOTONIC), ms;
	char raw[TEXT_MAX], text[TEXT_MAX];
	struct line l = {.used = 0};
	unsigned lost;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(raw, sizeof(raw), fmt, ap);
	va_end(ap);
	if (n < 0)
		raw[0] = '\0';
	log_text(raw, strlen(raw), text, sizeof(text));

	ms = now > out.t0_ns ? (now - out.t0_ns) / 1000000 : 0;
	if (out.json) {
		add_times(&l, ms);
		add_json(&l, "level", levels[level]);
		if (from)
			add_json(&l, "from", from);
		add_json(&l, "event", event);
		add_json(&l, "text", text);
		add(&l, "}");
	} else {
		add_prefix(&l, ms, level);
		add(&l, text);
	}
	l.s[l.used++] = '\n';
	if (!put(&l)) {
		out.lost++;
	} else if ((lost = out.lost) > 0) {
		out.lost = 0;
		log_line(LOG_WARN, NULL, "log_lost",
			 "nobody took the log for a while: %u lines are lost",
			 lost);
	}
}
