/* SPDX-License-Identifier: Apache-2.0 */
#include "prepare.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <poll.h>
#include <unistd.h>

#include "crypto_heap.h"

#define SECURE_HEAP  65536 /* bytes; a power of two, as OpenSSL demands */
#define SECURE_BLOCK 32	   /* its smallest block */

static uint8_t packet[MSG_MAX];

int
prepare_begin(size_t bytes)
{
	enum secret_kind kind;
	int r;

	if ((r = secret_arena(bytes, &kind)) != 0)
		return r;
	if (OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL) != 1)
		return ERR_CRYPTO;
	/* 2 would mean: there, but not locked */
	if (CRYPTO_secure_malloc_init(SECURE_HEAP, SECURE_BLOCK) != 1)
		return ERR_LOCK;
	return env_prime();
}

int
prepare_expect(struct worker *w, struct channel *c, unsigned type,
	       struct frame *out_frame)
{
	struct pollfd p = {.fd = c->fd, .events = POLLIN};
	int n;

	do
		n = poll(&p, 1, (int)worker_left_ms(w));
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		return n == 0 ? EXIT_DEADLINE : EXIT_INTERNAL;
	if (channel_expect(c, type, packet, sizeof(packet), out_frame) != 0)
		return EXIT_PROTOCOL;
	return 0;
}

int
prepare_say_pub(struct worker *w, const struct sealed_want *s)
{
	struct channel c;

	channel_init(&c, s->fd_pub, w->desc->seat, SEAT_TPM);
	c.tainted = w->broker.tainted;
	return channel_send(&c, MSG_SEAL_PUB, s->pub, ENV_PUB) == 0
		       ? 0
		       : EXIT_PROTOCOL;
}

int
prepare_unseal(struct worker *w, struct sealed_want *s,
	       struct secret **out_plain)
{
	const struct env_info info = {
		.session = w->session,
		.from = SEAT_TPM,
		.to = w->desc->seat,
		.type = s->type,
	};
	struct channel c;
	struct frame f;
	int code, r;

	channel_init(&c, s->fd_in, w->desc->seat, SEAT_TPM);
	if ((code = prepare_expect(w, &c, s->type, &f)) != 0)
		return code;
	r = env_open(s->key, &info, f.body, f.body_bytes, out_plain);
	env_key_free(s->key);
	s->key = NULL;
	return r == 0 ? 0 : r == ERR_NOMEM ? EXIT_INTERNAL : EXIT_PROTOCOL;
}

int
prepare_write(int fd, const void *sk_bytes, size_t bytes)
{
	const uint8_t *sk_p = sk_bytes;

	while (bytes > 0) {
		ssize_t n = write(fd, sk_p, bytes);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return ERR_SYS;
		sk_p += n;
		bytes -= (size_t)n;
	}
	return 0;
}

_Noreturn void
prepare_run(struct worker *self, const struct worker_desc *desc,
	    const struct prepare_steps *s)
{
	int code;

	worker_begin(self, desc);
	if (s->begin() != 0)
		worker_exit(self, EXIT_INTERNAL);
	worker_lock(self, NULL, 0);
	self->broker.tainted = s->keyed();
	code = s->work();
	s->end();
	worker_exit(self, crypto_heap_code(code));
}
