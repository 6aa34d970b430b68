/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two lives of tpm: the session that makes a bundle of what a server handed
 * out at its initialisation, and the next one, which opens it.
 */
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "b64.h"
#include "blob.h"
#include "cursor.h"
#include "envelope.h"
#include "fds.h"
#include "keyset.h"
#include "peer.h"
#include "rig.h"
#include "tags.h"
#include "tpm_cipher.h"

#define SLOTS                                                                  \
	(SLOT_BIT(SLOT_TLS_PASSWORD) | SLOT_BIT(SLOT_STORAGE_KEY) |            \
	 SLOT_BIT(SLOT_BUNDLE) | SLOT_BIT(SLOT_OLD_KEY))
#define RSA_BYTES 256u

/* To that key: RSAES-PKCS1-v1_5, or OAEP with SHA-256. */
static int
encrypt(EVP_PKEY *to, bool oaep, const void *in, size_t n,
	uint8_t out[static RSA_BYTES])
{
	EVP_PKEY_CTX *c = EVP_PKEY_CTX_new(to, NULL);
	size_t bytes = RSA_BYTES;
	int ok;

	ok = c && EVP_PKEY_encrypt_init(c) == 1 &&
	     EVP_PKEY_CTX_set_rsa_padding(c, oaep ? RSA_PKCS1_OAEP_PADDING
						  : RSA_PKCS1_PADDING) == 1 &&
	     (!oaep || EVP_PKEY_CTX_set_rsa_oaep_md(c, EVP_sha256()) == 1) &&
	     EVP_PKEY_encrypt(c, out, &bytes, in, n) == 1;
	EVP_PKEY_CTX_free(c);
	return ok ? 0 : ERR_CRYPTO;
}

static int
start(struct rig *r, enum marker_state marker)
{
	static const int base[DIRECTS] = {FD_TPM_RENDER_PUB, FD_TPM_TLS_PUB,
					  FD_TPM_UNSEAL_PUB, FD_TPM_INIT_PUB};
	struct peer tpm;
	int e, p[2];

	if ((e = rig_open(r, SEAT_TPM)) != 0)
		return e;
	r->x.plan = SLOTS;
	r->x.marker.state = marker;
	r->x.marker.generation_known = true;
	memset(r->x.generation, 0x5a, sizeof(r->x.generation));
	r->x.may_init = marker == MARKER_PREPARED;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, p) != 0)
		return ERR_SYS;
	e = peer_start(&tpm, fake_tpm, &r->f, &p[1], 1);
	close(p[1]);
	if (e != 0) {
		close(p[0]);
		return e;
	}
	close(tpm.pidfd); /* it ends with its stream */
	rig_give(r, FD_TPM_DEV, p[0], true);
	for (int d = 0; d < DIRECTS; d++) {
		rig_give(r, base[d], r->x.pub_end[d][0], false);
		rig_give(r, base[d] + 1, r->x.sealed_end[d][0], false);
	}
	rig_give(r, FD_TPM_GO, r->x.tpm_go[0], false);
	return rig_start(r);
}

/* The attestation service's envelope around a token (tpm_token.c). */
static int
send_token(struct rig *r, const char *token, size_t n)
{
	static const uint8_t aad[13] = "Transport Key";
	uint8_t key[AES_KEY], iv[GCM_IV], sealed[256 + GCM_TAG];
	uint8_t inner[RSA_BYTES], body[1024];
	const struct gcm g = {key, iv, aad, sizeof(aad)};
	struct wr w;
	int e;

	if (RAND_bytes(key, sizeof(key)) != 1 ||
	    RAND_bytes(iv, sizeof(iv)) != 1)
		return ERR_CRYPTO;
	if ((e = gcm_seal(&g, (const uint8_t *)token, n, sealed)) != 0 ||
	    (e = encrypt(r->f.transfer, false, key, sizeof(key), inner)) != 0)
		return e;
	wr_init(&w, body, sizeof(body));
	wr_bytes(&w, iv, sizeof(iv));
	wr_bytes(&w, sealed + n, GCM_TAG);
	wr_bytes(&w, inner, sizeof(inner));
	wr_var16(&w, sealed, n);
	if ((e = wr_end(&w, &n)) != 0)
		return e;
	return rig_send(r, MSG_ENC_TOKEN, body, n);
}

