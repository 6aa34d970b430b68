/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sallyport-broker: the hub of one session.  It carries opaque frames between
 * workers, keeps what is not due yet, and prints the log's lines.  It has no
 * privilege, no network, no file and no key.
 */
#include <unistd.h>

#include "broker_io.h"
#include "exit.h"
#include "log.h"
#include "tags.h"
#include "worker.h"

static const struct worker_desc desc = {
	.seat = SEAT_BROKER,
	.page = &page_broker,
};

/* Returns 0, or ERR_NOTFOUND when CONFIG does not say how to log. */
static int
set_up_log(const struct items *config)
{
	uint32_t json;
	uint64_t t0;
	int r;

	if ((r = items_u32(config, TAG_LOG_JSON, &json)) != 0 ||
	    (r = items_u64(config, TAG_LOG_T0, &t0)) != 0)
		return r;
	log_setup(STDERR_FILENO, json != 0, t0);
	return 0;
}

int
main(void)
{
	static struct worker self;
	uint32_t jwe_modulus;

	/* Audited, CONFIG read */
	worker_begin(&self, &desc);
	/* Ready to speak */
	if (set_up_log(&self.config) != 0 ||
	    items_u32(&self.config, TAG_JWE_MODULUS, &jwe_modulus) != 0 ||
	    broker_sockets(jwe_modulus) != 0)
		_exit(EXIT_LOCK);
	/* Confined; the supervisor sees the ready pipe close */
	worker_lock(&self, NULL, 0);
	/* The session */
	_exit(broker_run(&self));
}
