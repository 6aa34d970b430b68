/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sallyport-keeper: holds the lease on a store that several nodes share.  Has
 * a network and a token of the storage service, no key and no channel: what it
 * is told is queued before it starts, what it says is that it lives.
 */
#include <signal.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "fds.h"
#include "json_whole.h"
#include "keeper.h"
#include "map.h"
#include "worker.h"

static struct worker worker;
static struct net_conf conf;
static struct keeper keeper;

/* Everything that opens, loads, draws or asks, before the lock. */
static int
prepare(void)
{
	struct sigevent kill = {.sigev_notify = SIGEV_SIGNAL,
				.sigev_signo = SIGKILL};
	const uint8_t *roots = NULL;
	uint8_t id[16];
	size_t roots_bytes;
	int r;

	if ((r = conf_read_keeper(&worker.config, &conf)) != 0)
		return r;
	if (getrandom(id, sizeof(id), 0) != (ssize_t)sizeof(id) ||
	    getrandom(&keeper.random, sizeof(keeper.random), 0) !=
		    (ssize_t)sizeof(keeper.random))
		return ERR_SYS;
	if (timer_create(CLOCK_BOOTTIME, &kill, &keeper.timer) != 0)
		return ERR_SYS;
	keeper.random |= 1; /* xorshift64 stays at 0 for ever */
	lease_id(id, keeper.id);
	if ((r = json_begin(malloc, free)) != 0 ||
	    (r = map_sealed(FD_KEEPER_ROOTS, ROOTS_MAX, &roots,
			    &roots_bytes)) != 0)
		return r;
	keeper.conf = &conf;
	return http_prime(&conf, roots, roots_bytes, &keeper.http);
}

int
main(void)
{
	static const struct worker_desc desc = {
		.seat = SEAT_KEEPER,
		.page = &page_keeper,
	};
	uint16_t ports[REMOTE_COUNT];

	worker_begin(&worker, &desc);
	if (prepare() != 0)
		return EXIT_LOCK;
	worker_lock(&worker, ports, conf_ports(&conf, ports));
	_exit(keeper_run(&keeper));
}
