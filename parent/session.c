/* SPDX-License-Identifier: Apache-2.0 */
#include "session.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "b64.h"
#include "channel.h"
#include "fds.h"
#include "go.h"
#include "log.h"
#include "seats.h"
#include "spawn.h"
#include "wait.h"

#define SEATS_SESSION (SEATS_WORKER | SEAT_BIT(SEAT_BROKER))

static const enum seat direct_seat[DIRECTS] = {SEAT_RENDER, SEAT_TLS,
					       SEAT_UNSEAL, SEAT_INIT};

static void
shut(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static int
pair(int out[2])
{
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, out);
}

/* One way for the kernel: `to` can never send, `from` never receive. */
static int
pair_one_way(int *from, int *to)
{
	int p[2];

	if (pair(p) != 0)
		return -1;
	*from = p[0];
	*to = p[1];
	return shutdown(p[1], SHUT_WR);
}

static int
hex_nonce(char out[static 65])
{
	uint8_t raw[32];

	if (getrandom(raw, sizeof(raw), 0) != sizeof(raw))
		return -1;
	hex_encode(raw, sizeof(raw), out);
	return 0;
}

static int
make_pairs(struct session *x)
{
	for (int i = SEAT_RESOLVE; i <= SEAT_UNSEAL; i++) {
		int p[2];
		if (pair(p) != 0)
			return -1;
		x->broker_end[i] = p[0];
		x->worker_end[i] = p[1];
	}
	for (int d = 0; d < DIRECTS; d++) {
		/* INIT seals to tpm; in all others tpm seals to the seat. */
		int tpm_in = d == DIRECT_INIT;
		int *pub = x->pub_end[d], *sealed = x->sealed_end[d];

		if (pair_one_way(&pub[!tpm_in], &pub[tpm_in]) != 0 ||
		    pair_one_way(&sealed[tpm_in], &sealed[!tpm_in]) != 0)
			return -1;
	}
	return pipe2(x->tpm_go, O_CLOEXEC);
}

static void
read_algorithms(const struct sup *s, struct session *x)
{
	static const char *const names[] = {"CKM_RSA_AES_KEY_WRAP",
					    "RSA_AES_KEY_WRAP_256",
					    "RSA_AES_KEY_WRAP_384"};
	const char *p = conf_str(s->conf, CONF_ALGS);

	while (*p && x->enc_count < ENC_MAX) {
		size_t n = strcspn(p, " ");

		for (uint8_t i = 0; i < 3; i++)
			if (n == strlen(names[i]) && !strncmp(p, names[i], n))
				x->enc[x->enc_count++] = (uint8_t)(i + 1);
		p += n + strspn(p + n, " ");
	}
}

void
session_init(struct session *x)
{
	memset(x, 0, sizeof(*x));
	x->go_fd = x->tpm_go[0] = x->tpm_go[1] = -1;
	memset(x->broker_end, -1, sizeof(x->broker_end));
	memset(x->worker_end, -1, sizeof(x->worker_end));
	memset(x->pub_end, -1, sizeof(x->pub_end));
	memset(x->sealed_end, -1, sizeof(x->sealed_end));
}

int
session_begin(struct sup *s, struct session *x, struct seen *seen,
	      unsigned skip)
{
	bool local = conf_local_store(s->conf);
	int r;

	session_init(x);
	s->fail_code = 0;
	if ((r = store_look(s, seen, &x->marker)) != 0)
		return r;
	x->plan = SLOT_BIT(SLOT_TLS_CERT) | SLOT_BIT(SLOT_TLS_PASSWORD) |
		  SLOT_BIT(SLOT_BUNDLE) | SLOT_BIT(SLOT_OLD_KEY);
	if (!local)
		x->plan |= SLOT_BIT(SLOT_STORAGE_KEY);
	x->skip = skip;
	x->may_init = x->marker.state != MARKER_STORED;
	x->probe = x->may_init;
	if (x->marker.state != MARKER_NONE)
		x->absent_s = conf_num(s->conf, CONF_T_ABSENT);
	/* Moved aside, and dead before the new marker: a new generation. */
	if (x->marker.generation_known &&
	    (x->marker.state == MARKER_STORED || seen->this_directory))
		memcpy(x->generation, x->marker.generation, GENERATION_BYTES);
	else if (getrandom(x->generation, GENERATION_BYTES, 0) !=
		 GENERATION_BYTES)
		return EXIT_INTERNAL;
	return 0;
}

int
session_open(struct sup *s, struct session *x)
{
	bool made = true;

	s->fail_code = 0;
	if (wait_kill(s, SEATS_SESSION) != 0) /* of one before */
		return ERR_REFUSED;
	read_algorithms(s, x);
	for (unsigned i = 0; i < x->enc_count; i++)
		made = made && hex_nonce(x->nonce[i]) == 0;
	if (made && getrandom(x->id, sizeof(x->id), 0) == sizeof(x->id) &&
	    hex_nonce(x->maa_nonce) == 0 && make_pairs(x) == 0)
		return 0;
	fail_with(s, EXIT_INTERNAL, SEAT_SUPERVISOR);
	return ERR_REFUSED;
}

void
session_close(struct sup *s, struct session *x)
{
	/* session_open() refuses where somebody is left */
	(void)!wait_kill(s, SEATS_SESSION);
	shut(&x->go_fd);
	shut(&x->tpm_go[0]);
	shut(&x->tpm_go[1]);
	for (int i = 0; i < SEAT_COUNT; i++) {
		shut(&x->broker_end[i]);
		shut(&x->worker_end[i]);
		if ((SEAT_BIT(i) & SEATS_SESSION) && !child_alive(&s->child[i]))
			s->child[i].state = CHILD_NONE;
	}
	for (int d = 0; d < DIRECTS; d++)
		for (int i = 0; i < 2; i++) {
			shut(&x->pub_end[d][i]);
			shut(&x->sealed_end[d][i]);
		}
}

