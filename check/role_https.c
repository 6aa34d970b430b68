/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lives of https: a first life's fetch with the probe, the store of what
 * tpm and control hand out, a later life's fetch that finds it.
 */
#include <string.h>

#include "blob.h"
#include "cursor.h"
#include "fds.h"
#include "jwe_size.h"
#include "rig.h"
#include "tags.h"

#define SLOTS                                                                  \
	(SLOT_BIT(SLOT_TLS_CERT) | SLOT_BIT(SLOT_TLS_PASSWORD) |               \
	 SLOT_BIT(SLOT_STORAGE_KEY) | SLOT_BIT(SLOT_BUNDLE) |                  \
	 SLOT_BIT(SLOT_OLD_KEY))
#define TOKEN_TEXT "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJ4In0.c2lnbmF0dXJl"

static void
put_filled(struct wr *w, size_t bytes)
{
	static const uint8_t fill[512];

	wr_var16(w, fill, bytes);
}

/* Evidence of the right shape: what tpm would have gathered. */
static int
evidence(uint8_t *out, size_t cap, size_t *out_bytes)
{
	static uint8_t hcl[1236 + 2];
	static const uint8_t pcrs[8 * 32];
	struct wr w;

	memcpy(hcl, "HCLA", 4);
	hcl[1232] = 2; /* claims, little-endian length */
	memcpy(hcl + 1236, "{}", 2);
	wr_init(&w, out, cap);
	wr_var16(&w, hcl, sizeof(hcl));
	put_filled(&w, 282);
	put_filled(&w, 512);
	wr_bytes(&w, pcrs, sizeof(pcrs));
	put_filled(&w, 113);
	put_filled(&w, 256);
	put_filled(&w, 312);
	put_filled(&w, 141);
	put_filled(&w, 256);
	return wr_end(&w, out_bytes);
}

static int
start(struct rig *r, enum seat seat, bool probe)
{
	static const uint8_t log[] = "no event log";
	uint8_t addrs[FIX_ADDRS];
	int roots = -1, e;

	if ((e = rig_open(r, seat)) != 0)
		return e;
	r->x.plan = SLOTS;
	r->x.probe = probe;
	if ((roots = fixture_roots(&r->f)) < 0)
		return ERR_SYS;
	rig_give(r, FD_HTTPS_ROOTS, roots, true);
	rig_give(r, FD_HTTPS_EVENTLOG, fixture_memfd(log, sizeof(log)), true);
	if ((e = rig_start(r)) != 0)
		return e;
	fixture_addrs(addrs);
	return rig_send(r, MSG_ADDRS, addrs, sizeof(addrs));
}

static int
fetch(struct rig *r, bool probe, int code)
{
	static uint8_t body[4096];
	bool released = false;
	struct frame f;
	size_t n;
	int e;

	if ((e = start(r, SEAT_FETCH, probe)) != 0)
		return e;
	rig_step(r, "attest");
	if ((e = evidence(body, sizeof(body), &n)) != 0 ||
	    (e = rig_send(r, MSG_EVIDENCE, body, n)) != 0)
		return e;
	/* what is stored comes before, between and after */
	for (unsigned left = 2; left > 0;) {
		if ((e = rig_any(r, &f)) != 0)
			return e;
		if (f.type == MSG_ENC_TOKEN) {
			rig_step(r, "release");
			e = rig_send(r, MSG_TOKEN, TOKEN_TEXT,
				     sizeof(TOKEN_TEXT) - 1);
			left--;
		} else if (f.type == MSG_RELEASE_JWS) {
			rig_step(r, "secrets");
			released = true;
			left--;
		}
		if (e != 0)
			return e;
	}
	if (!released)
		return rig_wrong(r, "no key was released");
	rig_let_speak(r); /* the rest of what is stored */
	return rig_end(r, code);
}

static int
store(struct rig *r)
{
	static uint8_t bundle[BUNDLE_BYTES];
	char jwe[1024];
	struct frame f;
	size_t n = 0;
	int e;

	if ((e = start(r, SEAT_STORE0, false)) != 0)
		return e;
	rig_step(r, "store");
	memset(bundle, 0x5a, sizeof(bundle));
	if ((e = rig_send(r, MSG_BUNDLE, bundle, sizeof(bundle))) != 0 ||
	    (e = rig_expect(r, MSG_ECHO, &f)) != 0)
		return e;
	if (f.body_bytes != sizeof(bundle) ||
	    memcmp(f.body, bundle, sizeof(bundle)) != 0)
		return rig_wrong(r, "what is read back is not what was stored");
	memset(jwe, 'A', sizeof(jwe));
	for (unsigned i = 1; i <= 4; i++)
		jwe[100 * i] = '.';
	n = jwe_size(JWE_RSA_LEAST / 8, JWE_TOKEN_HVS);
	r->ch.jwe_modulus = JWE_RSA_LEAST / 8;
	BUG_ON(n > sizeof(jwe));
	if ((e = rig_send(r, MSG_JWE, jwe, n)) != 0 ||
	    (e = rig_expect(r, MSG_ECHO, &f)) != 0 ||
	    (e = rig_send(r, MSG_STORED, NULL, 0)) != 0)
		return e;
	rig_step(r, "end");
	return rig_end(r, EXIT_OK);
}

int
role_https(struct rig *r)
{
	int e;

	if ((e = fetch(r, true, EXIT_F_NOTHING)) != 0 || (e = store(r)) != 0)
		return e;
	return fetch(r, false, EXIT_F_BUNDLE);
}
