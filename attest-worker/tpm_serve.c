/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One poll loop over
 *
 *	the broker		says nothing any more: whatever comes is an end
 *	up to three receivers	RENDER, TLS, UNSEAL: one public key each
 *	INIT			our key is out there; SEALED_KEYS comes once
 *
 * All sending is a closed list (DESIGN P9): one sealed message per receiver,
 * one public key, one bundle of fixed size.
 */
#include "tpm_serve.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#include "envelope.h"
#include "fds.h"
#include "tpm_keyset.h"

#define SEALED_MAX (KEYSET_BYTES + ENV_OVERHEAD)

enum line_state { LINE_OFF, LINE_WAITING, LINE_SERVED, LINE_GONE };

struct line {
	enum line_state state;
	int pub_fd;
	int out_fd;
	enum seat seat;
	unsigned type;
	struct secret **sk_body; /* wiped when handed over */
};

enum { L_RENDER, L_TLS, L_UNSEAL, L_COUNT };

struct serving {
	struct worker *w;
	struct opened *o;
	struct line line[L_COUNT];
	struct env_key *init_key; /* not NULL: SEALED_KEYS is awaited */
	int code;		  /* >= 0: the session ends with it */
};

static struct channel
direct(int fd, enum seat peer)
{
	struct channel c;

	channel_init(&c, fd, SEAT_TPM, peer);
	c.tainted = true;
	return c;
}

/* Seals one secret to the key that came, and wipes it here. */
static int
hand_over(struct serving *s, struct line *l)
{
	struct env_info info = {s->w->session, SEAT_TPM, l->seat, l->type};
	struct channel in = direct(l->pub_fd, l->seat);
	struct channel out = direct(l->out_fd, l->seat);
	uint8_t packet[MSG_HEADER + ENV_PUB], sealed[SEALED_MAX];
	size_t bytes = secret_size(*l->sk_body);
	struct frame f;
	int r;

	if ((r = channel_expect(&in, MSG_SEAL_PUB, packet, sizeof(packet),
				&f)) != 0 ||
	    (r = env_seal(f.body, &info, secret_bytes(*l->sk_body), bytes,
			  sealed)) != 0)
		return r;
	r = channel_send(&out, l->type, sealed, bytes + ENV_OVERHEAD);
	if (r == 0) {
		secret_free(*l->sk_body);
		*l->sk_body = NULL;
	}
	return r;
}

/* The bundle goes to the broker; then the session is over. */
static int
send_bundle(struct serving *s, const uint8_t sk_set[static KEYSET_BYTES],
	    int code)
{
	uint8_t bundle[BUNDLE_BYTES];

	if (bundle_make(s->o->next, sk_set, bundle) != 0)
		return EXIT_INTERNAL;
	if (channel_send(&s->w->broker, MSG_BUNDLE, bundle, sizeof(bundle)) !=
	    0)
		return EXIT_PROTOCOL;
	return code;
}

/* The final bundle of a fresh one is made before the set is wiped. */
static int
unseal_served(struct serving *s, struct secret *sk_final)
{
	if (!sk_final)
		return EXIT_T_FINAL;
	return send_bundle(s, secret_bytes(sk_final), EXIT_T_FRESH);
}

/* A copy of the set without the root token, while the set is still here. */
static int
copy_final(const struct serving *s, struct secret **out_sk)
{
	struct secret *sk;
	int r;

	if (s->o->action != ACT_FRESH)
		return 0;
	if ((r = secret_new(KEYSET_BYTES, &sk)) != 0)
		return r;
	memcpy(secret_bytes(sk), secret_bytes(s->o->sk_set), KEYSET_BYTES);
	keyset_drop_token(secret_bytes(sk));
	*out_sk = sk;
	return 0;
}

static void
serve_line(struct serving *s, struct line *l)
{
	struct secret *sk_final = NULL;
	int r = 0;

	if (l->seat == SEAT_UNSEAL)
		r = copy_final(s, &sk_final);
	if (r == 0)
		r = hand_over(s, l);
	if (r == 0) {
		l->state = LINE_SERVED;
		if (l->seat == SEAT_UNSEAL)
			s->code = unseal_served(s, sk_final);
	} else if (r == ERR_EOF) {
		l->state = LINE_GONE;
	} else {
		s->code = r == ERR_NOMEM ? EXIT_INTERNAL : EXIT_PROTOCOL;
	}
	secret_free(sk_final);
}

