/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Log lines of supervisor and broker: one line per step with its time for a
 * terminal, JSON lines with stable event names for anything else.  Values are
 * numbers or our own words; text from outside passes log_text(), which keeps
 * printable ASCII alone.  Where the descriptor does not block, a line waits a
 * second at most for its reader, then it and those after it are lost; the
 * first that is taken again is followed by how many.
 */
#ifndef SP_LOG_H
#define SP_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum log_level { LOG_STEP, LOG_WARN, LOG_FAIL };

/* Sets descriptor, form and the boot's start (CLOCK_MONOTONIC, ns). */
void log_setup(int fd, bool json, uint64_t t0_ns);

/*
 * Writes one line: `event` is the stable name, the text printf-like.
 * Terminal: "[   0.123] text"; warnings begin "warning: ", failures
 * "error: ".  JSON: {"time":…,"t":…,"level":…,"event":…,"text":…}, where
 * `from` (may be NULL) names the process that spoke.
 */
void log_line(enum log_level level, const char *from, const char *event,
	      const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* Copies src, replacing every byte outside 0x20..0x7e by '?'. */
void log_text(const void *src, size_t bytes, char *out, size_t cap);

#endif
