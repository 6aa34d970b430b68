/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sallyport run --check-config, and the same of every boot but the rendering,
 * which a boot does anyway.  The template is read by prepare alone, here too:
 * the supervisor parses nothing but its own settings (I3), and there is one
 * reader of templates.
 */
#include "precheck.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "boot.h"
#include "control_conf.h"
#include "frame.h"
#include "log.h"
#include "paths.h"
#include "platform.h"
#include "reap.h"
#include "server.h"
#include "session.h"
#include "wait.h"

#define CERT_MARK "-----BEGIN CERTIFICATE-----"

/* Mapped for the moment: a bundle of roots is larger than all our memory. */
static bool
holds(int fd, const char *text)
{
	off_t n = lseek(fd, 0, SEEK_END);
	void *p;
	bool found;

	if (n <= 0)
		return false;
	p = mmap(NULL, (size_t)n, PROT_READ, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED)
		return false;
	found = memmem(p, (size_t)n, text, strlen(text)) != NULL;
	munmap(p, (size_t)n);
	return found;
}

/* The roots for TLS: https reads them, and dies where there are none. */
static int
check_roots(struct sup *s)
{
	const char *path = conf_str(s->conf, CONF_ROOTS);
	bool good;
	int fd = -1;

	if (session_file(s, CONF_ROOTS, path, ROOTS_MAX, &fd) != 0)
		return EXIT_CONFIG;
	good = holds(fd, CERT_MARK);
	close(fd);
	if (good)
		return 0;
	log_line(LOG_FAIL, NULL, "file", "%s %s: no PEM certificate in it",
		 conf_key_name(CONF_ROOTS), path);
	return EXIT_CONFIG;
}

/* What is put into CONFIG of a seat, made once for its messages. */
static int
check_config_of(const struct sup *s, enum seat seat)
{
	static uint8_t body[MSG_BODY_MAX];
	struct session x;
	size_t n;

	session_init(&x);
	return session_config(s, &x, seat, body, sizeof(body), &n) == 0
		       ? 0
		       : EXIT_CONFIG;
}

int
check_files(struct sup *s)
{
	int fd = -1, r;

	if ((r = server_check(s)) != 0 || (r = paths_plugins(s->conf)) != 0 ||
	    (r = paths_audit_dir(s->conf)) != 0 || (r = check_roots(s)) != 0 ||
	    (r = check_config_of(s, SEAT_VERIFY)) != 0 ||
	    (r = check_config_of(s, SEAT_TLS)) != 0)
		return r;
	if ((r = session_template(s, &fd)) != 0)
		return EXIT_CONFIG;
	close(fd);
	return 0;
}

/* A session of broker and prepare alone. */
static int
render(struct sup *s, struct session *x)
{
	uint32_t seat = SEAT_BIT(SEAT_RENDER);
	unsigned limit = conf_num(s->conf, CONF_T_WAVE);
	int r;

	if ((r = session_open(s, x)) != 0)
		return r;
	x->check = true;
	if ((r = session_spawn(s, x, SEAT_BROKER)) != 0 ||
	    (r = session_spawn(s, x, SEAT_RENDER)) != 0 ||
	    (r = wait_locked(s, SEAT_BIT(SEAT_BROKER), limit)) != 0 ||
	    (r = session_start(s, x, seat)) != 0 ||
	    (r = wait_exits(s, seat, limit)) != 0)
		return r;
	return wave_end(s, x);
}

int
check_template(struct sup *s)
{
	struct session x;
	int r;

	if (geteuid() != 0) {
		log_line(LOG_WARN, NULL, "unchecked",
			 "the template was not checked: only root can start "
			 "the process that reads it");
		return 0;
	}
	if ((r = platform_install_ok()) != 0 || (r = platform_setup(s)) != 0 ||
	    (!s->full && (r = paths_passable(s->conf)) != 0) ||
	    (r = platform_uid_free(seat_uid(s, SEAT_BROKER))) != 0 ||
	    (r = platform_uid_free(seat_uid(s, SEAT_RENDER))) != 0)
		return r;
	session_init(&x);
	r = render(s, &x);
	session_close(s, &x);
	return r == 0 ? 0 : s->fail_code;
}

int
check_first_life(struct sup *s)
{
	const struct conf *c = s->conf;
	bool pin = conf_str(c, CONF_PIN) || conf_yes(c, CONF_TRUST);
	bool in = control_way_in(c);

	if (!pin)
		log_line(LOG_FAIL, NULL, "no_pin",
			 "add: pin = SHA-256 of the master key's public key; "
			 "the line \"master key\" above shows that of the "
			 "released one: compare it before you add it");
	if (!in)
		log_line(
			LOG_FAIL, NULL, "no_way_in",
			"add: operator_key = /path/of/the/operators/public.pem "
			"(or an [auth NAME] section)");
	if (pin && in)
		return 0;
	fail_with(s, pin ? EXIT_NO_WAY_IN : EXIT_NO_PIN, SEAT_SUPERVISOR);
	return ERR_REFUSED;
}
