/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Under the driver: the lock as it is, but for the layers that are to be
 * missing, then the one try.  The honest program's own words come after
 * worker_begin(), which never returns here.
 */
#include "evil.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fds.h"
#include "filter.h"
#include "landlock.h"
#include "try_say.h"

#define SET_MDWE 65 /* PR_SET_MDWE */

int __real_landlock_lock(const struct page *page, const uint16_t *ports,
			 size_t port_count);
int __real_prctl(int option, ...);
int __real_setrlimit64(__rlimit_resource_t what, const struct rlimit *l);
int __wrap_filter_install(const struct filter_prog *f);
int __wrap_landlock_lock(const struct page *page, const uint16_t *ports,
			 size_t port_count);
int __wrap_prctl(int option, ...);
int __wrap_setrlimit64(__rlimit_resource_t what, const struct rlimit *l);
int __wrap_channel_recv(struct channel *c, uint8_t *buf, size_t cap,
			struct frame *out);
int __real_channel_recv(struct channel *c, uint8_t *buf, size_t cap,
			struct frame *out);
int __wrap_channel_expect(struct channel *c, unsigned type, uint8_t *buf,
			  size_t cap, struct frame *out);
int __real_channel_expect(struct channel *c, unsigned type, uint8_t *buf,
			  size_t cap, struct frame *out);
void attack_begin(struct worker *w, const struct worker_desc *d);
int attack_filter(const struct filter_prog *f);
void __wrap_worker_begin(struct worker *w, const struct worker_desc *d);

static const struct sock_filter pass[] = {
	BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
};
static const struct filter_prog filter_pass = {"pass", pass, 1};

static struct world world;

static bool
without(enum layer l)
{
	return world.without & LAYER_BIT(l);
}

/* The number of filters stays what the gate wants. */
int
__wrap_filter_install(const struct filter_prog *f)
{
	if (without(LAYER_INNER))
		return __real_filter_install(&filter_pass);
	return attack_filter(f);
}

int
__wrap_landlock_lock(const struct page *page, const uint16_t *ports,
		     size_t port_count)
{
	return without(LAYER_LANDLOCK) || attack_no_landlock()
		       ? 0
		       : __real_landlock_lock(page, ports, port_count);
}

int
__wrap_setrlimit64(__rlimit_resource_t what, const struct rlimit *l)
{
	return without(LAYER_RLIMIT) ? 0 : __real_setrlimit64(what, l);
}

int
__wrap_prctl(int option, ...)
{
	unsigned long a[4];
	va_list ap;

	va_start(ap, option);
	for (int i = 0; i < 4; i++)
		a[i] = va_arg(ap, unsigned long);
	va_end(ap);
	if (option == SET_MDWE && without(LAYER_MDWE))
		return 0;
	return __real_prctl(option, a[0], a[1], a[2], a[3]);
}

int
evil_result(long r)
{
	return r < 0 ? errno : 0;
}

int
evil_packet(struct channel *c, const void *packet, size_t bytes)
{
	union {
		const void *from;
		void *to;
	} p = {.from = packet};
	struct iovec iov = {p.to, bytes};
	struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};

	if (c->self == SEAT_KEEPER) /* what its filter lets pass */
		return evil_result(
			sendto(c->fd, packet, bytes, MSG_NOSIGNAL, NULL, 0));
	return evil_result(sendmsg(c->fd, &m, MSG_NOSIGNAL));
}

int
evil_frame(struct channel *c, unsigned type, const void *body, size_t bytes)
{
	static uint8_t packet[2 * MSG_MAX];

	frame_put(packet, (uint16_t)type, c->send_seq, (uint32_t)bytes);
	memcpy(packet + MSG_HEADER, body, bytes);
	c->send_seq++;
	return evil_packet(c, packet, MSG_HEADER + bytes);
}

/*
 * A peer that believes everything: what a say-try must come through to, so
 * that it is known to be one.
 */
static bool naive;

bool
evil_naive(void)
{
	return naive;
}

static int
take_anything(struct channel *c, uint8_t *buf, size_t cap, struct frame *out)
{
	ssize_t n = recv(c->fd, buf, cap, MSG_DONTWAIT);

	struct pollfd p = {.fd = c->fd, .events = POLLRDHUP};

	if (n < 0)
		return ERR_TIMEOUT;
	/* an empty packet and the end look alike, but for this */
	if (n == 0 && poll(&p, 1, 0) == 1)
		return ERR_EOF;
	if (n < (ssize_t)MSG_HEADER)
		n = MSG_HEADER;
	*out = (struct frame){.type = (uint16_t)(buf[2] << 8 | buf[3]),
			      .body = buf + MSG_HEADER,
			      .body_bytes = (size_t)n - MSG_HEADER};
	return 0;
}

