/* SPDX-License-Identifier: Apache-2.0 */
/* The lives of control, against a server that is played. */
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "blob.h"
#include "envelope.h"
#include "fds.h"
#include "keyset.h"
#include "peer.h"
#include "rig.h"

#define LIVES 4u /* look, init, look, unseal: a stream each */

static int
look(struct rig *r, int fd, int code)
{
	int e;

	if ((e = rig_open(r, SEAT_LOOK)) != 0)
		return e;
	rig_give(r, FD_CONTROL_SERVER, fd, false);
	if ((e = rig_start(r)) != 0)
		return e;
	rig_step(r, "look");
	return rig_end(r, code);
}

/* Plays tpm: its key out, the key set in. */
static int
init(struct rig *r, int fd, uint8_t set[static KEYSET_BYTES])
{
	struct channel pub, in;
	struct env_key *key = NULL;
	struct secret *sk = NULL;
	uint8_t out[ENV_PUB];
	struct frame f;
	int e;

	if ((e = rig_open(r, SEAT_INIT)) != 0)
		return e;
	rig_give(r, FD_CONTROL_SERVER, fd, false);
	rig_give(r, FD_CONTROL_PUB, r->x.pub_end[DIRECT_INIT][1], false);
	rig_give(r, FD_CONTROL_SEALED, r->x.sealed_end[DIRECT_INIT][1], false);
	if ((e = rig_start(r)) != 0)
		return e;
	const struct env_info info = {r->x.id, SEAT_INIT, SEAT_TPM,
				      MSG_SEALED_KEYS};
	rig_step(r, "init");
	channel_init(&pub, r->x.pub_end[DIRECT_INIT][0], SEAT_TPM, SEAT_INIT);
	channel_init(&in, r->x.sealed_end[DIRECT_INIT][0], SEAT_TPM, SEAT_INIT);
	if ((e = env_key_new(&key, out)) == 0 &&
	    (e = channel_send(&pub, MSG_TPM_PUB, out, sizeof(out))) == 0 &&
	    (e = rig_recv(r, &in, MSG_SEALED_KEYS, &f)) == 0 &&
	    (e = env_open(key, &info, f.body, f.body_bytes, &sk)) == 0) {
		memcpy(set, secret_bytes(sk), KEYSET_BYTES);
		secret_free(sk);
	}
	env_key_free(key);
	return e != 0 ? e : rig_end(r, EXIT_OK);
}

static int
unseal(struct rig *r, int fd, const uint8_t set[static KEYSET_BYTES])
{
	struct frame f;
	int e;

	if ((e = rig_open(r, SEAT_UNSEAL)) != 0)
		return e;
	rig_give(r, FD_CONTROL_SERVER, fd, false);
	rig_give(r, FD_CONTROL_PUB, r->x.pub_end[DIRECT_UNSEAL][1], false);
	rig_give(r, FD_CONTROL_SEALED, r->x.sealed_end[DIRECT_UNSEAL][1],
		 false);
	if ((e = rig_start(r)) != 0)
		return e;
	rig_step(r, "unseal, prove, configure");
	/* the root token of a first life goes to the operator */
	if ((e = rig_seal(r, DIRECT_UNSEAL, MSG_SEALED_SHARES, set,
			  KEYSET_BYTES)) != 0 ||
	    (e = rig_expect(r, MSG_JWE, &f)) != 0)
		return e;
	rig_step(r, "revoke");
	return rig_end(r, EXIT_OK);
}

int
role_control(struct rig *r)
{
	int ours[LIVES], theirs[LIVES], e = 0;
	uint8_t set[KEYSET_BYTES];
	struct peer server = {-1};

	for (unsigned i = 0; i < LIVES; i++)
		ours[i] = theirs[i] = -1;
	for (unsigned i = 0; e == 0 && i < LIVES; i++) {
		int p[2];

		if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, p) !=
		    0) {
			e = ERR_SYS;
			break;
		}
		ours[i] = p[0];
		theirs[i] = p[1];
	}
	if (e == 0)
		e = peer_start(&server, fake_server, &r->f, ours, LIVES);
	for (unsigned i = 0; i < LIVES; i++)
		if (ours[i] >= 0)
			close(ours[i]);
	if (e == 0 && (e = look(r, theirs[0], EXIT_L_UNINIT)) == 0 &&
	    (e = init(r, theirs[1], set)) == 0 &&
	    (e = look(r, theirs[2], EXIT_L_INIT)) == 0)
		e = unseal(r, theirs[3], set);
	for (unsigned i = 0; i < LIVES; i++)
		if (theirs[i] >= 0)
			close(theirs[i]);
	peer_stop(&server);
	return e;
}
