/* SPDX-License-Identifier: Apache-2.0 */
/* The retry table and Retry-After; pure functions. */
#include "retry.h"

#include <string.h>

#define OF(r) (1u << (r))
#define ALL   (OF(REMOTE_IMDS) | OF(REMOTE_MAA) | OF(REMOTE_AKV))

struct row {
	unsigned remotes;
	unsigned first; /* statuses, from and to */
	unsigned last;
	uint32_t wait_ms; /* after the first try; doubles with each */
	uint32_t most_ms; /* and is never longer than this */
};

/* What is in no row is final. */
static const struct row table[] = {
	/* remotes, statuses, first wait, longest wait */
	{ALL, 0, 0, 1000, 8000},		 /* no answer */
	{OF(REMOTE_IMDS), 404, 404, 1000, 8000}, /* updating */
	{OF(REMOTE_IMDS), 408, 408, 1000, 8000},
	{OF(REMOTE_IMDS), 410, 410, 10000, 10000}, /* back within 70 s */
	{OF(REMOTE_IMDS), 429, 429, 1000, 16000},
	{OF(REMOTE_IMDS), 500, 599, 1000, 16000},
	{OF(REMOTE_MAA), 408, 408, 5000, 20000},
	{OF(REMOTE_MAA), 429, 429, 5000, 20000},
	{OF(REMOTE_MAA), 500, 599, 5000, 20000},
	{OF(REMOTE_AKV), 408, 408, 1000, 16000},
	{OF(REMOTE_AKV), 409, 409, 2000, 16000}, /* two writers at once */
	{OF(REMOTE_AKV), 429, 429, 1000, 16000},
	{OF(REMOTE_AKV), 500, 599, 1000, 16000},
};

static const struct row *
row_of(enum remote remote, unsigned status)
{
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if ((table[i].remotes & OF(remote)) != 0 &&
		    status >= table[i].first && status <= table[i].last)
			return &table[i];
	return NULL;
}

bool
retry_later(const struct retry_ask *ask, uint32_t *out_wait_ms)
{
	const struct row *row = row_of(ask->remote, ask->status);
	uint64_t wait, after = (uint64_t)ask->after_s * 1000;

	if (!row)
		return false;
	wait = row->wait_ms;
	for (unsigned i = 1; i < ask->tries && wait < row->most_ms; i++)
		wait *= 2;
	if (wait > row->most_ms)
		wait = row->most_ms;
	wait += wait * (ask->random % 201) / 1000;
	if (wait < after)
		wait = after;
	*out_wait_ms = wait > UINT32_MAX ? UINT32_MAX : (uint32_t)wait;
	return true;
}

/* Reads exactly n digits.  Returns 0 or ERR_FORMAT. */
static int
number(const char *p, size_t n, unsigned *out)
{
	unsigned v = 0;

	for (size_t i = 0; i < n; i++) {
		if (p[i] < '0' || p[i] > '9')
			return ERR_FORMAT;
		v = v * 10 + (unsigned)(p[i] - '0');
	}
	*out = v;
	return 0;
}

static bool
all_digits(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] < '0' || p[i] > '9')
			return false;
	return true;
}

/* Days from 1970-01-01 to the date (proleptic Gregorian, year >= 1970). */
static int64_t
days(unsigned year, unsigned month, unsigned day)
{
	static const unsigned before[12] = {0,	 31,  59,  90,	120, 151,
					    181, 212, 243, 273, 304, 334};
	unsigned y = year - 1;
	int64_t n;

	n = (int64_t)365 * (year - 1970);
	n += y / 4 - y / 100 + y / 400 - 477; /* leap days before 1970: 477 */
	n += before[month - 1] + day - 1;
	if (month > 2 && year % 4 == 0 && (year % 100 != 0 || year % 400 == 0))
		n++;
	return n;
}

/* "Sun, 06 Nov 1994 08:49:37 GMT", 29 characters. */
static int
fixdate(const char *p, int64_t *out)
{
	static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	unsigned d, y, h, m, s, month = 0;
	int r;

	if (p[3] != ',' || p[4] != ' ' || p[7] != ' ' || p[11] != ' ' ||
	    p[16] != ' ' || p[19] != ':' || p[22] != ':' ||
	    memcmp(p + 25, " GMT", 4) != 0)
		return ERR_FORMAT;
	for (unsigned i = 0; i < 12; i++)
		if (memcmp(p + 8, names + i * 3, 3) == 0)
			month = i + 1;
	if ((r = number(p + 5, 2, &d)) != 0 ||
	    (r = number(p + 12, 4, &y)) != 0 ||
	    (r = number(p + 17, 2, &h)) != 0 ||
	    (r = number(p + 20, 2, &m)) != 0 ||
	    (r = number(p + 23, 2, &s)) != 0)
		return r;
	if (month == 0 || d < 1 || d > 31 || y < 1970 || h > 23 || m > 59 ||
	    s > 60)
		return ERR_FORMAT;
	*out = days(y, month, d) * 86400 + (int64_t)h * 3600 + (int64_t)m * 60 +
	       (int64_t)s;
	return 0;
}

/* Leaves out blanks at both ends. */
static const char *
trim(const char *p, size_t *io_bytes)
{
	size_t n = *io_bytes;

	while (n > 0 && (*p == ' ' || *p == '\t'))
		p++, n--;
	while (n > 0 && (p[n - 1] == ' ' || p[n - 1] == '\t' ||
			 p[n - 1] == '\r' || p[n - 1] == '\n'))
		n--;
	*io_bytes = n;
	return p;
}

int
retry_date(const char *p, size_t bytes, uint64_t *out)
{
	int64_t then;

	p = trim(p, &bytes);
	if (bytes != 29 || fixdate(p, &then) != 0 || then < 0)
		return ERR_FORMAT;
	*out = (uint64_t)then;
	return 0;
}

uint32_t
retry_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return (uint32_t)(*state >> 32);
}

uint32_t
retry_after(const char *p, size_t bytes, int64_t now)
{
	int64_t then;
	unsigned s;

	p = trim(p, &bytes);
	if (bytes > 9 && all_digits(p, bytes))
		return RETRY_AFTER_MAX; /* longer than can be counted */
	if (bytes >= 1 && bytes <= 9 && number(p, bytes, &s) == 0)
		return s < RETRY_AFTER_MAX ? s : RETRY_AFTER_MAX;
	if (bytes != 29 || fixdate(p, &then) != 0 || then <= now)
		return 0;
	then -= now;
	return then < RETRY_AFTER_MAX ? (uint32_t)then : RETRY_AFTER_MAX;
}
