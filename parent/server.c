/* SPDX-License-Identifier: Apache-2.0 */
#include "server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "channel.h"
#include "cursor.h"
#include "fds.h"
#include "gate.h"
#include "keeper.h"
#include "life.h"
#include "log.h"
#include "page.h"
#include "paths.h"
#include "platform.h"
#include "seats.h"
#include "wait.h"

#define BINDS_MAX 16

int
server_check(const struct sup *s)
{
	const char *path = conf_str(s->conf, CONF_SERVER), *bad;
	struct stat st;

	errno = 0;
	if (stat(path, &st) != 0 || !S_ISREG(st.st_mode)) {
		log_line(LOG_FAIL, NULL, "server", "%s: %s", path,
			 errno ? strerror(errno) : "not a regular file");
		return EXIT_SERVER_GONE;
	}
	if (st.st_uid != 0 || (st.st_mode & 07777) != 0711) {
		log_line(LOG_FAIL, NULL, "server",
			 "%s could be read or written by others: chown "
			 "root:root %s; chmod 0711 %s",
			 path, path, path);
		return EXIT_SERVER_READ;
	}
	if (paths_root_alone(path, false, &bad) != 0) {
		log_line(LOG_FAIL, NULL, "server",
			 "%s: whoever can write %s could put another program "
			 "in its place: chown root:root %s; chmod go-w %s",
			 path, bad, bad, bad);
		return EXIT_SERVER_READ;
	}
	return 0;
}

int
server_port_free(const struct sup *s)
{
	unsigned port = conf_num(s->conf, CONF_PORT);
	struct sockaddr_in in = {.sin_family = AF_INET,
				 .sin_port = htons((uint16_t)port)};
	int one = 1, fd, r = 0;

	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return 0; /* no IPv4 here: the server will say */
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&in, sizeof(in)) != 0 ||
	    listen(fd, 1) != 0)
		r = errno == EADDRINUSE ? EXIT_PORT_TAKEN : 0;
	close(fd);
	if (r != 0)
		log_line(LOG_FAIL, NULL, "port", "port %u is in use", port);
	return r;
}

/*
 * The server's root: what its page lets it reach, and the tmpfs of its life,
 * where the rest of that lies.
 */
static void
bind_all(struct sup *s, enum life_kind k, struct spawn *sp)
{
	static struct bind_mount b[BINDS_MAX];
	const struct page *p = page_of_seat[SEAT_SERVER];
	unsigned n = 0;

	for (size_t i = 0; i < p->rule_count; i++) {
		const struct page_rule *rule = &p->rules[i];
		const char *path = server_path(s, k, rule);

		if (!path || access(path, F_OK) != 0)
			continue;
		BUG_ON(n + 1 >= BINDS_MAX);
		b[n++] = (struct bind_mount){
			.from = path,
			.writable = rule->reach == REACH_WRITE,
			.exec = rule->reach == REACH_EXECUTE,
			.from_fd = -1,
			.to = path,
		};
	}
	b[n++] = (struct bind_mount){
		.from = "the life's tmpfs",
		.writable = true,
		.from_fd = s->life[k].mount_fd,
		.to = conf_str(s->conf, CONF_RUN_DIR),
	};
	sp->binds = b;
	sp->bind_count = n;
}

/* A private life of a local store needs no network at all. */
static int
life_netns(const struct sup *s, enum life_kind k)
{
	unsigned empty = page_of_seat[SEAT_SERVER]->net_empty_when;

	if (empty == 0 || !server_when(s, k, empty))
		return -1;
	return s->netns_lo >= 0 ? s->netns_lo : s->netns_empty;
}

static int
queue_config(const struct sup *s, enum life_kind k, int *out_fd)
{
	static uint8_t body[MSG_BODY_MAX];
	struct channel c;
	struct wr w;
	size_t bytes;
	int p[2], r;

	wr_init(&w, body, sizeof(body));
	server_config(s, k, &w);
	if ((r = wr_end(&w, &bytes)) != 0)
		return r;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, p) != 0)
		return ERR_SYS;
	channel_init(&c, p[0], SEAT_SUPERVISOR, SEAT_SERVER);
	r = channel_send(&c, MSG_CONFIG, body, bytes);
	close(p[0]);
	if (r != 0)
		close(p[1]);
	else
		*out_fd = p[1];
	return r;
}

