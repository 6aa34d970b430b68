/* SPDX-License-Identifier: Apache-2.0 */
/* The descriptors of each seat beyond the common ones (ipc/fds.h). */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "config.h"
#include "fds.h"
#include "keeper.h"
#include "life.h"
#include "log.h"
#include "memfd.h"
#include "server.h"
#include "session.h"
#include "spawn.h"
#include "wait.h"

#define EVENTLOG_MAX (1u << 20)
#define TEMPLATE_MAX (64u << 10)

int
session_file(struct sup *s, enum conf_key key, const char *path, size_t max,
	     int *out_fd)
{
	int r = memfd_of_file(path, max, false, out_fd);

	if (r == 0)
		return 0;
	log_line(LOG_FAIL, NULL, "file", "%s %s: %s", conf_key_name(key), path,
		 r == ERR_RANGE	    ? "is too large"
		 : r == ERR_REFUSED ? "is not a regular file"
				    : strerror(errno));
	fail_with(s, EXIT_CONFIG, SEAT_SUPERVISOR);
	return ERR_REFUSED;
}

static int
fds_https(struct sup *s, struct spawn *sp, int opened[static 4])
{
	int r = session_file(s, CONF_ROOTS, conf_str(s->conf, CONF_ROOTS),
			     ROOTS_MAX, &opened[0]);

	if (r == 0)
		r = memfd_of_file(conf_str(s->conf, CONF_EVENTLOG),
				  EVENTLOG_MAX, true, &opened[1]);
	sp->fd[FD_HTTPS_ROOTS] = opened[0];
	sp->fd[FD_HTTPS_EVENTLOG] = opened[1];
	return r;
}

/* A device, or the unix socket of a software TPM; anew for every session. */
static int
open_tpm(const char *path)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	struct stat st;
	int fd;

	if (stat(path, &st) != 0)
		return -1;
	if (S_ISCHR(st.st_mode))
		return open(path, O_RDWR | O_CLOEXEC);
	if (!S_ISSOCK(st.st_mode) || strlen(path) >= sizeof(un.sun_path)) {
		errno = S_ISSOCK(st.st_mode) ? ENAMETOOLONG : ENOTTY;
		return -1;
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	memcpy(un.sun_path, path, strlen(path) + 1);
	if (connect(fd, (struct sockaddr *)&un, sizeof(un)) == 0)
		return fd;
	close(fd);
	return -1;
}

static int
fds_tpm(struct sup *s, const struct session *x, struct spawn *sp,
	int opened[static 4])
{
	const char *path = conf_str(s->conf, CONF_TPM);
	const int base[DIRECTS] = {FD_TPM_RENDER_PUB, FD_TPM_TLS_PUB,
				   FD_TPM_UNSEAL_PUB, FD_TPM_INIT_PUB};

	if ((opened[0] = open_tpm(path)) < 0) {
		log_line(LOG_FAIL, NULL, "tpm", "%s: %s", path,
			 errno == ENOTTY ? "is neither a device nor a socket"
					 : strerror(errno));
		fail_with(s, EXIT_NO_TPM, SEAT_SUPERVISOR);
		return ERR_REFUSED;
	}
	sp->fd[FD_TPM_DEV] = opened[0];
	for (int d = 0; d < DIRECTS; d++) {
		sp->fd[base[d]] = x->pub_end[d][0];
		sp->fd[base[d] + 1] = x->sealed_end[d][0];
	}
	sp->fd[FD_TPM_GO] = x->tpm_go[0];
	return 0;
}

int
session_template(struct sup *s, int *out_fd)
{
	const char *path = conf_str(s->conf, CONF_TEMPLATE);
	char fallback[PATH_MAX];

	snprintf(fallback, sizeof(fallback), "%s/templates/%s.hcl.tpl",
		 SP_DATADIR, conf_str(s->conf, CONF_STORAGE));
	return session_file(s, CONF_TEMPLATE, path ? path : fallback,
			    TEMPLATE_MAX, out_fd);
}

/* Where a life's configuration goes: its tmpfs, or nowhere. */
static int
server_hcl(struct sup *s, const struct session *x, enum life_kind k)
{
	if (x->check)
		return memfd_sink();
	return life_create(s, s->life[k].conf_fd, "server.hcl", 0640);
}

static int
fds_render(struct sup *s, const struct session *x, struct spawn *sp,
	   int opened[static 4])
{
	int r;

	if ((r = session_template(s, &opened[0])) != 0)
		return r;
	opened[1] = server_hcl(s, x, LIFE_PUBLIC);
	opened[2] = server_hcl(s, x, LIFE_PRIVATE);
	sp->fd[FD_RENDER_TEMPLATE] = opened[0];
	sp->fd[FD_RENDER_PUBLIC] = opened[1];
	sp->fd[FD_RENDER_PRIVATE] = opened[2];
	sp->fd[FD_RENDER_PUB] = x->pub_end[DIRECT_RENDER][1];
	sp->fd[FD_RENDER_IN] = x->sealed_end[DIRECT_RENDER][1];
	return opened[1] < 0 || opened[2] < 0 ? ERR_SYS : 0;
}

/* A rotation's files stay root's until they are renamed into place. */
static int
fds_tls(struct sup *s, const struct session *x, struct spawn *sp,
	int opened[static 4])
{
	int dir = s->life[LIFE_PUBLIC].tls_fd;
	bool anew = child_alive(&s->child[SEAT_SERVER]);

	opened[0] = life_create(s, dir, anew ? "new-cert.pem" : "cert.pem",
				anew ? 0600 : 0640);
	opened[1] = life_create(s, dir, anew ? "new-key.pem" : "key.pem",
				anew ? 0600 : 0640);
	sp->fd[FD_TLS_CERT] = opened[0];
	sp->fd[FD_TLS_KEY] = opened[1];
	sp->fd[FD_TLS_PUB] = x->pub_end[DIRECT_TLS][1];
	sp->fd[FD_TLS_IN] = x->sealed_end[DIRECT_TLS][1];
	return opened[0] < 0 || opened[1] < 0 ? ERR_SYS : 0;
}

static int
fds_control(struct sup *s, const struct session *x, enum seat seat,
	    struct spawn *sp, int opened[static 4])
{
	enum direct d = seat == SEAT_INIT ? DIRECT_INIT : DIRECT_UNSEAL;

	if (server_connect(s, &opened[0]) != 0)
		return ERR_REFUSED;
	sp->fd[FD_CONTROL_SERVER] = opened[0];
	if (seat == SEAT_LOOK)
		return 0;
	sp->fd[FD_CONTROL_PUB] = x->pub_end[d][1];
	sp->fd[FD_CONTROL_SEALED] = x->sealed_end[d][1];
	return 0;
}

int
session_fds(struct sup *s, struct session *x, enum seat seat, struct spawn *sp,
	    int opened[static 4])
{
	if (SEAT_BIT(seat) & (SEAT_BIT(SEAT_FETCH) | SEATS_STORE))
		return fds_https(s, sp, opened);
	if (seat == SEAT_KEEPER)
		return keeper_fds(s, x, sp, opened);
	if (seat == SEAT_TPM)
		return fds_tpm(s, x, sp, opened);
	if (seat == SEAT_RENDER)
		return fds_render(s, x, sp, opened);
	if (seat == SEAT_TLS)
		return fds_tls(s, x, sp, opened);
	if (seat == SEAT_LOOK || seat == SEAT_INIT || seat == SEAT_UNSEAL)
		return fds_control(s, x, seat, sp, opened);
	return 0;
}
