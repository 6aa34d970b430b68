/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The page of a role: what its policy file states beyond system calls, as
 * constant data that policyc makes and the program enforces.  There is no
 * other copy of these facts: the supervisor reads from here uid, namespaces,
 * network, root, outer filter and descriptors of what it starts, the worker
 * its descriptors, Landlock rules, limits and inner filter.
 */
#ifndef SP_PAGE_H
#define SP_PAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "filter.h"
#include "seat.h"

enum fd_kind {
	FD_NONE,   /* must not be open */
	FD_NULL,   /* /dev/null */
	FD_LOG,	   /* write-only or read-write, anything */
	FD_SEQ,	   /* unix SOCK_SEQPACKET */
	FD_STREAM, /* unix SOCK_STREAM, connected */
	FD_PIPE_R,
	FD_PIPE_W,
	FD_MEMFD,  /* sealed against writing, growing, shrinking */
	FD_FILE_W, /* regular file, write-only */
	FD_DEV,	   /* character device or connected unix stream */
};

/* Descriptors first..last of the seats, each of that kind. */
struct page_fd {
	int first, last;
	enum fd_kind kind;
	uint32_t seats;	   /* SEAT_BIT of each that has it */
	bool until_locked; /* closed when the child is locked */
};

struct page_seat {
	enum seat seat;
	const char *word[2]; /* of its command line; NULL: none */
};

/* When a rule holds: all bits must be true of the life that begins. */
enum page_when {
	WHEN_PUBLIC = 1,
	WHEN_PRIVATE = 2,
	WHEN_LOCAL = 4,	 /* the store lies on a disk of this machine */
	WHEN_REMOTE = 8, /* it does not */
	WHEN_RAFT = 16,
};

enum page_reach {
	REACH_READ,
	REACH_WRITE, /* and read, make, remove, rename */
	REACH_EXECUTE,
	REACH_CONNECT, /* TCP */
	REACH_BIND,    /* TCP */
};

/* One thing that Landlock lets pass; in profile full a path is bound too. */
struct page_rule {
	enum page_reach reach;
	const char *setting; /* its value is the path or ports; or NULL */
	const char *path;    /* whole, or below the setting's; or NULL */
	uint16_t port;	     /* whole, or added to the setting's */
	unsigned when;	     /* enum page_when, or 0: always */
};

enum page_net {
	NET_HOST,  /* the supervisor's own */
	NET_EMPTY, /* full: a namespace with nothing in it */
};

enum page_root {
	ROOT_HOST,    /* the supervisor's own */
	ROOT_LIBRARY, /* the program and its libraries, read-only */
	ROOT_TMPFS,   /* empty but for what the rules name, read-only */
};

struct page_limit {
	int resource;  /* RLIMIT_… */
	bool from_fds; /* value is added to the highest descriptor + 1 */
	uint64_t value;
};

enum page_profile {
	IN_FULL = 1,
	IN_CONTAINER = 2,
	IN_CHROOT = 4, /* "/" is no mount point that pivot_root(2) takes */
};

struct page_cap {
	unsigned cap;	   /* CAP_… */
	unsigned profiles; /* enum page_profile; 0: all */
};

struct page {
	const char *role;
	const char *program;	 /* sallyport-ROLE */
	const char *uid_setting; /* NULL: uid 0 */
	const struct page_seat *seats;
	size_t seat_count;
	const struct page_cap *caps; /* kept; workers have none */
	size_t cap_count;
	unsigned long namespaces; /* new ones, CLONE_NEW…; profile full */
	enum page_net net;
	unsigned net_empty_when; /* NET_HOST: but empty when all these hold */
	enum page_root root;
	enum page_root root_container; /* the same in profile container */
	bool landlock;		       /* its rules, and nothing beside */
	const struct page_rule *rules;
	size_t rule_count;
	const struct page_limit *limits;
	size_t limit_count;
	const struct page_fd *fds; /* in order of number */
	size_t fd_count;
	bool other_fds; /* it opens more itself: numbers are not checked */
	const struct filter_prog *outer; /* before exec; NULL: none */
	const struct filter_prog *inner;
};

/* One of each process, made by policyc (generated pages.c). */
extern const struct page page_broker, page_resolve, page_https, page_keeper,
	page_verify, page_tpm, page_prepare, page_control, page_vault_server,
	page_supervisor;

/* The page of each seat. */
extern const struct page *const page_of_seat[SEAT_COUNT];

/*
 * The set of descriptors below 64 that a child of the seat has, before it is
 * locked and after.
 */
uint64_t page_fds(const struct page *p, enum seat seat, bool locked);

/*
 * Sets the page's limits on this process; a limit that is lower already stays.
 * Returns 0 or ERR_LOCK.
 */
CHECKED int page_limits(const struct page *p, enum seat seat);

#endif