static int
spawn_server(struct sup *s, enum life_kind k)
{
	struct spawn sp;
	int config = -1, r;

	if ((r = queue_config(s, k, &config)) != 0)
		return r;
	seat_spawn(s, SEAT_SERVER, &sp);
	sp.envp[0] = NULL; /* its whole environment is in CONFIG */
	sp.netns = life_netns(s, k);
	sp.keep_signals_open = true;
	sp.fd[1] = sp.fd[2] = 2;
	sp.fd[FD_CONFIG] = config;
	if (s->full)
		bind_all(s, k, &sp);
	r = spawn(s, &sp);
	close(config);
	return r;
}

static bool
is_ready(const struct sup *s, const void *arg)
{
	(void)arg;
	return s->server_ready > 0;
}

int
server_start(struct sup *s, enum life_kind k)
{
	uid_t uid = seat_uid(s, SEAT_SERVER);
	uint64_t begin = now_ns();
	enum seat by;
	int r;

	if (!life_filled(s, k, &by)) {
		log_line(LOG_FAIL, seat_name(by), "left_empty",
			 "%s ended well but wrote nothing for the server",
			 seat_name(by));
		fail_with(s, EXIT_PROTOCOL, by);
		return ERR_REFUSED;
	}
	platform_uid_sweep(s, uid);
	if ((r = platform_uid_free(uid)) != 0) {
		fail_with(s, r, SEAT_SUPERVISOR);
		return ERR_REFUSED;
	}
	s->server_ready = 0;
	s->now = k;
	if ((r = spawn_server(s, k)) != 0) {
		log_line(LOG_FAIL, NULL, "server",
			 "the server could not be started: %s",
			 strerror(errno));
		fail_with(s, r == ERR_LOCK ? EXIT_INSTALL : EXIT_INTERNAL,
			  SEAT_SERVER);
		return ERR_REFUSED;
	}
	r = wait_for(s, is_ready, NULL, conf_num(s->conf, CONF_T_READY));
	s->server_ns += now_ns() - begin;
	if (r == ERR_TIMEOUT)
		fail_with(s, EXIT_SERVER_SLOW, SEAT_SERVER);
	if (r == 0 && gate_check_server(s) != 0) {
		fail_with(s, EXIT_GATE, SEAT_SERVER);
		r = ERR_REFUSED;
	}
	return r == 0 ? 0 : ERR_REFUSED;
}

static void
signal_child(const struct child *c, int sig)
{
	syscall(SYS_pidfd_send_signal, c->pidfd, sig, NULL, 0);
}

void
server_stop(struct sup *s)
{
	struct child *c = &s->child[SEAT_SERVER];
	uint64_t begin = now_ns();

	if (child_alive(c)) {
		c->ending = true;
		/* As the first of its pid namespace it does not see a
		 * SIGTERM that comes before its handler: say it again. */
		for (unsigned i = 0;
		     i <= conf_num(s->conf, CONF_T_STOP) && child_alive(c) &&
		     !keeper_lost(s); /* then there is no time for that */
		     i++) {
			signal_child(c, SIGTERM);
			signal_child(c, SIGCONT); /* it may stand still */
			wait_gone(s, SEAT_SERVER, 1);
		}
		/* said; server_start() finds its uid then */
		(void)!wait_kill(s, SEAT_BIT(SEAT_SERVER));
	}
	c->state = CHILD_NONE;
	platform_uid_sweep(s, seat_uid(s, SEAT_SERVER));
	s->server_ns += now_ns() - begin;
}

int
server_connect(struct sup *s, int *out_fd)
{
	const struct child *c = &s->child[SEAT_SERVER];
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	struct ucred cred;
	socklen_t n = sizeof(cred);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(un.sun_path, sizeof(un.sun_path), "/proc/self/fd/%d/api.sock",
		 s->life[s->now].sock_fd);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&un, sizeof(un)) == 0 &&
	    getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &n) == 0 &&
	    cred.pid == c->pid && cred.uid == seat_uid(s, SEAT_SERVER)) {
		*out_fd = fd;
		return 0;
	}
	log_line(LOG_FAIL, NULL, "server_peer",
		 "the server's socket is not answered by the process that was "
		 "started (%s)",
		 errno ? strerror(errno) : "another pid");
	fail_with(s, EXIT_SERVER_PEER, SEAT_SERVER);
	if (fd >= 0)
		close(fd);
	return ERR_REFUSED;
}
