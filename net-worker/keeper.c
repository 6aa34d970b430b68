/* SPDX-License-Identifier: Apache-2.0 */
#include "keeper.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "channel.h"
#include "clock.h"
#include "exit.h"
#include "fds.h"
#include "go.h"
#include "retry.h"

#define RELEASE_PART 12 /* of the lease: the call that gives it back */

/* CLOCK_BOOTTIME: a machine that was paused has paused no lease. */
static uint64_t
now_ms(void)
{
	return clock_ms(CLOCK_BOOTTIME);
}

/*
 * Waits for so long.  Returns 0 when the time is over, ERR_EOF when the go
 * pipe ended, ERR_PROTO when it says more than its one word.
 */
static int
wait_ms(uint64_t ms)
{
	struct pollfd p = {.fd = FD_KEEPER_GO, .events = POLLIN};
	int n = poll(&p, 1, ms > INT32_MAX ? INT32_MAX : (int)ms);

	if (n <= 0)
		return 0; /* or interrupted: then it is asked a bit early */
	return p.revents & POLLIN ? ERR_PROTO : ERR_EOF;
}

/* The supervisor's one byte, after the gate. */
static int
await_go(void)
{
	uint8_t byte;
	ssize_t n = read(FD_KEEPER_GO, &byte, 1);

	if (n == 0)
		return ERR_EOF;
	return n == 1 && byte == GO_HOLD ? 0 : ERR_PROTO;
}

/* What resolve said before it ended, as the broker would have heard it. */
static int
read_names(struct addrs *out)
{
	static uint8_t buf[MSG_MAX];
	struct channel c;
	struct frame f;
	int r;

	channel_init(&c, FD_KEEPER_NAMES, SEAT_BROKER, SEAT_RESOLVE);
	do {
		if ((r = channel_recv(&c, buf, sizeof(buf), &f)) != 0)
			return r;
	} while (f.type == MSG_LOCKED || f.type == MSG_EVENT);
	if (f.type != MSG_ADDRS)
		return ERR_PROTO;
	return addrs_get(f.body, f.body_bytes, out);
}

/* Asks the metadata service for a token.  Returns 0 or ERR_TRANSIENT. */
static int
token(struct keeper *k, uint32_t left_ms)
{
	char path[HTTP_PATH_MAX];
	struct http_request rq;
	struct http_answer a;

	imds_token_ask(k->conf, path, &rq);
	http_call(k->http, &rq, left_ms, &a);
	k->lease.after_s = a.after_s;
	if (a.status >= 400 && a.status < 404)
		k->lease.code = EXIT_IDENTITY;
	if (a.status != 200 ||
	    imds_token_read(a.body, a.bytes, conf_resource(k->conf),
			    (uint64_t)time(NULL), k->sk_bearer) != 0)
		return ERR_TRANSIENT;
	k->have_bearer = true;
	return 0;
}

/* One call of the lease's own.  Returns what was answered. */
static enum lease_said
call(struct keeper *k, enum lease_op op, uint32_t left_ms)
{
	static const char *const action[] = {
		[LEASE_CREATE] = "If-None-Match: *",
		[LEASE_ACQUIRE] = "x-ms-lease-action: acquire",
		[LEASE_RENEW] = "x-ms-lease-action: renew",
		[LEASE_RELEASE] = "x-ms-lease-action: release",
	};
	char path[CONF_PATH + 16], id[64], length[40];
	const char *more[] = {"x-ms-version: 2021-12-02", action[op], id, NULL,
			      NULL};
	struct http_request rq = {.remote = REMOTE_BLOB,
				  .method = "PUT",
				  .path = path,
				  .body = "",
				  .sk_bearer = k->sk_bearer,
				  .max_bytes = HTTP_ERROR_MAX,
				  .more = more};
	struct http_answer a;

	snprintf(path, sizeof(path), "%s%s", k->conf->blob_path,
		 op == LEASE_CREATE ? "" : "?comp=lease");
	snprintf(id, sizeof(id), "%s: %s",
		 op == LEASE_ACQUIRE ? "x-ms-proposed-lease-id"
				     : "x-ms-lease-id",
		 k->id);
	if (op == LEASE_CREATE)
		more[2] = "x-ms-blob-type: BlockBlob";
	if (op == LEASE_ACQUIRE) {
		snprintf(length, sizeof(length), "x-ms-lease-duration: %u",
			 (unsigned)k->conf->lease_s);
		more[3] = length;
	}
	http_call(k->http, &rq, left_ms, &a);
	k->lease.after_s = a.after_s;
	return lease_read(op, a.status, a.code);
}