static int
attest(struct rig *r)
{
	static const char token[] = "e30.an attestation token as long as one.x";
	struct frame f;
	int e;

	rig_step(r, "evidence");
	if ((e = rig_expect(r, MSG_EVIDENCE, &f)) != 0)
		return e;
	rig_step(r, "token");
	if ((e = send_token(r, token, sizeof(token) - 1)) != 0 ||
	    (e = rig_expect(r, MSG_TOKEN, &f)) != 0)
		return e;
	if (f.body_bytes != sizeof(token) - 1 ||
	    memcmp(f.body, token, f.body_bytes) != 0)
		return rig_wrong(r, "the token is not what was sealed");
	return 0;
}

/* AES-256-KWP over PKCS#8 (RFC 5649). */
static int
wrap(const uint8_t *kek, const uint8_t *in, int n, uint8_t *out, int *out_bytes)
{
	EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	int k = 0, ok;

	if (c)
		EVP_CIPHER_CTX_set_flags(c, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
	ok = c &&
	     EVP_EncryptInit_ex(c, EVP_aes_256_wrap_pad(), NULL, kek, NULL) ==
		     1 &&
	     EVP_EncryptUpdate(c, out, out_bytes, in, n) == 1 &&
	     EVP_EncryptFinal_ex(c, out + *out_bytes, &k) == 1;
	EVP_CIPHER_CTX_free(c);
	*out_bytes += k;
	return ok ? 0 : ERR_CRYPTO;
}

static int
release(struct rig *r)
{
	PKCS8_PRIV_KEY_INFO *p8 = EVP_PKEY2PKCS8(r->f.master);
	uint8_t kek[AES_KEY], oaep[RSA_BYTES], kwp[4096], body[8192];
	uint8_t *der = NULL;
	int n = p8 ? i2d_PKCS8_PRIV_KEY_INFO(p8, &der) : 0, k = 0;
	int e = ERR_CRYPTO;
	struct wr w;
	size_t bytes;

	rig_step(r, "release");
	if (n > 0 && n < 4000 && RAND_bytes(kek, sizeof(kek)) == 1 &&
	    wrap(kek, der, n, kwp, &k) == 0)
		e = encrypt(r->f.transfer, true, kek, sizeof(kek), oaep);
	OPENSSL_clear_free(der, n > 0 ? (size_t)n : 0);
	PKCS8_PRIV_KEY_INFO_free(p8);
	if (e != 0)
		return e;
	if (write(r->x.tpm_go[1], "", 1) != 1)
		return ERR_SYS;
	wr_init(&w, body, sizeof(body));
	wr_u8(&w, ENC_SHA256);
	wr_bytes(&w, oaep, sizeof(oaep));
	wr_var16(&w, kwp, (size_t)k);
	if ((e = wr_end(&w, &bytes)) != 0)
		return e;
	return rig_send(r, MSG_WRAPPED_KEY, body, bytes);
}

static int
send_blob(struct rig *r, enum slot slot, const uint8_t *p, size_t n)
{
	uint8_t body[1024];
	struct wr w;
	int e;

	wr_init(&w, body, sizeof(body));
	wr_u8(&w, (uint8_t)slot);
	wr_u8(&w, 0);
	wr_var16(&w, p, n);
	if ((e = wr_end(&w, &n)) != 0)
		return e;
	return rig_send(r, MSG_BLOB, body, n);
}

/* bundle: 780 bytes or NULL. */
static int
open_blobs(struct rig *r, const uint8_t *bundle)
{
	static const uint8_t key[STORAGE_KEY_BYTES];
	uint8_t password[RSA_BYTES], storage[RSA_BYTES];
	char text[B64_LEN(STORAGE_KEY_BYTES) + 1];
	uint8_t count = bundle ? 3 : 2;
	int e;

	rig_step(r, "open");
	b64_encode(B64_STD, key, sizeof(key), text);
	if ((e = encrypt(r->f.master, true, FIX_PASSWORD,
			 sizeof(FIX_PASSWORD) - 1, password)) != 0 ||
	    (e = encrypt(r->f.master, true, text, strlen(text), storage)) !=
		    0 ||
	    (e = send_blob(r, SLOT_TLS_PASSWORD, password, RSA_BYTES)) != 0 ||
	    (e = send_blob(r, SLOT_STORAGE_KEY, storage, RSA_BYTES)) != 0)
		return e;
	if (bundle &&
	    (e = send_blob(r, SLOT_BUNDLE, bundle, BUNDLE_BYTES)) != 0)
		return e;
	return rig_send(r, MSG_OPEN, &count, 1);
}

/* As a receiver of tpm: one key out, one sealed message in. */
static int
take_sealed(struct rig *r, enum direct d, enum seat seat, unsigned type)
{
	const struct env_info info = {r->x.id, SEAT_TPM, seat, type};
	struct env_key *key = NULL;
	struct secret *sk = NULL;
	struct channel pub, sealed;
	uint8_t out[ENV_PUB];
	struct frame f;
	int e;

	channel_init(&pub, r->x.pub_end[d][1], seat, SEAT_TPM);
	channel_init(&sealed, r->x.sealed_end[d][1], seat, SEAT_TPM);
	if ((e = env_key_new(&key, out)) == 0 &&
	    (e = channel_send(&pub, MSG_SEAL_PUB, out, sizeof(out))) == 0 &&
	    (e = rig_recv(r, &sealed, type, &f)) == 0)
		e = env_open(key, &info, f.body, f.body_bytes, &sk);
	secret_free(sk);
	env_key_free(key);
	return e;
}

/* As init: what a server handed out, sealed to tpm. */
static int
give_keys(struct rig *r)
{
	const struct env_info info = {r->x.id, SEAT_INIT, SEAT_TPM,
				      MSG_SEALED_KEYS};
	uint8_t sealed[KEYSET_BYTES + ENV_OVERHEAD], share[33];
	struct channel pub, out;
	struct keyset k = {0};
	struct frame f;
	int e;

	channel_init(&pub, r->x.pub_end[DIRECT_INIT][1], SEAT_INIT, SEAT_TPM);
	channel_init(&out, r->x.sealed_end[DIRECT_INIT][1], SEAT_INIT,
		     SEAT_TPM);
	if ((e = keyset_new(3, 5, &k)) != 0)
		return e;
	for (unsigned i = 0; e == 0 && i < 5; i++) {
		memset(share, (int)i + 1, sizeof(share));
		e = keyset_put_share(&k, i, share, sizeof(share));
	}
	if (e == 0 && (e = keyset_put_token(&k, "hvs.fixture", 11)) == 0 &&
	    (e = rig_recv(r, &pub, MSG_TPM_PUB, &f)) == 0 &&
	    (e = env_seal(f.body, &info, secret_bytes(k.sk_set), KEYSET_BYTES,
			  sealed)) == 0)
		e = channel_send(&out, MSG_SEALED_KEYS, sealed, sizeof(sealed));
	keyset_free(&k);
	return e;
}

/* One life up to the point where everything is opened and handed over. */
static int
until_handed(struct rig *r, enum marker_state marker, const uint8_t *bundle)
{
	int e;

	if ((e = start(r, marker)) != 0 || (e = attest(r)) != 0 ||
	    (e = release(r)) != 0 || (e = open_blobs(r, bundle)) != 0)
		return e;
	rig_step(r, "hand over");
	if ((e = take_sealed(r, DIRECT_RENDER, SEAT_RENDER,
			     MSG_SEALED_STORAGE)) != 0)
		return e;
	return take_sealed(r, DIRECT_TLS, SEAT_TLS, MSG_SEALED_PASSWORD);
}

int
role_tpm(struct rig *r)
{
	uint8_t bundle[BUNDLE_BYTES];
	struct frame f;
	int e;

	if ((e = until_handed(r, MARKER_PREPARED, NULL)) != 0)
		return e;
	rig_step(r, "bundle");
	if ((e = give_keys(r)) != 0 || (e = rig_expect(r, MSG_BUNDLE, &f)) != 0)
		return e;
	memcpy(bundle, f.body, sizeof(bundle));
	if ((e = rig_end(r, EXIT_T_MADE)) != 0 ||
	    (e = until_handed(r, MARKER_STORED, bundle)) != 0 ||
	    (e = take_sealed(r, DIRECT_UNSEAL, SEAT_UNSEAL,
			     MSG_SEALED_SHARES)) != 0)
		return e;
	rig_step(r, "final bundle");
	if ((e = rig_expect(r, MSG_BUNDLE, &f)) != 0)
		return e;
	rig_step(r, "end");
	return rig_end(r, EXIT_T_FRESH);
}
