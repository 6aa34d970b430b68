/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A boot: sessions until the server is unsealed, each a run through the waves
 * of DESIGN section 3, steered by the table of section 7.
 */
#ifndef SP_BOOT_H
#define SP_BOOT_H

#include "session.h"
#include "sup.h"

#define GONE_S 2 /* for control, and tpm, to see that the server is gone */

/*
 * Brings the server from wherever the store is (it is locked, store_lock()) to
 * unsealed; again, when the server is to come back.  Returns 0, or the exit
 * code of what failed first, said; the server is then stopped.
 */
CHECKED int boot(struct sup *s);

/*
 * Control unseals, proves, compares and revokes; then the session's end, with
 * a store wave where the bundle was fresh.  The public server is up and wave 1
 * is opened.  0 or ERR_REFUSED with s->fail_code set.
 */
CHECKED int boot_unseal(struct sup *s, struct session *x,
			const struct seen *seen);

/* Says what was found, and that the boot ends with the code.  Returns
 * ERR_REFUSED. */
int boot_stop(struct sup *s, const struct seen *seen, int code);

/* What of a boot that goes well the operator should mend. */
void boot_warn(const struct sup *s, const struct seen *seen);

/* Shared by all sessions: the waves (waves.c). */

/* Opens a session that needs no network: the broker alone.  As wave_begin. */
CHECKED int wave_alone(struct sup *s, struct session *x);

/* Opens the session: broker, resolve and, with a store that needs no key,
 * render.  0 or ERR_REFUSED. */
CHECKED int wave_begin(struct sup *s, struct session *x, bool render);
/* Starts tpm, fetch and verify; does not wait for their ends. */
CHECKED int wave_attest(struct sup *s, struct session *x);
/* Waits for fetch and verify; *out_fetch is fetch's word. */
CHECKED int wave_fetched(struct sup *s, struct session *x, int *out_fetch);
/* Taints the tpm; nobody of ours is on the network any more (P1). */
CHECKED int wave_open(struct sup *s, struct session *x);
/* Spawns one seat, passes it through the gate, waits for its end. */
CHECKED int wave_one(struct sup *s, struct session *x, enum seat seat);
/* True when the new keys are with the broker although server or lease are lost:
 * neither is needed to store them, and nobody else has them.  The failure is
 * then forgotten. */
bool wave_keys_made(struct sup *s);
/* Stores what the broker keeps; a dead https is followed by the next. */
CHECKED int wave_store(struct sup *s, struct session *x);
/* GO_END, and the broker's exit. */
CHECKED int wave_end(struct sup *s, struct session *x);

#endif
