/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one list of error codes that functions return, negative, 0 being
 * success.  They say what went wrong inside a process; what a process says of
 * it to the outside is its exit code (exit.def).
 */
#ifndef SP_ERR_H
#define SP_ERR_H

#define CHECKED __attribute__((warn_unused_result))

/* An impossible state: SIGILL reaches even pid 1 of a pid namespace. */
#define BUG_ON(cond)                                                           \
	do {                                                                   \
		if (cond)                                                      \
			__builtin_trap();                                      \
	} while (0)

enum err {
	ERR_SYS = -1,	     /* a system call failed; errno tells */
	ERR_NOMEM = -2,	     /* no memory, or a fixed buffer is full */
	ERR_FORMAT = -3,     /* bytes that do not parse */
	ERR_RANGE = -4,	     /* a length or number out of its bounds */
	ERR_PROTO = -5,	     /* a message that the table does not allow */
	ERR_EOF = -6,	     /* the peer hung up */
	ERR_TIMEOUT = -7,    /* a deadline passed */
	ERR_CRYPTO = -8,     /* a cryptographic check failed */
	ERR_MISMATCH = -9,   /* a value is not the expected one */
	ERR_NOTFOUND = -10,  /* a thing asked for is not there */
	ERR_REFUSED = -11,   /* a service said no, for good */
	ERR_TRANSIENT = -12, /* a service said: later */
	ERR_TPM = -13,	     /* the TPM answered with an error */
	ERR_LOCK = -14,	     /* a confinement step failed */
};

#endif
