/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sallyport-verify: is this signed answer the one to our question?  No
 * network, no file, no key; parses what a hostile network process hands it
 * (JWS, X.509, JSON) and lets out fields of fixed size.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <time.h>

#include "channel.h"
#include "crypto_heap.h"
#include "events.h"
#include "json_whole.h"
#include "verify.h"
#include "worker.h"

static struct worker self;
static struct verify verify;

/* The pin as four numbers for the log; the supervisor's user reads it. */
static void
tell_pin(const uint8_t pin[static 32])
{
	uint64_t part[4] = {0};

	for (unsigned i = 0; i < 32; i++)
		part[i / 8] = part[i / 8] << 8 | pin[i];
	worker_event(&self, EVENT_KEY_PIN, part[0], part[1], part[2], part[3]);
}

/* Receives the answer before the deadline; 0, or an exit code. */
static int
receive(uint8_t *packet, size_t cap, struct frame *out)
{
	struct pollfd p = {.fd = self.broker.fd, .events = POLLIN};
	int n;

	do
		n = poll(&p, 1, (int)worker_left_ms(&self));
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		return n == 0 ? EXIT_DEADLINE : EXIT_INTERNAL;
	return channel_expect(&self.broker, MSG_RELEASE_JWS, packet, cap,
			      out) == 0
		       ? 0
		       : EXIT_PROTOCOL;
}

/* Waits for the answer, checks it, and returns the exit code. */
static int
work(void)
{
	static uint8_t packet[MSG_MAX], wrapped[WRAPPED_MAX];
	static struct answer answer;
	struct verdict verdict;
	struct timespec now;
	struct frame f;
	int code;

	if ((code = receive(packet, sizeof(packet), &f)) != 0)
		return code;
	if (clock_gettime(CLOCK_REALTIME, &now) != 0)
		return EXIT_INTERNAL;
	verify.now = now.tv_sec;
	if (verify_answer(&verify, (const char *)f.body, f.body_bytes, &answer,
			  &verdict) != 0) {
		worker_note(&self, "release answer: %s", verdict.why);
		return verdict.code;
	}
	tell_pin(answer.pin);
	worker_event(&self, EVENT_VERIFIED, 0, 0, 0, 0);
	if (channel_send(&self.broker, MSG_WRAPPED_KEY, wrapped,
			 verify_wrapped(&answer, wrapped)) != 0)
		return EXIT_PROTOCOL;
	return EXIT_OK;
}

int
main(void)
{
	static const struct worker_desc desc = {
		.seat = SEAT_VERIFY,
		.page = &page_verify,
		.stack_config = 512 * 1024, /* X.509 and JSON of 65,000 bytes */
	};
	int code;

	worker_begin(&self, &desc);
	if (crypto_heap() != 0 || json_begin(crypto_heap_malloc, free) != 0 ||
	    verify_begin(&self.config, &verify) != 0)
		worker_exit(&self, EXIT_INTERNAL);
	worker_lock(&self, NULL, 0);
	code = work();
	if (crypto_heap_code(code) != code)
		worker_note(&self, "no memory");
	worker_exit(&self, crypto_heap_code(code));
}
