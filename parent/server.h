/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server's two lives: started through sallyport-exec under its own uid,
 * namespaces, Landlock rules and filter; its readiness; its end; the one
 * connection that control is given.
 */
#ifndef SP_SERVER_H
#define SP_SERVER_H

#include "sup.h"

/* Checks the program (EXIT_SERVER_GONE, EXIT_SERVER_READ), said; 0 if fine. */
CHECKED int server_check(const struct sup *s);

/* Checks that the public port can be bound: 0, or EXIT_PORT_TAKEN, said. */
CHECKED int server_port_free(const struct sup *s);

/*
 * Starts a life (its place was opened, its configuration rendered) and
 * waits for READY=1 from its pid.  Returns 0, or ERR_REFUSED with
 * s->fail_code set.
 */
CHECKED int server_start(struct sup *s, enum life_kind k);

/*
 * Ends the server: SIGTERM, then SIGKILL after server_stop seconds; then
 * nothing with its uid is left.  Cannot fail.
 */
void server_stop(struct sup *s);

/*
 * Connects to the server's socket by the descriptor of its directory and
 * demands that the peer is the process that was started.  Returns 0 and the
 * descriptor (the caller's), or ERR_REFUSED with s->fail_code set.
 */
CHECKED int server_connect(struct sup *s, int *out_fd);

/* Says whether all of a rule's conditions (enum page_when) hold in a life. */
bool server_when(const struct sup *s, enum life_kind k, unsigned when);

/*
 * The path of the host that a rule of the server's page names in this life;
 * NULL: none, or it lies on the tmpfs of the life, or the rule is of a port.
 */
struct page_rule;
const char *server_path(const struct sup *s, enum life_kind k,
			const struct page_rule *rule);

/* Writes the CONFIG of sallyport-exec (server_conf.c). */
struct wr;
void server_config(const struct sup *s, enum life_kind k, struct wr *w);

#endif