int
__wrap_channel_recv(struct channel *c, uint8_t *buf, size_t cap,
		    struct frame *out)
{
	int r = naive ? take_anything(c, buf, cap, out)
		      : __real_channel_recv(c, buf, cap, out);

	if (r == 0)
		attack_heard(out);
	return r;
}

/* For a worker that waits for START: whatever comes is it. */
int
__wrap_channel_expect(struct channel *c, unsigned type, uint8_t *buf,
		      size_t cap, struct frame *out)
{
	struct pollfd p = {.fd = c->fd, .events = POLLIN};
	static uint8_t any[MSG_MAX];

	if (!naive || type == MSG_CONFIG)
		return __real_channel_expect(c, type, buf, cap, out);
	(void)poll(&p, 1, 5000);
	return take_anything(c, any, sizeof(any), out);
}

static const struct try *
find(const char *name)
{
	static const char *const made[] = {"say-", "short-", "long-", "often-"};
	static const struct try say = {"say", say_row};
	static const struct try *const all[] = {
		tries_exec,   tries_fds, tries_files, tries_ids, tries_keeper,
		tries_kernel, tries_net, tries_procs, tries_say,
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		for (const struct try *t = all[i]; t->name; t++)
			if (strcmp(t->name, name) == 0)
				return t;
	for (size_t i = 0; i < sizeof(made) / sizeof(made[0]); i++)
		if (strncmp(name, made[i], strlen(made[i])) == 0)
			return &say;
	return NULL;
}

static bool
says(const struct try *t)
{
	if (t->run == say_row)
		return true;
	for (const struct try *s = tries_say; s->name; s++)
		if (s == t)
			return true;
	return false;
}

/* Whose page says "landlock connect from"; resolve's port is in its page. */
static bool
has_port(enum seat seat)
{
	return (SEAT_BIT(seat) & (SEAT_BIT(SEAT_FETCH) | SEATS_STORE |
				  SEAT_BIT(SEAT_KEEPER))) != 0;
}

/* "NAME WITHOUT SERVER SUPERVISOR ADDRESS FD PORT OTHER TAINTED DIR" */
static void
read_order(const char *order)
{
	unsigned tainted = 0;
	unsigned long address;

	if (sscanf(order, "%63s %u %d %d %lx %d %u %u %u %63s", world.what,
		   &world.without, &world.server, &world.supervisor, &address,
		   &world.server_fd, &world.port, &world.other, &tainted,
		   world.dir) != 10)
		_exit(EVIL_DUD);
	world.address = address;
	world.tainted = tainted == 1;
}

/* It executed itself anew: that was the try. */
__attribute__((constructor)) static void
again(void)
{
	const char *order = getenv("EVIL");

	if (order && strcmp(order, "again") == 0)
		_exit(EVIL_DONE);
}

static _Noreturn void
make_try(struct worker *w, const struct worker_desc *d)
{
	const uint16_t port = (uint16_t)world.port;
	const struct try *t = find(world.what);
	bool has = has_port(d->seat);
	int r;

	if (!t)
		_exit(EVIL_DUD);
	setenv("TZ", "UTC0", 1);
	__real_worker_begin(w, d);
	__real_worker_lock(w, has ? &port : NULL, has ? 1 : 0);
	if (world.tainted) {
		close(FD_TPM_DEV);
		if (says(t) && say_until_taint(w) != 0)
			_exit(EVIL_DUD);
		w->broker.tainted = true;
	}
	world.worker = w;
	/* the gate before the try: who has a go pipe has it in one place */
	if ((d->seat == SEAT_BROKER || d->seat == SEAT_KEEPER) &&
	    read(FD_BROKER_GO, &(char){0}, 1) != 1)
		_exit(EVIL_DUD);
	r = t->run(&world);
	_exit(r == 0 ? EVIL_DONE : r < 0 ? EVIL_DUD : EVIL_ERRNO + r);
}

void
__wrap_worker_begin(struct worker *w, const struct worker_desc *d)
{
	const char *order = getenv("EVIL");

	if (!order) {
		attack_begin(w, d);
		return;
	}
	if (strcmp(order, "naive") == 0) {
		naive = true;
		world.without = LAYER_BIT(LAYER_INNER);
		__real_worker_begin(w, d);
		return;
	}
	read_order(order);
	make_try(w, d);
}
