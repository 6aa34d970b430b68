/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stage 2 of the confinement: what every worker does after exec, in this
 * order, each failure fatal (EXIT_LOCK).  Stage 1 was the supervisor's
 * (parent/confine.c).
 *
 *   worker_begin   not dumpable, MDWE, umask; descriptors audited by number
 *                  and kind; CONFIG read and its socket closed
 *   (the role)     libraries initialised and primed, secret arena made
 *   worker_lock    mlockall, Landlock, rlimits, the inner filter; LOCKED;
 *                  the ready pipe closed; START awaited
 *
 *   must come before                    because
 *   descriptors before Landlock         its ruleset is a descriptor
 *   Landlock before rlimits             NOFILE would refuse the ruleset
 *   inner filter last                   everything above needs calls it kills
 *
 * Broker and keeper do the same, with these differences: they have a go pipe
 * where the others have the broker, they have no channel to it, send no LOCKED
 * and wait for no START.  That the ready pipe closed is their whole word.
 */
#ifndef SP_WORKER_H
#define SP_WORKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "channel.h"
#include "err.h"
#include "exit.h"
#include "items.h"
#include "page.h"
#include "seat.h"

struct worker_desc {
	enum seat seat;
	const struct page *page; /* what policy/ROLE.policy states */
	size_t stack_config;	 /* 0, or bytes of extra heap to warm */
	bool locks_memory;	 /* mlockall */
};

struct worker {
	const struct worker_desc *desc;
	struct channel broker;
	struct items config; /* view into config_buf */
	uint8_t session[32];
	uint32_t deadline_ms;
	uint64_t started_ms; /* CLOCK_MONOTONIC at START */
};

/*
 * Does the first half.  Exits with EXIT_LOCK on any failure (a worker that
 * cannot begin has nobody to tell).
 */
void worker_begin(struct worker *w, const struct worker_desc *desc);

/*
 * Does the second half; tcp_ports (may be NULL) are those of CONFIG that
 * Landlock lets it connect to, beside the page's numbers; only a page that
 * says `landlock connect from` takes any.  Returns after START; exits with
 * EXIT_LOCK or, when the broker hangs up, EXIT_PROTOCOL.
 */
void worker_lock(struct worker *w, const uint16_t *tcp_ports, size_t ports);

/* Sends RESULT with the code and ends the process with it. */
_Noreturn void worker_exit(struct worker *w, int code);

/* Sends an EVENT with up to four numbers; the worker must be clean. */
void worker_event(struct worker *w, unsigned event, uint64_t a, uint64_t b,
		  uint64_t c, uint64_t d);

/* Sends a NOTE; bytes outside printable ASCII become '?', cut at 200. */
void worker_note(struct worker *w, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * Milliseconds left until the worker's deadline, which counts from START; 0
 * when it has passed.
 */
uint32_t worker_left_ms(const struct worker *w);

#endif
