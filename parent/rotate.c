/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TLS rotation: a session of its own (P10).  If it fails once the new files
 * may be in place, rotation is a restart.  A plugin that watches could read
 * the new key in the moment that the server reads it (tried: 20 ms suffice),
 * so every other process of the server's uid stands still for that moment.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "boot.h"
#include "life.h"
#include "log.h"
#include "rest.h"
#include "status.h"
#include "wait.h"

#define OTHERS_MAX   256
#define READY_S	     10
#define FREEZE_TRIES 100

struct others {
	pid_t pid[OTHERS_MAX];
	unsigned count;
};

/* Every thread of the process shows T. */
static bool
all_stopped(pid_t pid)
{
	char path[64];
	struct dirent *e;
	bool all = true;
	DIR *d;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	if (!(d = opendir(path)))
		return true; /* gone */
	while (all && (e = readdir(d)) != NULL) {
		struct status st;
		pid_t tid = atoi(e->d_name);

		if (tid > 0 && status_read(tid, &st) == 0)
			all = st.stopped || st.exited;
	}
	closedir(d);
	return all;
}

static bool
known(const struct others *o, pid_t pid)
{
	for (unsigned i = 0; i < o->count; i++)
		if (o->pid[i] == pid)
			return true;
	return false;
}

/* One scan: stops every process of the uid but the server.  Returns how many
 * were new or not yet still; -1 when there are too many. */
static int
scan(uid_t uid, pid_t server, struct others *o)
{
	DIR *d = opendir("/proc");
	struct dirent *e;
	int restless = 0;

	if (!d)
		return -1;
	while (restless >= 0 && (e = readdir(d)) != NULL) {
		struct status st;
		pid_t pid = atoi(e->d_name);

		if (pid <= 0 || pid == server || status_read(pid, &st) != 0 ||
		    st.uid[1] != uid || st.zombie)
			continue;
		if (!known(o, pid)) {
			if (o->count == OTHERS_MAX) {
				restless = -1;
				break;
			}
			o->pid[o->count++] = pid;
			kill(pid, SIGSTOP);
			restless++;
		} else if (!all_stopped(pid)) {
			kill(pid, SIGSTOP); /* somebody continued it */
			restless++;
		}
	}
	closedir(d);
	return restless;
}

static void
thaw(const struct others *o)
{
	for (unsigned i = 0; i < o->count; i++)
		kill(o->pid[i], SIGCONT);
}

/* Stops the others until a scan finds nothing new and nothing moving. */
static int
freeze(const struct sup *s, struct others *o)
{
	uid_t uid = conf_num(s->conf, CONF_UID_SERVER);
	pid_t server = s->child[SEAT_SERVER].pid;

	for (int i = 0; i < FREEZE_TRIES; i++) {
		int n = scan(uid, server, o);
		if (n == 0)
			return 0;
		if (n < 0)
			break;
		usleep(1000);
	}
	return ERR_TIMEOUT;
}

static int
place(const struct sup *s, const char *from, const char *to)
{
	int dir = s->life[LIFE_PUBLIC].tls_fd;

	if (fchmodat(dir, from, 0640, 0) != 0)
		return ERR_SYS;
	return renameat(dir, from, dir, to) == 0 ? 0 : ERR_SYS;
}

static bool
reloaded(const struct sup *s, const void *arg)
{
	return s->server_ready > *(const int *)arg;
}

/* New files in place, SIGHUP, READY=1. */
static int
reload(struct sup *s)
{
	int was = s->server_ready, r;

	if ((r = place(s, "new-cert.pem", "cert.pem")) != 0 ||
	    (r = place(s, "new-key.pem", "key.pem")) != 0)
		return r;
	if (syscall(SYS_pidfd_send_signal, s->child[SEAT_SERVER].pidfd, SIGHUP,
		    NULL, 0) != 0)
		return ERR_SYS;
	return wait_for(s, reloaded, &was, READY_S);
}

/* The moment itself.  The key is gone before anybody moves again. */
static int
serve_new(struct sup *s)
{
	int dir = s->life[LIFE_PUBLIC].tls_fd, r;
	struct others o = {.count = 0};

	if ((r = freeze(s, &o)) == 0)
		r = reload(s);
	if (unlinkat(dir, "key.pem", 0) != 0 && r == 0)
		r = ERR_SYS;
	unlinkat(dir, "new-cert.pem", 0);
	unlinkat(dir, "new-key.pem", 0);
	thaw(&o);
	return r;
}

/* What the stored certificate or its password was refused for. */
static bool
is_bad(int code)
{
	static const int bad[] = {
		EXIT_BLOB,    EXIT_BLOB_CONTENT, EXIT_PFX_PASSWORD,
		EXIT_PFX,     EXIT_CERT_KEY,	 EXIT_CERT_NAME,
		EXIT_CERT_CA, EXIT_CERT_TIME,
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (bad[i] == code)
			return true;
	return false;
}

static int
fetch_new(struct sup *s, struct session *x)
{
	int fetch, r;

	session_init(x);
	x->plan = SLOT_BIT(SLOT_TLS_CERT) | SLOT_BIT(SLOT_TLS_PASSWORD);
	if ((r = wave_begin(s, x, false)) != 0)
		return r;
	session_only(x, SEAT_BIT(SEAT_FETCH) | SEAT_BIT(SEAT_VERIFY) |
				SEAT_BIT(SEAT_TPM) | SEAT_BIT(SEAT_TLS));
	if ((r = wave_attest(s, x)) != 0 ||
	    (r = wave_fetched(s, x, &fetch)) != 0 ||
	    (r = wave_open(s, x)) != 0 || (r = wave_one(s, x, SEAT_TLS)) != 0 ||
	    (r = wait_exits(s, SEAT_BIT(SEAT_TPM),
			    conf_num(s->conf, CONF_T_WAVE))) != 0)
		return r;
	return wave_end(s, x);
}

/* The server may have the old files, the new ones or neither. */
static int
serve(struct sup *s)
{
	if (serve_new(s) == 0) {
		log_line(LOG_STEP, NULL, "rotated",
			 "the server serves the new certificate");
		return 0;
	}
	if (stopping(s) || !child_alive(&s->child[SEAT_SERVER]))
		return 0;
	log_line(LOG_WARN, NULL, "rotation_restart",
		 "the server did not take the new certificate: it is stopped "
		 "and booted again");
	return restart(s, EXIT_SERVER_SLOW, true);
}

int
rotate(struct sup *s, const char *why)
{
	int dir = s->life[LIFE_PUBLIC].tls_fd, r, code;
	struct session x;
	struct since now;

	log_line(LOG_STEP, NULL, "rotate", "%s: fetching the certificate", why);
	since_now(&now);
	r = fetch_new(s, &x);
	code = s->fail_code;
	session_close(s, &x);
	/* A bad one is not fetched again; what else failed may yet succeed. */
	if (r == 0 || is_bad(code))
		s->cert = now;
	if (r == 0)
		return serve(s);
	unlinkat(dir, "new-cert.pem", 0);
	unlinkat(dir, "new-key.pem", 0);
	if (!stopping(s) && child_alive(&s->child[SEAT_SERVER]))
		log_line(LOG_WARN, NULL, "not_rotated",
			 "no rotation (%s): the old certificate stays in "
			 "service",
			 exit_row(code) ? exit_row(code)->what
					: "an internal error");
	return 0;
}
