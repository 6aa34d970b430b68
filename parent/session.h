/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One session: its identity, its questions, its sockets.  All pairs are made
 * at its start; the ends of children that start later wait here, unread, and
 * are closed at the spawn.
 */
#ifndef SP_SESSION_H
#define SP_SESSION_H

#include "store.h"
#include "sup.h"

#define ENC_MAX	  3
#define ROOTS_MAX (1u << 20) /* bytes of tls_roots */
/* step_deadlines that the server's init may take: on slow storage minutes, and
 * who gives up has lost its keys */
#define INIT_STEPS 2

enum direct { DIRECT_RENDER, DIRECT_TLS, DIRECT_UNSEAL, DIRECT_INIT, DIRECTS };

struct session {
	uint8_t id[32];
	uint32_t plan; /* SLOT_BITs */
	uint32_t skip; /* newest bundles to pass over */
	bool may_init;
	bool probe;
	bool lease; /* none: names for the keeper, and the keeper */
	bool poll;  /* only ask whether the certificate is the newest */
	bool check; /* render to nowhere, without a key: --check-config */
	unsigned absent_s;
	struct marker marker;
	uint8_t generation[GENERATION_BYTES]; /* the marker's, or a new one */
	unsigned enc_count;
	uint8_t enc[ENC_MAX];
	char nonce[ENC_MAX][65];
	char maa_nonce[65];
	int go_fd;		    /* write end of the go pipe */
	int tpm_go[2];		    /* the tpm's own: its end, ours */
	int broker_end[SEAT_COUNT]; /* given to the broker */
	int worker_end[SEAT_COUNT]; /* waiting for their children */
	int pub_end[DIRECTS][2];    /* [0] the tpm's end, [1] the other's */
	int sealed_end[DIRECTS][2];
};

/* A session with no descriptor and an empty plan; session_close() is fine. */
void session_init(struct session *x);

/*
 * Looks at the store and plans a boot's session by it: what is fetched, which
 * generation, whether it may initialise.  Returns 0 and what was seen, or an
 * exit code, said.
 */
CHECKED int session_begin(struct sup *s, struct session *x, struct seen *seen,
			  unsigned skip);

/*
 * Makes identity, nonces and pairs, where nobody of a session before is left.
 * Returns 0, or ERR_REFUSED with s->fail_code set.
 */
CHECKED int session_open(struct sup *s, struct session *x);
/* Kills what lives of it (not the server) and closes everything. */
void session_close(struct sup *s, struct session *x);

/*
 * Spawns a seat with its descriptors and its CONFIG.  Returns 0, or
 * ERR_REFUSED with s->fail_code set.
 */
CHECKED int session_spawn(struct sup *s, struct session *x, enum seat seat);

/*
 * Waits until the seats are locked, passes them through the gate, tells the
 * broker to start them.  Returns as wait_for.
 */
CHECKED int session_start(struct sup *s, struct session *x, uint32_t seats);

/* Writes one byte of the go pipe.  Returns 0 or ERR_REFUSED. */
CHECKED int session_go(struct sup *s, struct session *x, uint8_t byte);

/*
 * Nobody of ours is on the network any more: the tpm may open.  It is told by
 * a pipe of its own, since the broker's word for it would be one more thing
 * to believe; then the broker.  Returns 0 or ERR_REFUSED.
 */
CHECKED int session_let_open(struct sup *s, struct session *x);

/* Closes the ends that no child will ever take. */
void session_drop(struct session *x, enum seat seat);
/* The same for every worker's seat but these. */
void session_only(struct session *x, uint32_t seats);

/*
 * Writes the CONFIG body of a seat (session_conf.c).  Returns 0 and its
 * length, or ERR_NOMEM when it does not fit, ERR_FORMAT after a log line.
 */
CHECKED int session_config(const struct sup *s, const struct session *x,
			   enum seat seat, uint8_t *out, size_t cap,
			   size_t *out_bytes);

/*
 * Opens a file that a key names as a sealed memfd.  Returns 0 and the
 * descriptor (the caller's), or ERR_REFUSED, said, with EXIT_CONFIG.
 */
CHECKED int session_file(struct sup *s, enum conf_key key, const char *path,
			 size_t max, int *out_fd);

/* Opens the template as a sealed memfd.  Returns 0 or ERR_REFUSED, said. */
CHECKED int session_template(struct sup *s, int *out_fd);

/*
 * Adds the seat's own descriptors from FD_FIRST on (session_fds.c).  Returns
 * 0; what it opened stands in opened[], to be closed after the spawn.
 */
struct spawn;
typedef int seat_fds_fn(struct sup *s, struct session *x, enum seat seat,
			struct spawn *sp, int opened[static 4]);
CHECKED seat_fds_fn session_fds;

/*
 * session_spawn() with descriptors from elsewhere: `sallyport check` gives
 * its own.
 */
CHECKED int session_spawn_with(struct sup *s, struct session *x, enum seat seat,
			       seat_fds_fn *fds);

#endif
