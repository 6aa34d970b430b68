/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench-launch CONFIG ROUNDS [PEER…]: from clone to the reaped exit of a
 * worker that ends right after its start (it finds its descriptors wrong),
 *
 *   plain	vfork and exec of the program, nothing else
 *   hardened	the supervisor's own spawn, profile full: stage 1 of the
 *		confinement with the outer filter, library root, namespaces
 *		and the ready empty network namespace
 *   and locked	the same, and what the worker does at its lock: Landlock,
 *		limits, inner filter (measured beside it)
 *   PEER	a command line that the program is appended to (bwrap …)
 *
 * in turn, for a worker with libc alone (broker), with libcrypto (verify) and
 * with libcurl (https).  DESIGN section 9: at most 2.2, 1.6, 1.4 of plain.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fds.h"
#include "landlock.h"
#include "page.h"
#include "platform.h"
#include "seats.h"
#include "spawn.h"
#include "stats.h"
#include "supervise.h"

#define PEERS_MAX 4
#define WORDS_MAX 32
#define OURS	  3
#define WAYS_MAX  (OURS + PEERS_MAX)

extern char **environ;

struct cost {
	double wall, cpu; /* microseconds; cpu: of the child alone */
};

static struct conf conf;
static struct sup sup;
static struct cost *shared;

static _Noreturn void
quit(const char *why)
{
	fprintf(stderr, "bench-launch: %s (%s)\n", why, strerror(errno));
	_exit(1);
}

