/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sallyport-https: TLS to the metadata, attestation and key services, and the
 * JSON of their answers.  Has a network and holds no key; no file, no name
 * lookup, no child.  argv[1]: "fetch", or "store" with argv[2] "0".."3".
 * Everybody else assumes it hostile.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "fds.h"
#include "https.h"
#include "json_whole.h"
#include "maa.h"
#include "map.h"

static struct worker worker;
static struct net_conf conf;
static struct https https;
static struct fetch_given given;

/* Returns the seat of these arguments, or SEAT_COUNT. */
static enum seat
seat_of(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "fetch") == 0)
		return SEAT_FETCH;
	if (argc == 3 && strcmp(argv[1], "store") == 0 && argv[2][0] >= '0' &&
	    argv[2][0] <= '3' && argv[2][1] == '\0')
		return SEAT_STORE0 + (enum seat)(argv[2][0] - '0');
	return SEAT_COUNT;
}

/* Everything that opens, loads, draws or asks, before the lock. */
static int
prepare(bool fetch)
{
	const uint8_t *roots = NULL;
	size_t roots_bytes;
	int r;

	if ((r = conf_read(&worker.config, fetch, &conf)) != 0)
		return r;
	setenv("TZ", "UTC0", 1); /* or localtime(3) opens a file later */
	tzset();
	if (getrandom(given.probe, sizeof(given.probe), 0) !=
		    (ssize_t)sizeof(given.probe) ||
	    getrandom(&https.random, sizeof(https.random), 0) !=
		    (ssize_t)sizeof(https.random))
		return ERR_SYS;
	https.random |= 1; /* xorshift64 stays at 0 for ever */
	if ((r = json_begin(malloc, free)) != 0 ||
	    (r = map_sealed(FD_HTTPS_ROOTS, ROOTS_MAX, &roots, &roots_bytes)) !=
		    0 ||
	    (r = map_sealed(FD_HTTPS_EVENTLOG, MAA_LOG_MAX, &given.log,
			    &given.log_bytes)) != 0)
		return r;
	https.w = &worker;
	https.conf = &conf;
	return http_prime(&conf, roots, roots_bytes, &https.http);
}

int
main(int argc, char **argv)
{
	const enum seat seat = seat_of(argc, argv);
	const struct worker_desc desc = {
		.seat = seat,
		.page = &page_https,
	};
	uint16_t ports[REMOTE_COUNT];
	int code;

	if (seat == SEAT_COUNT)
		return EXIT_INTERNAL;
	worker_begin(&worker, &desc);
	if (prepare(seat == SEAT_FETCH) != 0)
		return EXIT_LOCK;
	worker_lock(&worker, ports, conf_ports(&conf, ports));
	if (seat != SEAT_FETCH)
		code = https_store(&https);
	else if (conf.poll)
		code = https_poll(&https);
	else
		code = https_fetch(&https, &given);
	explicit_bzero(https.sk_bearer, sizeof(https.sk_bearer));
	worker_exit(&worker, code);
}
