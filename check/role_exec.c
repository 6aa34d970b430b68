/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of exec: it becomes a program of ours that waits and exits, seen by
 * the server's gate; then, where the configured server is there, that program
 * with the word "version", which says that it runs at all under its policy.
 * No process of the server's uid is touched: one may be running.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config.h"
#include "cursor.h"
#include "fds.h"
#include "gate.h"
#include "items.h"
#include "page.h"
#include "rig.h"
#include "tags.h"
#include "wait.h"

#define EXEC_PROGRAM SP_LIBEXECDIR "/root/exec/sallyport-exec"
#define IDLE_PROGRAM SP_LIBEXECDIR "/sallyport-idle"

static int
send_config(const char *program, const char *word, int fd)
{
	static uint8_t body[4096];
	struct channel c;
	struct wr w;
	size_t n;
	int e;

	wr_init(&w, body, sizeof(body));
	items_put_str(&w, X_PROGRAM, program);
	items_put_str(&w, X_ARG, strrchr(program, '/') + 1);
	items_put_str(&w, X_ARG, word);
	items_put_str(&w, X_ENV, "PATH=/usr/bin:/bin");
	items_put_str(&w, X_ENV, "HOME=/");
	items_put_u32(&w, X_WHEN, WHEN_PUBLIC | WHEN_LOCAL);
	items_put_u32(&w, X_CONNECT_PORT, 443);
	items_put_u32(&w, X_BIND_PORT, 8200);
	items_put_str(&w, X_WRITE_PATH, "/dev/null");
	items_put_str(&w, X_EXEC_PATH, program);
	if ((e = wr_end(&w, &n)) != 0)
		return e;
	channel_init(&c, fd, SEAT_SUPERVISOR, SEAT_SERVER);
	return channel_send(&c, MSG_CONFIG, body, n);
}

/* Starts the program as the server would be; in and out: its 0 and 1. */
static int
start(struct rig *r, const char *program, const char *word, const int io[2])
{
	static char name[] = "sallyport-exec";
	const struct bind_mount binds[] = {
		{"/dev/null", true, false, -1, "/dev/null"},
		{program, false, true, -1, program},
	};
	struct spawn sp;
	int p[2], e;

	r->seat = SEAT_SERVER;
	r->s.fail_code = 0;
	r->end_ns = now_ns() + LIFE_S * UINT64_C(1000000000);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, p) != 0)
		return ERR_SYS;
	e = send_config(program, word, p[0]);
	close(p[0]);
	spawn_init(&r->s, &sp, SEAT_SERVER);
	sp.program = EXEC_PROGRAM;
	sp.argv[0] = name;
	sp.netns = r->s.netns_empty;
	sp.keep_signals_open = true;
	sp.fd[0] = io[0];
	sp.fd[1] = sp.fd[2] = io[1];
	sp.fd[FD_CONFIG] = p[1];
	if (r->s.full) {
		sp.binds = binds;
		sp.bind_count = 2;
	}
	if (e == 0 && (e = spawn(&r->s, &sp)) != 0)
		(void)!rig_wrong(r, "%s could not be started (%s)",
				 EXEC_PROGRAM, strerror(errno));
	close(p[1]);
	return e;
}

static bool
runs(const struct sup *s, const void *arg)
{
	(void)arg;
	return s->child[SEAT_SERVER].state == CHILD_LOCKED;
}

/* In a boot every exit of the server is a failure; here 0 is none. */
static int
ended(struct rig *r)
{
	const struct child *c = &r->s.child[SEAT_SERVER];
	int e = wait_exits(&r->s, SEAT_BIT(SEAT_SERVER), LIFE_S);

	if (c->state == CHILD_GONE && c->code == EXIT_OK)
		return 0;
	if (c->state == CHILD_GONE && c->signal == 0)
		return rig_wrong(r, "it exited with %d", c->code);
	return e != 0 ? e : ERR_MISMATCH;
}

/* Our program: it waits for the end of its standard input. */
static int
idle(struct rig *r)
{
	int in[2], io[2], e;

	rig_step(r, "becoming the server");
	if (pipe2(in, 02000000) != 0) /* O_CLOEXEC */
		return ERR_SYS;
	io[0] = in[0];
	io[1] = r->s.null_fd;
	e = start(r, IDLE_PROGRAM, "idle", io);
	close(in[0]);
	if (e == 0)
		e = wait_for(&r->s, runs, NULL, LIFE_S);
	if (e == 0) {
		rig_step(r, "the server's gate");
		e = gate_check_server(&r->s);
	}
	if (e == 0)
		rig_step(r, "running under the server's policy");
	close(in[1]);
	return e == 0 ? ended(r) : e;
}

static int
version(struct rig *r, const char *program)
{
	const int io[2] = {r->s.null_fd, r->s.null_fd};
	int e;

	rig_step(r, "the configured server's version");
	if ((e = start(r, program, "version", io)) != 0)
		return e;
	return ended(r);
}

int
role_exec(struct rig *r)
{
	const char *server = conf_str(&r->conf, CONF_SERVER);
	struct child *c = &r->s.child[SEAT_SERVER];
	struct stat st;
	char said[200];
	int e;

	r->why[0] = r->note[0] = '\0';
	e = idle(r);
	if (e == 0 && stat(server, &st) == 0 && S_ISREG(st.st_mode) &&
	    st.st_uid == 0 && (st.st_mode & 07777) == 0711) {
		c->state = CHILD_NONE;
		rig_log(r, said, sizeof(said));
		e = version(r, server);
	}
	if (e != 0)
		wait_gone(&r->s, SEAT_SERVER, 1);
	if (child_alive(c))
		(void)!wait_kill(&r->s, SEAT_BIT(SEAT_SERVER));
	return e;
}
