/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A worker that its attacker took over.  evil-ROLE is the honest program's own
 * objects, linked with functions of the attacker in the places of some of its
 * own (ld --wrap): so it has the role's seat, descriptors, uid, priming and
 * confinement, passes the gate, and is the attacker's from the moment he
 * chooses.  Two ways to order it about:
 *
 *   EVIL in the environment	the driver (driver.c): lock, then make one try
 *				at something no worker may do, and say by the
 *				exit code what came of it
 *   bytes in the program	a whole boot: the test writes the name of the
 *				attack and its data into a copy (evil_order)
 */
#ifndef SP_TEST_EVIL_H
#define SP_TEST_EVIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "channel.h"
#include "worker.h"

/* Exit codes of a try: 100 + errno, or one of these. */
#define EVIL_ERRNO 100
#define EVIL_DONE  250 /* the attacker has what he wanted */
#define EVIL_DUD   251 /* the try could not even be made */

/* What is taken away from the confinement, to see that a try is one. */
enum layer {
	LAYER_INNER,	/* inner filter: another one that lets all pass */
	LAYER_OUTER,	/* outer filter: the same */
	LAYER_LANDLOCK, /* paths, ports, scopes */
	LAYER_RLIMIT,
	LAYER_MDWE, /* no new executable memory */
	LAYER_IDS,  /* uid, gid, groups, capabilities */
	LAYER_BOX,  /* pid, mount and other namespaces, root directory */
	LAYER_NET,  /* network namespace */
	LAYER_COUNT
};

#define LAYER_BIT(l) (1u << (l))

/* The world of a try, as the driver made it. */
struct world {
	char what[64];	       /* the try's name */
	unsigned without;      /* set of layers that are not there */
	pid_t server;	       /* a process to attack */
	pid_t supervisor;      /* the driver */
	uintptr_t address;     /* of 8 known bytes in the server's memory */
	int server_fd;	       /* a file that the server has open */
	unsigned port, other;  /* TCP: Landlock's, another */
	char dir[64];	       /* files, sockets */
	bool tainted;	       /* tpm: as after WRAPPED_KEY */
	struct worker *worker; /* locked and started */
};

/* Returns 0 when it succeeded, else the errno that refused it. */
typedef int try_fn(const struct world *w);

struct
try {
	const char *name;
	try_fn *run;
};

/* Each file's tries, ended by a NULL name. */
extern const struct try tries_exec[], tries_fds[], tries_files[], tries_ids[],
	tries_keeper[], tries_kernel[], tries_net[], tries_procs[], tries_say[];

/* This process is the peer that believes everything. */
bool evil_naive(void);

/* errno of a call that returned < 0, 0 otherwise. */
int evil_result(long r);

/* --- whole boots (attack.c) */

struct attack {
	const char *name;
	/* before the lock (descriptors and CONFIG are there); may be NULL */
	void (*early)(struct worker *w);
	/* instead of the lock */
	void (*lie)(struct worker *w);
	/* instead of installing the inner filter; returns as that */
	int (*filter)(const struct filter_prog *f);
	bool no_landlock;
	/* after START */
	void (*started)(struct worker *w);
	/*
	 * instead of one frame of the honest program; returns what
	 * channel_send() would
	 */
	int (*send)(struct channel *c, unsigned type, const void *body,
		    size_t bytes);
	/* is told of each frame that the honest program received */
	void (*heard)(const struct frame *f);
	/* may change the code that the honest program ends with */
	int (*end)(struct worker *w, int code);
};

extern const struct attack attacks_gate[], attacks_any[], attacks_own[];

/* The words behind the attack's name, and the data, as the test wrote them. */
const char *evil_argument(void);
const uint8_t *evil_data(size_t *out_bytes);

/* This process, from worker_begin() on. */
struct worker *evil_worker(void);
/* Landlock is left out. */
bool attack_no_landlock(void);
/* A frame came to the honest program. */
void attack_heard(const struct frame *f);

/* Sends any bytes as one packet; the next honest frame fits behind it. */
int evil_packet(struct channel *c, const void *packet, size_t bytes);
/* Sends a frame of any type, in sequence. */
int evil_frame(struct channel *c, unsigned type, const void *body,
	       size_t bytes);

/* What the linker made of the honest functions. */
int __real_filter_install(const struct filter_prog *f);
int __real_channel_send(struct channel *c, unsigned type, const void *body,
			size_t bytes);
void __real_worker_begin(struct worker *w, const struct worker_desc *d);
void __real_worker_lock(struct worker *w, const uint16_t *ports, size_t count);
_Noreturn void __real_worker_exit(struct worker *w, int code);

#endif
