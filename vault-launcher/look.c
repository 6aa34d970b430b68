/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looks, in the private life: is this store initialised?  Says it by its exit
 * code, which decides whether a public port opens.  Health, seal status and
 * code must tell the same story.
 */
#include <string.h>

#include "control.h"
#include "events.h"

/*
 * A server that cannot read its store says 500, and so does, for ever, one
 * that died in the middle of its initialisation ("barrier reports initialized
 * but no seal configuration found").  Only the latter stays.
 */
#define DEAD_ASKED 8u
#define DEAD_PAUSE 250u

#define TEXT_MAX 140u

static void
note_error(struct control *c, const char *what, int status,
	   char text[static TEXT_MAX])
{
	read_error(secret_bytes(c->srv.sk_body), c->srv.body_bytes, text,
		   TEXT_MAX);
	worker_note(c->w, "%s: HTTP %d %s", what, status, text);
}

/* The health code, asked again while it is 500. */
static int
ask_health(struct control *c, int *out_status)
{
	int r = 0;

	for (unsigned i = 0; i < DEAD_ASKED; i++) {
		if ((r = api_health(&c->srv, out_status)) != 0 ||
		    *out_status != 500)
			return r;
		if ((r = srv_pause(&c->srv, DEAD_PAUSE)) != 0)
			return r;
	}
	return r;
}

/*
 * 500 that stays: half-initialised if GET sys/init cannot tell either.  A
 * storage service that is away looks the same, but for the server's words.
 */
static int
look_500(struct control *c)
{
	char text[TEXT_MAX];
	bool dead;
	int status, r;

	if ((r = api_init_status(&c->srv, &status)) != 0)
		return control_code(r, EXIT_SERVER_API);
	note_error(c, "the server cannot tell its state", status, text);
	dead = status == 500 && (strcmp(c->storage, "azure") != 0 ||
				 strstr(text, "no seal configuration"));
	return dead ? EXIT_L_DEAD : EXIT_SERVER_API;
}

static bool
same_story(int health, const struct seal_status *s)
{
	switch (health) {
	case 501:
		return !s->initialized && s->sealed;
	case 503:
		return s->initialized && s->sealed && s->t > 0;
	default: /* 200, 429 */
		return s->initialized && !s->sealed;
	}
}

static int
outcome(int health)
{
	switch (health) {
	case 501:
		return EXIT_L_UNINIT;
	case 503:
		return EXIT_L_INIT;
	default:
		return EXIT_L_UNSEALED;
	}
}

static int
look(struct control *c)
{
	struct seal_status s;
	char text[TEXT_MAX];
	int health, status, r;

	if ((r = ask_health(c, &health)) != 0)
		return control_code(r, EXIT_SERVER_API);
	worker_event(c->w, EVENT_LOOKED, (unsigned)health, 0, 0, 0);
	if (health == 500)
		return look_500(c);
	if (health != 200 && health != 429 && health != 501 && health != 503) {
		note_error(c, "health", health, text);
		return EXIT_SERVER_API;
	}
	if ((r = api_seal_status(&c->srv, &status, &s)) != 0)
		return control_code(r, EXIT_SERVER_API);
	if (status != 200 || !same_story(health, &s)) {
		note_error(c, "seal status does not fit health", status, text);
		return EXIT_SERVER_API;
	}
	if (strcmp(s.type, "shamir") != 0) {
		worker_note(c->w, "the seal is %s, not shamir", s.type);
		return EXIT_SERVER_API;
	}
	if (strcmp(s.storage, c->storage) != 0) {
		worker_note(c->w, "the storage is %s, not %s", s.storage,
			    c->storage);
		return EXIT_SERVER_API;
	}
	return outcome(health);
}

int
control_look(struct control *c)
{
	int code = look(c);

	srv_close(&c->srv);
	return code;
}