/* From t0 to the reaped exit, and the processor time of child and children. */
static struct cost
reap(pid_t pid, double t0)
{
	struct rusage u;

	if (wait4(pid, NULL, 0, &u) != pid)
		quit("wait4");
	return (struct cost){
		.wall = bench_us() - t0,
		.cpu = (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1e6 +
		       (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec)};
}

/*
 * As many descriptors as the page names, so that stage 1 has its whole work;
 * each is /dev/null, where the worker's audit finds the wrong kind.
 */
static void
all_descriptors(struct spawn *sp)
{
	uint64_t want = page_fds(page_of_seat[sp->seat], sp->seat, false);

	for (int i = 3; i < SPAWN_FDS; i++)
		if (want >> i & 1 && i != FD_READY)
			sp->fd[i] = sup.null_fd;
}

static struct cost
hardened(enum seat seat)
{
	struct spawn sp;
	double t0 = bench_us();
	struct cost c;

	seat_spawn(&sup, seat, &sp);
	all_descriptors(&sp);
	if (spawn(&sup, &sp) != 0)
		quit("spawn");
	c = reap(sup.child[seat].pid, t0);
	close(sup.child[seat].pidfd);
	close(sup.child[seat].ready_fd);
	sup.child[seat].state = CHILD_NONE;
	return c;
}

static double
own_cpu_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

/*
 * What the worker does at its lock (Landlock, limits, inner filter), in a
 * process of its own that says into *shared what it cost.
 */
static struct cost
locking(enum seat seat)
{
	const struct page *page = page_of_seat[seat];
	struct cost c;
	pid_t pid;

	shared->wall = 0;
	if ((pid = fork()) < 0)
		quit("fork");
	if (pid == 0) {
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
			_exit(1);
		c = (struct cost){bench_us(), own_cpu_us()};
		if (landlock_lock(page, NULL, 0) != 0 ||
		    page_limits(page, seat) != 0 ||
		    filter_install(page->inner) != 0)
			_exit(1);
		shared->cpu = own_cpu_us() - c.cpu;
		shared->wall = bench_us() - c.wall;
		_exit(0);
	}
	(void)reap(pid, 0);
	if (shared->wall <= 0)
		quit("the lock failed");
	return *shared;
}

/*
 * The supervisor's part runs in a process of its own, since its filter and
 * its capabilities are inherited: a byte names the seat, its cost comes back.
 */
static void
supervisor(int in, int out)
{
	unsigned char seat;

	if (platform_setup(&sup) != 0 || !sup.full)
		quit("the full profile is not permitted here");
	while (read(in, &seat, 1) == 1) {
		struct cost c = hardened((enum seat)seat);

		if (write(out, &c, sizeof(c)) != sizeof(c))
			quit("write");
	}
	_exit(0);
}

static struct cost
ask(int to, int from, enum seat seat)
{
	unsigned char byte = (unsigned char)seat;
	struct cost c;

	if (write(to, &byte, 1) != 1 || read(from, &c, sizeof(c)) != sizeof(c))
		quit("the supervisor's process is gone");
	return c;
}

static struct cost
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
	return reap(pid, t0);
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

struct series {
	char name[48];
	double *wall, *cpu;
};

static void
put(struct series *s, size_t round, struct cost c)
{
	s->wall[round] = c.wall;
	s->cpu[round] = c.cpu;
}

/* A peer's children are not its own to wait for: no processor time of it. */
static void
print(struct series *way, size_t ways, size_t rounds)
{
	struct bench_base base = {0, 0};

	for (size_t w = 0; w < ways; w++) {
		struct bench_base b = bench_row(way[w].name, way[w].wall,
						rounds, w ? &base : NULL);
		if (w == 0)
			base = b;
	}
	for (size_t w = 0; w < OURS; w++) {
		char name[96];
		struct bench_base b;

		snprintf(name, sizeof(name), "%.40s, cpu", way[w].name);
		b = bench_row(name, way[w].cpu, rounds, w ? &base : NULL);
		if (w == 0)
			base = b;
	}
	for (size_t w = 0; w < ways; w++) {
		free(way[w].wall);
		free(way[w].cpu);
	}
}

static void
measure(enum seat seat, int to, int from, char **peer[], size_t peers,
	size_t rounds)
{
	static const char *const libs[] = {[SEAT_BROKER] = "libc",
					   [SEAT_VERIFY] = "libcrypto",
					   [SEAT_FETCH] = "libcurl"};
	static const char *const ours[OURS] = {"plain", "hardened",
					       "hardened and locked"};
	const char *arg = seat == SEAT_FETCH ? "fetch" : NULL;
	struct cost c, lock;
	struct series way[WAYS_MAX];
	struct spawn sp;

	for (size_t w = 0; w < OURS + peers; w++) {
		way[w].wall = calloc(rounds, sizeof(double));
		way[w].cpu = calloc(rounds, sizeof(double));
		if (!way[w].wall || !way[w].cpu)
			quit("memory");
		snprintf(way[w].name, sizeof(way[w].name), "%s: %s", libs[seat],
			 w < OURS ? ours[w] : peer[w - OURS][0]);
	}
	seat_spawn(&sup, seat, &sp);
	for (size_t r = 0; r < rounds; r++) {
		put(&way[0], r, plain(NULL, sp.program, arg));
		c = ask(to, from, seat);
		put(&way[1], r, c);
		lock = locking(seat);
		put(&way[2], r,
		    (struct cost){c.wall + lock.wall, c.cpu + lock.cpu});
		for (size_t i = 0; i < peers; i++)
			put(&way[OURS + i], r, plain(peer[i], sp.program, arg));
	}
	print(way, OURS + peers, rounds);
}

int
main(int argc, char **argv)
{
	static const enum seat seats[] = {SEAT_BROKER, SEAT_VERIFY, SEAT_FETCH};
	size_t rounds = argc > 2 ? strtoul(argv[2], NULL, 10) : 0;
	size_t peers = argc > 3 ? (size_t)argc - 3 : 0;
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
		quit(error.text[0]);
	for (size_t i = 0; i < peers; i++)
		peer[i] = split(argv[3 + i]);
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		quit("mmap");
	if (pipe(to) != 0 || pipe(from) != 0 || (pid = fork()) < 0)
		quit("fork");
	if (pid == 0) {
		close(to[1]);
		close(from[0]);
		supervisor(to[0], from[1]);
	}
	close(to[0]); /* so that its end is seen */
	close(from[1]);
	bench_head("start of a child, to its reaped exit");
	for (size_t i = 0; i < 3; i++)
		measure(seats[i], to[1], from[0], peer, peers, rounds);
	close(to[1]);
	waitpid(pid, NULL, 0);
	return 0;
}
