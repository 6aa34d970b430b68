/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The place of one life of the server: configuration, certificate and key,
 * socket, scratch.  full: a tmpfs of its own, never mounted anywhere but in
 * that server's namespace; container: a directory with the same rights on a
 * tmpfs.  root:SERVER, setgid, so that no capability over files is needed.
 *
 *   conf/	2750	server.hcl (the rendered template, or its storage
 *			block) and sallyport.hcl (ours)
 *   tls/	2750	cert.pem, key.pem
 *   sock/	2770	api.sock (the server's), notify (ours)
 *   tmp/	2770	TMPDIR: plugins' sockets
 */
#ifndef SP_LIFE_H
#define SP_LIFE_H

#include "sup.h"

/* Makes both places, empty.  Returns 0 or an exit code, said. */
CHECKED int life_open(struct sup *s, enum life_kind k);
/* Closes the descriptors; in a container nothing stays of the files. */
void life_close(struct sup *s, enum life_kind k);

/*
 * Creates conf/NAME or tls/NAME for a child to fill.  Returns a write-only
 * descriptor (the caller's) or -1.
 */
CHECKED int life_create(struct sup *s, int dir_fd, const char *name,
			mode_t mode);

/* Writes conf/sallyport.hcl: listener, clustering, audit devices. */
CHECKED int life_write_ours(struct sup *s, enum life_kind k);

/*
 * Says whether everything that this life's server reads was written; if not,
 * *out_by is the seat that left its file empty (its exit said otherwise).
 */
bool life_filled(const struct sup *s, enum life_kind k, enum seat *out_by);

/* Unlinks configuration and key: the server has read them. */
CHECKED int life_forget_files(struct sup *s, enum life_kind k);

#endif
