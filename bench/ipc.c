/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench-ipc [ROUNDS]: a round trip of validated frames (ipc/channel.h) against
 * the same bytes over the bare socket pair, by 64-byte, 4 KiB and 40 KiB
 * bodies.  DESIGN section 9: at most 1.25.
 */
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "channel.h"
#include "stats.h"

#define TRIPS 200 /* round trips of one sample */

static uint8_t body[40960];
static uint8_t packet[MSG_MAX];

static void
must(bool ok)
{
	if (!ok)
		_exit(1);
}

/* The other end: answers each packet with one of the same length. */
static void
echo_raw(int fd)
{
	ssize_t n;

	while ((n = recv(fd, packet, sizeof(packet), 0)) > 0)
		must(send(fd, packet, (size_t)n, MSG_NOSIGNAL) == n);
}

static void
echo_frames(int fd)
{
	struct channel c;
	struct frame f;

	channel_init(&c, fd, SEAT_BROKER, SEAT_FETCH);
	while (channel_recv(&c, packet, sizeof(packet), &f) == 0)
		must(channel_send(&c, MSG_TOKEN, f.body, f.body_bytes) == 0);
}

static int
peer(void (*echo)(int), pid_t *out_pid)
{
	int p[2];

	must(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, p) == 0);
	must((*out_pid = fork()) >= 0);
	if (*out_pid == 0) {
		close(p[0]);
		echo(p[1]);
		_exit(0);
	}
	close(p[1]);
	return p[0];
}

static double
raw_trips(int fd, size_t bytes)
{
	double t0 = bench_us();

	for (int i = 0; i < TRIPS; i++) {
		must(send(fd, body, bytes, MSG_NOSIGNAL) == (ssize_t)bytes);
		must(recv(fd, packet, sizeof(packet), 0) == (ssize_t)bytes);
	}
	return (bench_us() - t0) / TRIPS;
}

static double
frame_trips(struct channel *c, size_t bytes)
{
	double t0 = bench_us();
	struct frame f;

	for (int i = 0; i < TRIPS; i++) {
		must(channel_send(c, MSG_RELEASE_JWS, body, bytes) == 0);
		must(channel_expect(c, MSG_TOKEN, packet, sizeof(packet), &f) ==
		     0);
	}
	return (bench_us() - t0) / TRIPS;
}

int
main(int argc, char **argv)
{
	static const size_t sizes[] = {64, 4096, 40960};
	size_t rounds = argc > 1 ? strtoul(argv[1], NULL, 10) : 100;
	double *raw = calloc(rounds, sizeof(*raw));
	double *framed = calloc(rounds, sizeof(*framed));
	pid_t a, b;
	int raw_fd = peer(echo_raw, &a), frame_fd = peer(echo_frames, &b);
	struct channel c;

	must(rounds > 0 && raw && framed);
	channel_init(&c, frame_fd, SEAT_FETCH, SEAT_BROKER);
	bench_head("round trip");
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		char name[64];
		struct bench_base base;

		for (size_t r = 0; r < rounds; r++) {
			raw[r] = raw_trips(raw_fd, sizes[i] + MSG_HEADER);
			framed[r] = frame_trips(&c, sizes[i]);
		}
		snprintf(name, sizeof(name), "%zu bytes, bare pair", sizes[i]);
		base = bench_row(name, raw, rounds, NULL);
		snprintf(name, sizeof(name), "%zu bytes, frames", sizes[i]);
		bench_row(name, framed, rounds, &base);
	}
	close(raw_fd);
	close(frame_fd);
	waitpid(a, NULL, 0);
	waitpid(b, NULL, 0);
	free(raw);
	free(framed);
	return 0;
}