/* Queues CONFIG in a pair whose other end the child gets. */
static int
queue_config(const struct sup *s, const struct session *x, enum seat seat,
	     int *out_fd)
{
	static uint8_t body[MSG_BODY_MAX];
	struct channel c;
	size_t bytes;
	int p[2], r;

	if ((r = session_config(s, x, seat, body, sizeof(body), &bytes)) != 0)
		return r;
	if (pair(p) != 0)
		return ERR_SYS;
	channel_init(&c, p[0], SEAT_SUPERVISOR, seat);
	r = channel_send(&c, MSG_CONFIG, body, bytes);
	close(p[0]);
	if (r != 0) {
		close(p[1]);
		return r;
	}
	*out_fd = p[1];
	return 0;
}

/* Our copies go, else nobody would see a hang-up. */
static void
forget_ends(struct session *x, enum seat seat)
{
	shut(&x->worker_end[seat]);
	if (seat == SEAT_TPM)
		shut(&x->tpm_go[0]);
	for (int d = 0; d < DIRECTS; d++) {
		if (seat == SEAT_TPM) {
			shut(&x->pub_end[d][0]);
			shut(&x->sealed_end[d][0]);
		} else if (seat == direct_seat[d]) {
			shut(&x->pub_end[d][1]);
			shut(&x->sealed_end[d][1]);
		}
	}
	if (seat == SEAT_BROKER)
		for (int i = 0; i < SEAT_COUNT; i++)
			shut(&x->broker_end[i]);
}

void
session_drop(struct session *x, enum seat seat)
{
	forget_ends(x, seat);
}

void
session_only(struct session *x, uint32_t seats)
{
	for (int seat = SEAT_RESOLVE; seat <= SEAT_UNSEAL; seat++)
		if (!(seats & SEAT_BIT(seat)))
			forget_ends(x, (enum seat)seat);
}

static int
open_go(const struct sup *s, struct session *x, struct spawn *sp, int *out_read)
{
	int p[2];

	if (pipe2(p, O_CLOEXEC) != 0)
		return ERR_SYS;
	x->go_fd = p[1];
	*out_read = sp->fd[FD_BROKER_GO] = p[0];
	sp->fd[2] = s->log_fd; /* the broker writes the log */
	for (int i = SEAT_RESOLVE; i <= SEAT_UNSEAL; i++)
		sp->fd[FD_BROKER_WORKERS + i - SEAT_RESOLVE] = x->broker_end[i];
	return 0;
}

int
session_spawn(struct sup *s, struct session *x, enum seat seat)
{
	return session_spawn_with(s, x, seat, session_fds);
}

int
session_spawn_with(struct sup *s, struct session *x, enum seat seat,
		   seat_fds_fn *fds)
{
	int opened[4] = {-1, -1, -1, -1}, config = -1, go = -1, r;
	struct spawn sp;

	seat_spawn(s, seat, &sp);
	if (seat == SEAT_BROKER)
		r = open_go(s, x, &sp, &go);
	else
		sp.fd[FD_BROKER] = x->worker_end[seat], r = 0;
	if (r == 0 && (r = fds(s, x, seat, &sp, opened)) == 0 &&
	    (r = queue_config(s, x, seat, &config)) == 0) {
		sp.fd[FD_CONFIG] = config;
		r = spawn(s, &sp);
	}
	if (r == ERR_LOCK)
		fail_with(s, EXIT_INSTALL, seat);
	else if (r == ERR_FORMAT) /* said: a file that a setting names */
		fail_with(s, EXIT_CONFIG, SEAT_SUPERVISOR);
	else if (r != 0 && !s->fail_code)
		fail_with(s, EXIT_INTERNAL, seat);
	if (r != 0 && r != ERR_FORMAT)
		log_line(LOG_FAIL, seat_name(seat), "spawn",
			 "%s could not be started (%s)", seat_name(seat),
			 r == ERR_LOCK ? sp.program : strerror(errno));
	forget_ends(x, seat);
	for (int i = 0; i < 4; i++)
		shut(&opened[i]);
	shut(&config);
	shut(&go);
	return r == 0 ? 0 : ERR_REFUSED;
}

int
session_go(struct sup *s, struct session *x, uint8_t byte)
{
	if (write(x->go_fd, &byte, 1) == 1)
		return 0;
	/* one that is gone is named by its end, which is about to be seen */
	fail_with(s, EXIT_PROTOCOL, SEAT_BROKER);
	return wait_settle(s);
}

int
session_let_open(struct sup *s, struct session *x)
{
	const uint8_t word = GO_OPEN;

	/* a tpm that is gone is seen by its exit, which says more */
	if (write(x->tpm_go[1], &word, 1) != 1 && errno != EPIPE) {
		fail_with(s, EXIT_INTERNAL, SEAT_SUPERVISOR);
		return ERR_REFUSED;
	}
	shut(&x->tpm_go[1]);
	return session_go(s, x, GO_OPEN);
}

int
session_start(struct sup *s, struct session *x, uint32_t seats)
{
	int r = wait_locked(s, seats, conf_num(s->conf, CONF_T_WAVE));

	for (int i = SEAT_RESOLVE; r == 0 && i <= SEAT_UNSEAL; i++)
		if (seats & SEAT_BIT(i))
			r = session_go(s, x, (uint8_t)i);
	return r;
}