/* What the server handed out at its initialisation, into a bundle. */
static void
take_keys(struct serving *s)
{
	struct env_info info = {s->w->session, SEAT_INIT, SEAT_TPM,
				MSG_SEALED_KEYS};
	struct channel in = direct(FD_TPM_INIT_IN, SEAT_INIT);
	uint8_t packet[MSG_HEADER + SEALED_MAX];
	struct secret *sk_set = NULL;
	struct frame f;

	s->code = EXIT_PROTOCOL;
	if (channel_expect(&in, MSG_SEALED_KEYS, packet, sizeof(packet), &f) !=
		    0 ||
	    env_open(s->init_key, &info, f.body, f.body_bytes, &sk_set) != 0)
		return;
	if (secret_size(sk_set) == KEYSET_BYTES &&
	    keyset_check(secret_bytes(sk_set), true) == 0)
		s->code = send_bundle(s, secret_bytes(sk_set), EXIT_T_MADE);
	secret_free(sk_set);
}

/* Our public key for init: out only after the master key passed P2. */
static int
offer_key(struct serving *s)
{
	struct channel out = direct(FD_TPM_INIT_PUB, SEAT_INIT);
	uint8_t pub[ENV_PUB];

	if (s->o->action != ACT_INIT)
		return 0;
	if (env_key_new(&s->init_key, pub) != 0)
		return EXIT_INTERNAL;
	return channel_send(&out, MSG_TPM_PUB, pub, sizeof(pub)) == 0
		       ? 0
		       : EXIT_PROTOCOL;
}

/* Nothing is left to wait for: every receiver was served or is gone. */
static void
judge_rest(struct serving *s)
{
	bool waiting = s->init_key != NULL;

	for (unsigned i = 0; i < L_COUNT; i++)
		waiting |= s->line[i].state == LINE_WAITING;
	if (s->code >= 0)
		return;
	if (s->line[L_UNSEAL].state == LINE_GONE)
		s->code = EXIT_PROTOCOL; /* nobody to unseal with these */
	else if (!waiting)
		s->code = EXIT_OK;
}

/*
 * Waits for one of the ends.  Entry 0 is the broker, 1 to L_COUNT the lines,
 * the last INIT; -1 leaves an entry out.
 */
static void
wait_once(struct serving *s)
{
	struct pollfd p[L_COUNT + 2] = {{.fd = FD_BROKER, .events = POLLIN}};
	uint32_t left = worker_left_ms(s->w);
	int n;

	for (unsigned i = 0; i < L_COUNT; i++) {
		bool on = s->line[i].state == LINE_WAITING;

		p[1 + i].fd = on ? s->line[i].pub_fd : -1;
		p[1 + i].events = POLLIN;
	}
	p[L_COUNT + 1].fd = s->init_key ? FD_TPM_INIT_IN : -1;
	p[L_COUNT + 1].events = POLLIN;

	n = left ? poll(p, L_COUNT + 2,
			left > INT32_MAX ? INT32_MAX : (int)left)
		 : 0;
	if (n < 0 && errno == EINTR)
		return;
	if (n <= 0)
		s->code = n == 0 ? EXIT_DEADLINE : EXIT_INTERNAL;
	else if (p[0].revents)
		s->code = EXIT_PROTOCOL;
	for (unsigned i = 0; n > 0 && s->code < 0 && i < L_COUNT; i++)
		if (p[1 + i].revents)
			serve_line(s, &s->line[i]);
	if (n > 0 && s->code < 0 && p[L_COUNT + 1].revents)
		take_keys(s);
}

int
serve(struct worker *w, struct opened *o)
{
	struct serving s = {
		.w = w,
		.o = o,
		.code = -1,
		.line =
			{
				{LINE_OFF, FD_TPM_RENDER_PUB, FD_TPM_RENDER_OUT,
				 SEAT_RENDER, MSG_SEALED_STORAGE,
				 &o->sk_storage},
				{LINE_OFF, FD_TPM_TLS_PUB, FD_TPM_TLS_OUT,
				 SEAT_TLS, MSG_SEALED_PASSWORD,
				 &o->sk_password},
				{LINE_OFF, FD_TPM_UNSEAL_PUB, FD_TPM_UNSEAL_OUT,
				 SEAT_UNSEAL, MSG_SEALED_SHARES, &o->sk_set},
			},
	};
	int code;

	for (unsigned i = 0; i < L_COUNT; i++)
		if (*s.line[i].sk_body)
			s.line[i].state = LINE_WAITING;
	if ((code = offer_key(&s)) != 0)
		s.code = code;
	for (judge_rest(&s); s.code < 0; judge_rest(&s))
		wait_once(&s);
	env_key_free(s.init_key);
	return s.code;
}
