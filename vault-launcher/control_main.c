/* SPDX-License-Identifier: Apache-2.0 */
/* sallyport-control look | init | unseal: the order of a life. */
#include <openssl/crypto.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "control.h"
#include "fds.h"
#include "tags.h"

#define ARENA_BYTES  (1024u * 1024u)
#define OPENSSL_HEAP 32768u

/* Bytes beside the secret arena, where answers are read: it never grows. */
#define HEAP (256 * 1024)

#define DESC(s)                                                                \
	{                                                                      \
		.seat = SEAT_##s, .page = &page_control, .stack_config = HEAP, \
		.locks_memory = true                                           \
	}

static const struct life {
	const char *word;
	int (*run)(struct control *c);
	struct worker_desc desc;
} lives[] = {
	{"look", control_look, DESC(LOOK)},
	{"init", control_init, DESC(INIT)},
	{"unseal", control_unseal, DESC(UNSEAL)},
};

static const struct life *
find_life(const char *word)
{
	for (size_t i = 0; word && i < sizeof(lives) / sizeof(lives[0]); i++)
		if (strcmp(lives[i].word, word) == 0)
			return &lives[i];
	return NULL;
}

/* Absent is allowed; anything else must be as the tag says. */
static int
optional(int r)
{
	return r == ERR_NOTFOUND ? 0 : r;
}

static int
read_config(struct control *c)
{
	const struct items *it = &c->w->config;
	uint32_t revoke = 0;
	const uint8_t *der;
	size_t bytes;
	int r;

	if ((r = optional(items_str(it, TAG_STORAGE, 0, c->storage,
				    sizeof(c->storage)))) != 0 ||
	    (r = optional(items_u32(it, TAG_SHARES, &c->shares))) != 0 ||
	    (r = optional(items_u32(it, TAG_THRESHOLD, &c->threshold))) != 0 ||
	    (r = optional(items_u32(it, TAG_REVOKE_ROOT, &revoke))) != 0)
		return r;
	c->revoke_root = revoke == 1;
	r = items_get(it, TAG_OPERATOR_KEY, 0, &der, &bytes);
	if (r == 0)
		r = jwe_key_new(der, bytes, &c->operator_key);
	return optional(r);
}

/* Libraries allocate, fetch and seed now: behind the filter they may not. */
static int
prime(const struct control *c)
{
	char dummy[JWE_MAX + 1];
	size_t chars;
	int r;

	/* 1: secure; 2 would be an ordinary heap that is called so */
	if (CRYPTO_secure_malloc_init(OPENSSL_HEAP, 16) != 1)
		return ERR_LOCK;
	if ((r = json_secret()) != 0 || (r = env_prime()) != 0)
		return r;
	return c->operator_key
		       ? jwe_make(c->operator_key, "dummy", 5, dummy, &chars)
		       : 0;
}

int
control_recv(struct control *c, struct channel *from, unsigned type,
	     struct inbox *in)
{
	struct pollfd p = {.fd = from->fd, .events = POLLIN};
	int n = poll(&p, 1, (int)worker_left_ms(c->w));

	if (n == 0)
		return ERR_TIMEOUT;
	if (n < 0)
		return ERR_SYS;
	return channel_expect(from, type, in->packet, sizeof(in->packet),
			      &in->frame);
}

int
control_code(int r, int otherwise)
{
	switch (r) {
	case 0:
		return EXIT_OK;
	case ERR_TIMEOUT:
		return EXIT_DEADLINE;
	case ERR_NOMEM:
		return EXIT_INTERNAL;
	default:
		return otherwise;
	}
}

/* Behind START: from here on init and unseal hold keys, or soon will. */
static int
start(struct control *c, const struct life *life)
{
	enum seat self = life->desc.seat;

	channel_init(&c->pub, FD_CONTROL_PUB, self, SEAT_TPM);
	channel_init(&c->sealed, FD_CONTROL_SEALED, self, SEAT_TPM);
	if (self != SEAT_LOOK) {
		c->w->broker.tainted = true;
		c->pub.tainted = true;
		c->sealed.tainted = true;
	}
	if (c->operator_key)
		c->w->broker.jwe_modulus = jwe_key_bytes(c->operator_key);
	return srv_open(&c->srv, FD_CONTROL_SERVER, worker_left_ms(c->w));
}

int
main(int argc, char **argv)
{
	const struct life *life = find_life(argc == 2 ? argv[1] : NULL);
	enum secret_kind kind;
	struct control c = {0};
	struct worker w;

	if (!life)
		_exit(EXIT_LOCK);
	worker_begin(&w, &life->desc);
	c.w = &w;
	if (secret_arena(ARENA_BYTES, &kind) != 0)
		_exit(EXIT_LOCK);
	if (read_config(&c) != 0)
		_exit(EXIT_INTERNAL);
	if (prime(&c) != 0)
		_exit(EXIT_LOCK);
	worker_lock(&w, NULL, 0);
	if (start(&c, life) != 0)
		worker_exit(&w, EXIT_INTERNAL);
	worker_exit(&w, life->run(&c));
}
