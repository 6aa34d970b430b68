/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The TPM of a confidential VM as far as one session asks it: commands and
 * answers on the wire (TPM 2.0 Part 1, 18).
 */
#include "fake_tpm.h"

#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <string.h>
#include <unistd.h>

#include "peer.h"

#define TAG_PLAIN   0x8001u
#define TAG_SESSION 0x8002u
#define RC_HANDLE   0x18bu /* TPM_RC_HANDLE, handle 1 */

/*
 * The authorisation of RSA_Decrypt's answer (Part 1, 19.6): the policy session
 * has no key, so the HMAC's is empty; over the answer's hash, both nonces and
 * the attributes.
 */
static void
put_policy_auth(struct wr *w, const struct command *c, const uint8_t *params,
		size_t n)
{
	static const uint8_t head[8] = {0, 0, 0, 0, 0, 0, 1, 0x59};
	uint8_t text[3 * HASH + 1], *nonce = text + HASH, mac[HASH];
	unsigned bytes = sizeof(mac);

	tpm_hash(head, sizeof(head), params, n, text);
	memcpy(text + 2 * HASH, c->nonce, HASH);
	text[3 * HASH] = 1;
	if (RAND_bytes(nonce, HASH) != 1 ||
	    !HMAC(EVP_sha256(), "", 0, text, sizeof(text), mac, &bytes))
		_exit(1);
	wr_var16(w, nonce, HASH);
	wr_u8(w, 1); /* the session goes on */
	wr_var16(w, mac, sizeof(mac));
}

/* The authorisations of an answer by passwords: two for Certify. */
static void
put_auth(struct wr *w, uint32_t code)
{
	wr_bytes(w, "\0\0\1\0\0", 5);
	if (code == CC_CERTIFY)
		wr_bytes(w, "\0\0\1\0\0", 5);
}

static int
answer(int fd, uint16_t tag, struct command *c, const uint8_t *params)
{
	uint8_t body[CMD_MAX], head[10];
	size_t n, bytes;
	struct wr w, h;
	int r = tpm_say(c);

	wr_init(&w, body, sizeof(body));
	if (r == 0 && wr_end(&c->out, &n) == 0) {
		if (c->handle)
			wr_u32(&w, c->handle);
		if (tag == TAG_SESSION)
			wr_u32(&w, (uint32_t)n);
		wr_bytes(&w, params, n);
		if (c->code == CC_DECRYPT)
			put_policy_auth(&w, c, params, n);
		else if (tag == TAG_SESSION)
			put_auth(&w, c->code);
	}
	if (wr_end(&w, &bytes) != 0)
		return ERR_NOMEM;
	wr_init(&h, head, sizeof(head));
	wr_u16(&h, r == 0 ? tag : TAG_PLAIN);
	wr_u32(&h, (uint32_t)(sizeof(head) + bytes));
	wr_u32(&h, r == 0 ? 0 : RC_HANDLE);
	if (write(fd, head, sizeof(head)) != (ssize_t)sizeof(head) ||
	    write(fd, body, bytes) != (ssize_t)bytes)
		return ERR_SYS;
	return 0;
}

static int
read_all(int fd, uint8_t *p, size_t n)
{
	while (n > 0) {
		ssize_t k = read(fd, p, n);

		if (k <= 0)
			return ERR_EOF;
		p += k;
		n -= (size_t)k;
	}
	return 0;
}

static int
one_command(int fd)
{
	static uint8_t raw[CMD_MAX], params[CMD_MAX];
	struct command c = {0};
	uint16_t tag;
	uint32_t size;

	if (read_all(fd, raw, 10) != 0)
		return ERR_EOF;
	rd_init(&c.in, raw, 10);
	if (rd_u16(&c.in, &tag) != 0 || rd_u32(&c.in, &size) != 0 ||
	    rd_u32(&c.in, &c.code) != 0 || size < 10 || size > CMD_MAX ||
	    read_all(fd, raw + 10, size - 10) != 0)
		return ERR_FORMAT;
	rd_init(&c.in, raw + 10, size - 10);
	wr_init(&c.out, params, sizeof(params));
	return answer(fd, tag, &c, params);
}

void
fake_tpm(const struct fixture *f, const int *fd, unsigned count)
{
	(void)count;
	tpm_make(f);
	while (one_command(fd[0]) == 0)
		continue;
}
