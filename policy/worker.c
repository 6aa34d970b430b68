/* SPDX-License-Identifier: Apache-2.0 */
/* Stage 2 of the confinement (worker.h), the same in every worker. */
#include "worker.h"

#include <fcntl.h>
#include <malloc.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audit.h"
#include "clock.h"
#include "cursor.h"
#include "fds.h"
#include "filter.h"
#include "landlock.h"
#include "tags.h"

#ifndef PR_SET_MDWE /* prctl(2), Linux 6.3; younger than glibc 2.36 */
#define PR_SET_MDWE		 65
#define PR_MDWE_REFUSE_EXEC_GAIN 1
#endif

#define NOTE_MAX 200u

static uint8_t config_buf[MSG_MAX]; /* CONFIG lives as long as the worker */

static _Noreturn void
die(int code)
{
	_exit(code);
}

/* Broker and keeper have a go pipe where the others have the broker. */
static bool
is_alone(const struct worker_desc *d)
{
	return d->seat == SEAT_BROKER || d->seat == SEAT_KEEPER;
}

static int
audit(const struct worker_desc *d)
{
	struct fd_want want[64];
	size_t n = 0;

	for (size_t i = 0; i < d->page->fd_count; i++) {
		const struct page_fd *f = &d->page->fds[i];

		if (!(f->seats & SEAT_BIT(d->seat)))
			continue;
		for (int fd = f->first; fd <= f->last; fd++) {
			if (n == sizeof(want) / sizeof(want[0]))
				return ERR_LOCK;
			want[n++] = (struct fd_want){fd, f->kind};
		}
	}
	return audit_fds(want, n);
}

/* One CONFIG frame, then end of file: the supervisor's end is gone. */
static int
read_config(struct worker *w)
{
	struct channel c;
	struct frame f;
	uint8_t more[MSG_HEADER];
	int r;

	channel_init(&c, FD_CONFIG, w->desc->seat, SEAT_SUPERVISOR);
	if ((r = channel_expect(&c, MSG_CONFIG, config_buf, sizeof(config_buf),
				&f)) != 0)
		return r;
	if ((r = items_open(f.body, f.body_bytes, &w->config)) != 0 ||
	    (r = items_fixed(&w->config, TAG_SESSION, w->session,
			     sizeof(w->session))) != 0 ||
	    (r = items_u32(&w->config, TAG_DEADLINE_MS, &w->deadline_ms)) != 0)
		return r;
	if (recv(FD_CONFIG, more, sizeof(more), 0) != 0)
		return ERR_PROTO;
	return close(FD_CONFIG) == 0 ? 0 : ERR_SYS;
}

/*
 * One heap that grows by brk(2) alone and is never given back, so that no
 * filter has to let mmap(2) pass.  Warmed: libraries will want it.
 */
static int
one_heap(size_t warm)
{
	void *p;

	if (mallopt(M_MMAP_MAX, 0) != 1 || mallopt(M_ARENA_MAX, 1) != 1 ||
	    mallopt(M_TRIM_THRESHOLD, INT32_MAX) != 1)
		return ERR_LOCK;
	if (warm == 0)
		return 0;
	p = malloc(warm);
	if (!p)
		return ERR_NOMEM;
	explicit_bzero(p, warm); /* touched */
	free(p);
	return 0;
}

void
worker_begin(struct worker *w, const struct worker_desc *desc)
{
	memset(w, 0, sizeof(*w));
	w->desc = desc;
	umask(077);
	tzset(); /* TZ=UTC0: later calls of localtime(3) open no file */
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 ||
	    prctl(PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN, 0, 0, 0) != 0)
		die(EXIT_LOCK);
	if (audit(desc) != 0 || read_config(w) != 0)
		die(EXIT_LOCK);
	if (one_heap(desc->stack_config) != 0)
		die(EXIT_LOCK);
	if (!is_alone(desc))
		channel_init(&w->broker, FD_BROKER, desc->seat, SEAT_BROKER);
}

/* LOCKED, the ready pipe, START. */
static void
await_start(struct worker *w)
{
	uint8_t buf[MSG_HEADER + 1];
	struct frame f;

	if (channel_send(&w->broker, MSG_LOCKED, NULL, 0) != 0)
		die(EXIT_PROTOCOL);
	if (close(FD_READY) != 0)
		die(EXIT_LOCK);
	if (channel_expect(&w->broker, MSG_START, buf, sizeof(buf), &f) != 0)
		die(EXIT_PROTOCOL);
	w->started_ms = clock_ms(CLOCK_MONOTONIC);
}

void
worker_lock(struct worker *w, const uint16_t *tcp_ports, size_t ports)
{
	const struct worker_desc *d = w->desc;

	/*
	 * Refused (RLIMIT_MEMLOCK, no CAP_IPC_LOCK): the supervisor has seen
	 * that no swap is in use, which is all that this is for; the secret
	 * arena locks its own pages or fails.
	 */
	if (d->locks_memory)
		(void)mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT);
	if (landlock_lock(d->page, tcp_ports, ports) != 0 ||
	    page_limits(d->page, d->seat) != 0 ||
	    filter_install(d->page->inner) != 0)
		die(EXIT_LOCK);
	if (!is_alone(d)) {
		await_start(w);
		return;
	}
	if (close(FD_READY) != 0)
		die(EXIT_LOCK);
	w->started_ms = clock_ms(CLOCK_MONOTONIC);
}

_Noreturn void
worker_exit(struct worker *w, int code)
{
	uint8_t body[4];
	struct wr out;

	wr_init(&out, body, sizeof(body));
	wr_u32(&out, (uint32_t)code);
	/* a broker that is gone changes nothing: the exit code is what counts
	 */
	if (channel_send(&w->broker, MSG_RESULT, body, sizeof(body)) != 0)
		die(code);
	die(code);
}

void
worker_event(struct worker *w, unsigned event, uint64_t a, uint64_t b,
	     uint64_t c, uint64_t d)
{
	uint8_t body[2 + 4 * 8];
	struct wr out;

	wr_init(&out, body, sizeof(body));
	wr_u16(&out, (uint16_t)event);
	wr_u64(&out, a);
	wr_u64(&out, b);
	wr_u64(&out, c);
	wr_u64(&out, d);
	if (channel_send(&w->broker, MSG_EVENT, body, sizeof(body)) != 0)
		die(EXIT_PROTOCOL);
}

void
worker_note(struct worker *w, const char *fmt, ...)
{
	char text[NOTE_MAX + 1];
	size_t n;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	n = strlen(text);
	for (size_t i = 0; i < n; i++) {
		if (text[i] < 0x20 || text[i] > 0x7e)
			text[i] = '?';
	}
	if (n != 0 && channel_send(&w->broker, MSG_NOTE, text, n) != 0)
		die(EXIT_PROTOCOL);
}

uint32_t
worker_left_ms(const struct worker *w)
{
	uint64_t gone = clock_ms(CLOCK_MONOTONIC) - w->started_ms;

	return gone >= w->deadline_ms ? 0 : (uint32_t)(w->deadline_ms - gone);
}
