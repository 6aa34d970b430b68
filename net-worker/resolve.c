/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sallyport-resolve: names to addresses, then it exits.  The name service
 * cannot be filtered tightly, so it has a process of its own, which sees host
 * names and nothing else.  A literal address is passed through.
 */
#include <netdb.h>
#include <netinet/in.h>
#include <nss.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "addrs.h"
#include "events.h"
#include "worker.h"

#define NAME_MAX_CHARS 254u /* with the NUL */
#define TRIES	       5u   /* while the name server says: later */
#define PAUSE_MS       1000
#define SORT_ASKS      2048u /* bytes; glibc asks from 1024 on */

static struct worker worker;
static uint8_t body[ADDRS_BYTES];

/* Asks until there is an answer, some times, within the deadline. */
static int
lookup(const char *name, struct addrinfo **out)
{
	const struct addrinfo hints = {.ai_family = AF_UNSPEC,
				       .ai_socktype = SOCK_STREAM,
				       .ai_protocol = IPPROTO_TCP};
	int e = EAI_AGAIN;

	for (unsigned i = 0; i < TRIES && e == EAI_AGAIN; i++) {
		if (i > 0)
			(void)poll(NULL, 0, PAUSE_MS);
		if (worker_left_ms(&worker) <= PAUSE_MS)
			break;
		e = getaddrinfo(name, NULL, &hints, out);
	}
	return e;
}

/* Appends at most ADDRS_EACH addresses; returns how many. */
static unsigned
put_all(struct wr *w, unsigned remote, const struct addrinfo *all)
{
	struct addr a;
	unsigned n = 0;

	for (; all && n < ADDRS_EACH; all = all->ai_next) {
		if (addr_from(all->ai_addr, all->ai_addrlen, &a) != 0)
			continue;
		addrs_put(w, remote, &a);
		n++;
	}
	return n;
}

/* One name: a literal, or what the name service says. */
static unsigned
resolve(struct wr *w, unsigned remote, const char *name)
{
	struct addrinfo *all = NULL;
	struct addr a;
	unsigned n;
	int e;

	if (addr_literal(name, &a) == 0) {
		addrs_put(w, remote, &a);
		return 1;
	}
	if ((e = lookup(name, &all)) != 0) {
		worker_note(&worker, "%s: %s", name, gai_strerror(e));
		return 0;
	}
	n = put_all(w, remote, all);
	freeaddrinfo(all);
	if (n == 0)
		worker_note(&worker, "%s: no usable address", name);
	return n;
}

static int
work(void)
{
	char name[NAME_MAX_CHARS];
	unsigned names = items_count(&worker.config, TAG_NAME), n, all = 0;
	struct wr w;
	size_t bytes;

	if (names == 0 || names > REMOTE_COUNT)
		return EXIT_PROTOCOL;
	wr_init(&w, body, sizeof(body));
	for (unsigned i = 0; i < names; i++) {
		if (items_str(&worker.config, TAG_NAME, i, name,
			      sizeof(name)) != 0)
			return EXIT_PROTOCOL;
		if (name[0] == '\0') /* a remote that this session has not */
			continue;
		if ((n = resolve(&w, i, name)) == 0)
			return EXIT_RESOLVE;
		all += n;
	}
	if (wr_end(&w, &bytes) != 0 || all == 0)
		return EXIT_PROTOCOL;
	worker_event(&worker, EVENT_RESOLVED, all, 0, 0, 0);
	if (channel_send(&worker.broker, MSG_ADDRS, body, bytes) != 0)
		return EXIT_PROTOCOL;
	return EXIT_OK;
}

static int
compare(const void *a, const void *b)
{
	return memcmp(a, b, 1);
}

/*
 * Files and DNS, whatever nsswitch.conf(5) says: both are inside glibc, and
 * no module is loaded after the lock.  A numeric lookup warms the rest;
 * qsort(3), which getaddrinfo(3) sorts many addresses with, asks once by
 * sysinfo(2) how much memory there is.
 */
static void
prime(void)
{
	static char many[SORT_ASKS];
	const struct addrinfo hints = {.ai_flags = AI_NUMERICHOST};
	struct addrinfo *all;

	if (__nss_configure_lookup("hosts", "files dns") != 0)
		return; /* then nsswitch.conf decides, and the filter */
	qsort(many, sizeof(many), 1, compare);
	if (getaddrinfo("127.0.0.1", NULL, &hints, &all) == 0)
		freeaddrinfo(all);
}

int
main(void)
{
	static const struct worker_desc desc = {
		.seat = SEAT_RESOLVE,
		.page = &page_resolve,
	};

	worker_begin(&worker, &desc);
	prime();
	worker_lock(&worker, NULL, 0);
	worker_exit(&worker, work());
}
