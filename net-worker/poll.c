/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The story of a fetch that only asks: was a version of the certificate or of
 * its password made since those in use were asked for?  Both, because the
 * deployer stores them one after the other.  Nothing is given to anybody.
 *
 * What is compared is two ages, each by one clock: the version's by the key
 * vault's, the question's by this machine's.  So it does not matter whether the
 * two clocks agree.
 */
#include <time.h>

#include "blob.h"
#include "clock.h"
#include "https.h"

#define NS_PER_S UINT64_C(1000000000)

/*
 * Seconds since the question, rounded up.  The clock that ran most counts: a
 * machine that stood still lost time of the one, one whose time was set of the
 * other, and a question too old costs a rotation, never a certificate.
 */
static uint64_t
question_age(const struct net_conf *c)
{
	uint64_t real = (uint64_t)time(NULL), age = 0;
	uint64_t boot = clock_ns(CLOCK_BOOTTIME);

	if (boot > c->since_boot_ns)
		age = (boot - c->since_boot_ns + NS_PER_S - 1) / NS_PER_S;
	if (real > c->since_real_s && real - c->since_real_s > age)
		age = real - c->since_real_s;
	return age;
}

static int
ask(struct https *h, struct step *s, const char *name, bool *out_newer)
{
	uint64_t created, now, age;
	int r;

	if ((r = https_secret_age(h, s, name, &created, &now)) != 0) {
		if (r == ERR_NOTFOUND)
			h->verdict = EXIT_AKV_DENIED;
		return r;
	}
	age = question_age(h->conf);
	*out_newer = now < age || created >= now - age;
	return 0;
}

/* The broker has nothing to say: what comes is its end, or a violation. */
static int
pause_until(struct https *h, uint64_t due_ms)
{
	int r = https_wait(h, due_ms);

	if (r == ERR_TRANSIENT && worker_left_ms(h->w) > 0)
		return 0;
	h->verdict = r == 0 ? EXIT_PROTOCOL : EXIT_DEADLINE;
	return ERR_REFUSED;
}

int
https_poll(struct https *h)
{
	static const char *const names[] = {NAME_TLS_CERT, NAME_TLS_PASSWORD};
	struct step token, step;
	bool newer = false;
	unsigned at = 0;

	if (https_open(h) != 0)
		return h->verdict;
	step_init(&token, "access token");
	step_init(&step, "age of " NAME_TLS_CERT);
	while (at < 2 && !newer) {
		bool bearer = h->have_bearer;
		struct step *s = bearer ? &step : &token;
		int r = bearer ? ask(h, s, names[at], &newer)
			       : https_token(h, s);

		if (r == 0 && !bearer) {
			step_init(&token, "access token");
		} else if (r == 0) {
			at++;
			step_init(&step, "age of " NAME_TLS_PASSWORD);
		} else if (r != ERR_TRANSIENT ||
			   pause_until(h, s->due_ms) != 0) {
			return h->verdict;
		}
	}
	return newer ? EXIT_F_NEWER : EXIT_F_SAME;
}