/* A token that is not taken is dropped; the next is used at once, once. */
static void
drop_token(struct keeper *k)
{
	k->have_bearer = false;
	explicit_bzero(k->sk_bearer, sizeof(k->sk_bearer));
	if (!k->refreshed)
		k->lease.due_ms = now_ms();
	k->refreshed = true;
}

/* One thing that is due. */
static void
step(struct keeper *k)
{
	struct lease *l = &k->lease;
	uint64_t sent = now_ms();
	enum lease_said said = LEASE_LATER;

	if (k->have_bearer || token(k, lease_call_ms(l, sent)) == 0) {
		sent = now_ms();
		said = call(k, l->op, lease_call_ms(l, sent));
	} else if (l->code != 0 && !l->held && !l->others) {
		return; /* no identity: that does not mend itself */
	}
	l->code = 0;
	lease_answer(l, said, sent, now_ms(), retry_random(&k->random));
	if (l->code == EXIT_STORAGE_AWAY && !k->have_bearer)
		l->code = EXIT_IMDS; /* it was not even asked */
	if (said == LEASE_TOKEN)
		drop_token(k);
	else if (said != LEASE_LATER)
		k->refreshed = false;
}

/*
 * The kernel ends this process when the lease was not renewed, whatever it is
 * doing then: stopped by somebody, or in a call that does not come back.
 */
static int
arm(struct keeper *k)
{
	uint64_t at = lease_end_ms(&k->lease);
	const struct itimerspec when = {
		.it_value = {(time_t)(at / 1000), (long)(at % 1000) * 1000000}};

	return timer_settime(k->timer, TIMER_ABSTIME, &when, NULL);
}

/* Tells the supervisor what it waits to see; each once.  0 or ERR_SYS. */
static int
show(const struct lease *l, bool *waiting, bool *held)
{
	if (!*waiting && (l->others || l->held)) {
		if (shutdown(FD_KEEPER_ASKED, SHUT_WR) != 0)
			return ERR_SYS;
		*waiting = true;
	}
	if (!*held && l->held) {
		if (shutdown(FD_KEEPER_HELD, SHUT_WR) != 0)
			return ERR_SYS;
		*held = true;
	}
	return 0;
}

/* The go pipe ended: who follows need not wait for the lease's end. */
static int
give_back(struct keeper *k)
{
	const struct lease *l = &k->lease;

	if ((l->held || l->maybe) && k->have_bearer)
		(void)call(k, LEASE_RELEASE, l->time_ms / RELEASE_PART);
	return EXIT_OK;
}

int
keeper_run(struct keeper *k)
{
	bool waiting = false, held = false;
	struct addrs addrs;
	int r;

	if ((r = await_go()) != 0)
		return r == ERR_EOF ? EXIT_OK : EXIT_PROTOCOL;
	if (read_names(&addrs) != 0 || http_open(k->http, &addrs) != 0)
		return EXIT_PROTOCOL;
	lease_init(&k->lease, k->conf, now_ms());
	for (;;) {
		uint64_t now = now_ms(), due = k->lease.due_ms;

		if ((r = wait_ms(due > now ? due - now : 0)) != 0)
			return r == ERR_EOF ? give_back(k) : EXIT_PROTOCOL;
		if ((r = lease_late(&k->lease, now_ms())) != 0)
			return r;
		if (now_ms() < due)
			continue;
		step(k);
		if (k->lease.code != 0)
			return k->lease.code;
		if ((k->lease.held && arm(k) != 0) ||
		    show(&k->lease, &waiting, &held) != 0)
			return EXIT_INTERNAL;
	}
}
