/* SPDX-License-Identifier: Apache-2.0 */
/*
 * prepare's seat `tls`: the PFX as it was fetched and its sealed password, to
 * the server's certificate and key.  Its exit 0 is tpm's yes: tpm seals the
 * password only after everything else opened.
 */
#include <string.h>
#include <time.h>

#include "blob.h"
#include "fds.h"
#include "pem.h"
#include "pfx.h"
#include "prepare.h"
#include "tags.h"

#define KEY_PEM	  16384u /* bytes: RSA of 8192 bits takes 6.4 KiB */
#define CHAIN_PEM (PEM_MAX(PFX_MAX) + PFX_CERTS * 140u)
#define ARENA	  (2u * KEY_PEM + 8192u)

static struct worker self;

static struct {
	char host[254];
	X509 *ca; /* may be NULL */
	struct sealed_want sealed;
	struct secret *sk_key_pem;
	uint8_t pfx[PFX_MAX];
	size_t pfx_bytes;
	struct secret *sk_password;
	struct pfx opened;
} job;

/* TLS_CA: one DER certificate with nothing behind it, or nothing at all. */
static int
read_ca(void)
{
	const uint8_t *der, *p;
	size_t bytes;
	int r = items_get(&self.config, TAG_TLS_CA, 0, &der, &bytes);

	if (r == ERR_NOTFOUND)
		return 0;
	if (r != 0)
		return r;
	p = der;
	job.ca = d2i_X509(NULL, &p, (long)bytes);
	return job.ca && p == der + bytes ? 0 : ERR_FORMAT;
}

static int
begin(void)
{
	int r;

	if ((r = prepare_begin(ARENA)) != 0 || (r = pfx_prime()) != 0 ||
	    (r = items_str(&self.config, TAG_HOSTNAME, 0, job.host,
			   sizeof(job.host))) != 0 ||
	    (r = read_ca()) != 0 ||
	    (r = secret_new(KEY_PEM, &job.sk_key_pem)) != 0)
		return r;
	job.sealed.fd_pub = FD_TLS_PUB;
	job.sealed.fd_in = FD_TLS_IN;
	job.sealed.type = MSG_SEALED_PASSWORD;
	return env_key_new(&job.sealed.key, job.sealed.pub);
}

static int
receive_pfx(void)
{
	struct frame f;
	int code;

	if ((code = prepare_expect(&self, &self.broker, MSG_PFX, &f)) != 0)
		return code;
	if (f.body_bytes > sizeof(job.pfx))
		return EXIT_PROTOCOL;
	memcpy(job.pfx, f.body, f.body_bytes);
	job.pfx_bytes = f.body_bytes;
	return 0;
}

/* uint8 length, the password, zeros up to 128 bytes. */
static int
receive_password(void)
{
	const uint8_t *sk;
	size_t n;
	int code;

	code = prepare_unseal(&self, &job.sealed, &job.sk_password);
	if (code != 0)
		return code;
	if (secret_size(job.sk_password) != PASSWORD_SEALED)
		return EXIT_PROTOCOL;
	sk = secret_bytes(job.sk_password);
	n = sk[0];
	if (n < 1 || n > PASSWORD_MAX)
		return EXIT_BLOB_CONTENT;
	for (size_t i = 1; i <= PASSWORD_MAX; i++)
		if ((sk[i] == 0) != (i > n))
			return EXIT_BLOB_CONTENT;
	return 0;
}

/* Opens and checks the PFX; 0 or the exit code. */
static int
open_pfx(void)
{
	struct pfx_want want = {.host = job.host, .ca = job.ca};
	char *sk_text = NULL;
	struct secret *sk = NULL;
	struct pfx_file file;
	struct timespec now;
	int code;

	if (clock_gettime(CLOCK_REALTIME, &now) != 0 ||
	    secret_new(PASSWORD_MAX + 1, &sk) != 0)
		return EXIT_INTERNAL;
	want.now = now.tv_sec;
	sk_text = (char *)secret_bytes(sk); /* zeroed: a NUL ends it */
	memcpy(sk_text, secret_bytes(job.sk_password) + 1, PASSWORD_MAX);
	file = (struct pfx_file){
		.der = job.pfx,
		.bytes = job.pfx_bytes,
		.sk_password = sk_text,
		.rounds = PFX_ROUNDS_MAX,
	};
	if (pfx_open(&file, &job.opened, &code) == 0 &&
	    pfx_check(&job.opened, &want, &code) == 0)
		code = 0;
	secret_free(sk);
	return code;
}

/* Both files whole in memory first, then written. */
static int
write_out(void)
{
	static uint8_t chain[CHAIN_PEM];
	uint8_t *sk_pem = secret_bytes(job.sk_key_pem);
	size_t chain_bytes, key_bytes;
	struct wr w, sk_w;

	wr_init(&w, chain, sizeof(chain));
	wr_init(&sk_w, sk_pem, KEY_PEM);
	if (pfx_put_chain(&job.opened, &w) != 0 ||
	    pfx_put_key(&job.opened, &sk_w) != 0 ||
	    wr_end(&w, &chain_bytes) != 0 || wr_end(&sk_w, &key_bytes) != 0)
		return EXIT_PFX;
	if (prepare_write(FD_TLS_CERT, chain, chain_bytes) != 0 ||
	    prepare_write(FD_TLS_KEY, sk_pem, key_bytes) != 0)
		return EXIT_INTERNAL;
	return EXIT_OK;
}

static int
work(void)
{
	int code;

	/* our public key first: tpm waits for it while the PFX is on its way */
	if ((code = prepare_say_pub(&self, &job.sealed)) != 0 ||
	    (code = receive_pfx()) != 0 || (code = receive_password()) != 0 ||
	    (code = open_pfx()) != 0)
		return code;
	return write_out();
}

static void
end(void)
{
	pfx_free(&job.opened);
	secret_free(job.sk_password);
	secret_free(job.sk_key_pem);
	env_key_free(job.sealed.key);
	X509_free(job.ca);
}

static bool
keyed(void)
{
	return true;
}

_Noreturn void
tls_seat(void)
{
	static const struct worker_desc desc = {
		.seat = SEAT_TLS,
		.page = &page_prepare,
		.stack_config = 512 * 1024,
		.locks_memory = true,
	};
	static const struct prepare_steps steps = {begin, keyed, work, end};

	prepare_run(&self, &desc, &steps);
}
