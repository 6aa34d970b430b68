/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench-launch CONFIG ROUNDS [PEER…]: from clone to the reaped exit of a
 * worker that ends right after its start (it finds its descriptors wrong),
 *
 *   plain	vfork and exec of the program, nothing else
 *   hardened	the supervisor's own spawn, profile full: stage 1 of the
 *		confinement with the outer filter, library root, namespaces
 *		and the ready empty network namespace
 *   PEER	a command line that the program is appended to (bwrap …)
 *
 * in turn, for a worker with libc alone (broker), with libcrypto (verify) and
 * with libcurl (https).  DESIGN section 9: at most 2.2, 1.6, 1.4 of plain.
 */
#include <errno.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "platform.h"
#include "seats.h"
#include "spawn.h"
#include "stats.h"
#include "supervise.h"

#define PEERS_MAX 4
#define WORDS_MAX 32
#define WAYS_MAX  (2 + PEERS_MAX)

extern char **environ;

static struct conf conf;
static struct sup sup;

static void
quit(const char *why)
{
	fprintf(stderr, "bench-launch: %s (%s)\n", why, strerror(errno));
	_exit(1);
}

static void
reap(pid_t pid)
{
	if (waitpid(pid, NULL, 0) != pid)
		quit("waitpid");
}

static double
hardened(enum seat seat)
{
	struct spawn sp;
	double t0 = bench_us();

	seat_spawn(&sup, seat, &sp);
	if (spawn(&sup, &sp) != 0)
		quit("spawn");
	reap(sup.child[seat].pid);
	t0 = bench_us() - t0;
	close(sup.child[seat].pidfd);
	close(sup.child[seat].ready_fd);
	sup.child[seat].state = CHILD_NONE;
	return t0;
}

/*
 * The supervisor's part runs in a process of its own, since its filter and
 * its capabilities are inherited: a byte names the seat, a double comes back.
 */
static void
supervisor(int in, int out)
{
	unsigned char seat;

	if (platform_setup(&sup) != 0 || !sup.full)
		quit("the full profile is not permitted here");
	while (read(in, &seat, 1) == 1) {
		double t = hardened((enum seat)seat);

		if (write(out, &t, sizeof(t)) != sizeof(t))
			quit("write");
	}
	_exit(0);
}

static double
ask(int to, int from, enum seat seat)
{
	unsigned char byte = (unsigned char)seat;
	double t;

	if (write(to, &byte, 1) != 1 || read(from, &t, sizeof(t)) != sizeof(t))
		quit("the supervisor's process is gone");
	return t;
}

static double
plain(char *const *words, const char *program, const char *arg)
{
	const char *argv[WORDS_MAX + 3];
	char *env[] = {NULL};
	size_t n = 0;
	double t0;
	pid_t pid;

	while (words && words[n]) {
		argv[n] = words[n];
		n++;
	}
	argv[n++] = program;
	argv[n++] = arg;
	argv[n] = NULL;
	t0 = bench_us();
	if ((pid = vfork()) < 0)
		quit("vfork");
	if (pid == 0) {
		execvpe(argv[0], (char **)(uintptr_t)argv,
			words ? environ : env);
		_exit(127);
	}
	reap(pid);
	return bench_us() - t0;
}

static char **
split(char *line)
{
	static char *words[PEERS_MAX][WORDS_MAX];
	static size_t used;
	char **w = words[used++];
	size_t n = 0;

	for (char *p = strtok(line, " "); p && n + 1 < WORDS_MAX;
	     p = strtok(NULL, " "))
		w[n++] = p;
	return w;
}

static void
measure(enum seat seat, int to, int from, char **peer[], const char *peers[],
	size_t peer_count, size_t rounds)
{
	static const char *const libs[] = {[SEAT_BROKER] = "libc",
					   [SEAT_VERIFY] = "libcrypto",
					   [SEAT_FETCH] = "libcurl"};
	const char *arg = seat == SEAT_FETCH ? "fetch" : NULL;
	double *t[WAYS_MAX], base;
	struct spawn sp;
	char name[96];

	for (size_t w = 0; w < WAYS_MAX; w++)
		if (!(t[w] = calloc(rounds, sizeof(double))))
			quit("memory");
	seat_spawn(&sup, seat, &sp);
	for (size_t r = 0; r < rounds; r++) {
		t[0][r] = plain(NULL, sp.program, arg);
		t[1][r] = ask(to, from, seat);
		for (size_t i = 0; i < peer_count; i++)
			t[2 + i][r] = plain(peer[i], sp.program, arg);
	}
	snprintf(name, sizeof(name), "%s: plain", libs[seat]);
	base = bench_row(name, t[0], rounds, 0);
	snprintf(name, sizeof(name), "%s: hardened", libs[seat]);
	bench_row(name, t[1], rounds, base);
	for (size_t i = 0; i < peer_count; i++) {
		snprintf(name, sizeof(name), "%s: %.30s", libs[seat], peers[i]);
		bench_row(name, t[2 + i], rounds, base);
	}
	for (size_t w = 0; w < WAYS_MAX; w++)
		free(t[w]);
}

int
main(int argc, char **argv)
{
	static const enum seat seats[] = {SEAT_BROKER, SEAT_VERIFY, SEAT_FETCH};
	size_t rounds = argc > 2 ? strtoul(argv[2], NULL, 10) : 0;
	size_t peers = argc > 3 ? (size_t)argc - 3 : 0;
	const char *names[PEERS_MAX];
	struct conf_error error;
	char **peer[PEERS_MAX];
	int to[2], from[2];
	pid_t pid;

	if (rounds == 0 || peers > PEERS_MAX) {
		fputs("usage: bench-launch CONFIG ROUNDS [PEER...]\n", stderr);
		return 2;
	}
	sup_init(&sup, &conf);
	sup.null_fd = open_null();
	if (conf_load(&conf, argv[1], environ, &error) != 0)
		quit(error.text);
	for (size_t i = 0; i < peers; i++) {
		names[i] = strdup(argv[3 + i]);
		peer[i] = split(argv[3 + i]);
	}
	if (pipe(to) != 0 || pipe(from) != 0 || (pid = fork()) < 0)
		quit("fork");
	if (pid == 0) {
		close(to[1]);
		supervisor(to[0], from[1]);
	}
	bench_head("start of a child, to its reaped exit");
	for (size_t i = 0; i < 3; i++)
		measure(seats[i], to[1], from[0], peer, names, peers, rounds);
	close(to[1]);
	reap(pid);
	return 0;
}
