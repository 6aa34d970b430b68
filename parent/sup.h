/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The supervisor's state: one struct, passed along.  It is root, spawns,
 * checks, waits and kills; it reads no byte that a child wrote, only exit
 * codes, hang-ups, /proc and the length of the server's notifications.
 */
#ifndef SP_SUP_H
#define SP_SUP_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "blob.h"
#include "conf.h"
#include "exit.h"
#include "seat.h"

enum child_state { CHILD_NONE, CHILD_STARTED, CHILD_LOCKED, CHILD_GONE };

struct child {
	enum child_state state;
	pid_t pid;
	int pidfd;
	int ready_fd; /* read end; its hang-up means locked; -1 after that */
	int code;     /* when gone: exit code, or EXIT_FILTER, EXIT_CRASH */
	int signal;   /* when gone by a signal */
	bool ending;  /* we asked it to end: its exit is no failure */
};

/* The two lives of the server in a boot: a tmpfs (or directory) each. */
enum life_kind { LIFE_PRIVATE, LIFE_PUBLIC, LIFE_COUNT };

struct life {
	int mount_fd;  /* full: the detached tmpfs; container: directory */
	int conf_fd;   /* its conf/ */
	int tls_fd;    /* its tls/ */
	int sock_fd;   /* its sock/ */
	int notify_fd; /* our end of NOTIFY_SOCKET */
	char base[PATH_MAX]; /* as the server sees it */
	bool attached;	     /* full: the mount was given to a server */
};

/* What the keeper says by shutting one half of a socket. */
enum keeper_word { KEEPER_ASKED, KEEPER_HELD, KEEPER_WORDS };

/*
 * A moment by two clocks: the one may stand still while the machine does, the
 * other may be set.
 */
struct since {
	uint64_t boot_ns; /* CLOCK_BOOTTIME */
	uint64_t real_s;  /* CLOCK_REALTIME */
};

#define RESTARTS_MAX 101 /* one more than restart_limit can be */

struct sup {
	struct conf *conf;
	bool full;	     /* profile: full, else container */
	bool stop;	     /* a signal asked us to end */
	bool rotate;	     /* SIGHUP came */
	bool hold;	     /* to end now would lose keys: `stop` waits */
	uint64_t stop_by_ns; /* until then, when asked to end */
	int signal_fd;
	int null_fd;
	int log_fd;	      /* standard error, or the same without blocking */
	int netns_host;	      /* -1 in the container profile */
	int netns_empty;      /* -1 in the container profile */
	int netns_lo;	      /* with lo up, for raft's private life; or -1 */
	unsigned own_filters; /* Seccomp_filters of the supervisor itself */
	uint64_t t0_ns;
	bool log_json;
	struct child child[SEAT_COUNT];
	struct life life[LIFE_COUNT];
	enum life_kind now; /* the life that the server is in */
	int server_ready;   /* READY=1 seen in this life */
	int fail_code;	    /* first failure of the session, 0: none */
	enum seat fail_seat;
	int keeper_go;		     /* its end: give the lease back */
	int keeper_fd[KEEPER_WORDS]; /* -1: none, or it said its word */
	bool keeper_told[KEEPER_WORDS];
	bool lease;	    /* it was held: its loss ends everything */
	bool lease_said;    /* that it is lost was said */
	bool storing;	    /* keys are only in memory: that goes first */
	unsigned releases;  /* sessions that released a key, in this boot */
	uint64_t server_ns; /* waited for the server's starts and ends */
	unsigned skip;	    /* newest bundles that did not serve this store */
	bool sealed;	    /* the last look found it sealed from outside */
	struct since cert;  /* when the certificate in use was asked for */
	uint64_t booted_ns[RESTARTS_MAX]; /* boots after READY, a ring */
	unsigned booted;		  /* how many there were */
};

/* CLOCK_MONOTONIC in nanoseconds. */
uint64_t now_ns(void);

/* This moment. */
void since_now(struct since *out);

/* The numeric uid (and gid) of a seat's role. */
uid_t seat_uid(const struct sup *s, enum seat seat);

#endif
