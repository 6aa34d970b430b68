/* SPDX-License-Identifier: Apache-2.0 */
#include "rig.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cursor.h"
#include "envelope.h"
#include "fds.h"
#include "log.h"
#include "page.h"
#include "wait.h"

#define NS_PER_MS   UINT64_C(1000000)
#define CODE_LOADER 127 /* ld.so(8)'s, when a library is not there */

static int
give_fds(struct sup *s, struct session *x, enum seat seat, struct spawn *sp,
	 int opened[static 4])
{
	const struct rig *r = (const struct rig *)s;

	(void)x;
	(void)seat;
	(void)opened;
	for (int n = FD_BROKER; n < SPAWN_FDS; n++)
		if (r->give[n] >= 0)
			sp->fd[n] = r->give[n];
	return 0;
}

int
rig_open(struct rig *r, enum seat seat)
{
	r->seat = seat;
	r->step = "start";
	r->why[0] = r->note[0] = '\0';
	r->end_ns = now_ns() + LIFE_S * 1000 * NS_PER_MS;
	for (int n = 0; n < SPAWN_FDS; n++) {
		r->give[n] = -1;
		r->ours[n] = false;
	}
	r->s.fail_code = 0;
	r->let_speak = false;
	r->open = true;
	session_init(&r->x);
	return session_open(&r->s, &r->x);
}

void
rig_give(struct rig *r, int n, int fd, bool ours)
{
	r->give[n] = fd;
	r->ours[n] = ours;
}

static void
drop_given(struct rig *r)
{
	for (int n = 0; n < SPAWN_FDS; n++) {
		if (r->ours[n] && r->give[n] >= 0)
			close(r->give[n]);
		r->give[n] = -1;
		r->ours[n] = false;
	}
}

/* To a broker, which we play; others have a go pipe in its place. */
static bool
has_channel(const struct rig *r)
{
	return r->seat != SEAT_BROKER && r->seat != SEAT_KEEPER;
}

int
rig_start(struct rig *r)
{
	struct frame f;
	int e;

	e = session_spawn_with(&r->s, &r->x, r->seat, give_fds);
	drop_given(r);
	r->step = "confinement";
	if (e != 0 || (e = wait_locked(&r->s, SEAT_BIT(r->seat), LIFE_S)) != 0)
		return e;
	r->step = "begin";
	if (!has_channel(r))
		return 0;
	channel_init(&r->ch, r->x.broker_end[r->seat], SEAT_BROKER, r->seat);
	if ((e = rig_expect(r, MSG_LOCKED, &f)) != 0)
		return e;
	return rig_send(r, MSG_START, NULL, 0);
}

void
rig_step(struct rig *r, const char *step)
{
	r->step = step;
}

int
rig_wrong(struct rig *r, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(r->why, sizeof(r->why), fmt, ap);
	va_end(ap);
	return ERR_MISMATCH;
}

int
rig_send(struct rig *r, unsigned type, const void *body, size_t bytes)
{
	return channel_send(&r->ch, type, body, bytes);
}

static int
await(const struct rig *r, int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	for (;;) {
		uint64_t now = now_ns();
		int n;

		if (now >= r->end_ns)
			return ERR_TIMEOUT;
		n = poll(&p, 1, (int)((r->end_ns - now) / NS_PER_MS) + 1);
		if (n > 0)
			return 0;
		if (n < 0 && errno != EINTR)
			return ERR_SYS;
	}
}

int
rig_recv(struct rig *r, struct channel *c, unsigned type, struct frame *out)
{
	int e = await(r, c->fd);

	if (e == 0)
		e = channel_expect(c, type, r->packet, sizeof(r->packet), out);
	return e;
}

/* One frame to the broker; NOTE and EVENT are taken here. */
static int
next_frame(struct rig *r, struct frame *out)
{
	int e;

	for (;;) {
		if ((e = await(r, r->ch.fd)) != 0 ||
		    (e = channel_recv(&r->ch, r->packet, sizeof(r->packet),
				      out)) != 0)
			return e;
		if (out->type == MSG_NOTE)
			log_text(out->body, out->body_bytes, r->note,
				 sizeof(r->note));
		else if (out->type != MSG_EVENT)
			return 0;
	}
}

int
rig_any(struct rig *r, struct frame *out)
{
	int e = next_frame(r, out);

	return e == 0 && out->type == MSG_RESULT ? ERR_EOF : e;
}

void
rig_let_speak(struct rig *r)
{
	r->let_speak = true;
}

int
rig_expect(struct rig *r, unsigned type, struct frame *out)
{
	int e = next_frame(r, out);

	if (e != 0 || out->type == type)
		return e;
	if (out->type == MSG_RESULT)
		return ERR_EOF; /* its exit code says more */
	return rig_wrong(r, "%s came where %s was due",
			 msg_row(out->type)->name, msg_row(type)->name);
}

int
rig_end(struct rig *r, int code)
{
	const struct child *c = &r->s.child[r->seat];
	struct frame f;
	int e = 0;

	while (has_channel(r) && (e = next_frame(r, &f)) == 0)
		if (f.type != MSG_RESULT && !r->let_speak)
			return rig_wrong(r, "%s came after its end",
					 msg_row(f.type)->name);
	if (e != 0 && e != ERR_EOF)
		return e;
	if ((e = wait_exits(&r->s, SEAT_BIT(r->seat), LIFE_S)) != 0)
		return e;
	if (c->code != code)
		return rig_wrong(r, "it ended with %d where %d was due",
				 c->code, code);
	rig_close(r);
	return 0;
}

int
rig_seal(struct rig *r, enum direct d, unsigned type, const void *plain,
	 size_t bytes)
{
	const struct env_info info = {r->x.id, SEAT_TPM, r->seat, type};
	uint8_t sealed[1024];
	struct channel in, out;
	struct frame f;
	int e;

	BUG_ON(bytes + ENV_OVERHEAD > sizeof(sealed));
	channel_init(&in, r->x.pub_end[d][0], SEAT_TPM, r->seat);
	channel_init(&out, r->x.sealed_end[d][0], SEAT_TPM, r->seat);
	if ((e = rig_recv(r, &in, MSG_SEAL_PUB, &f)) != 0 ||
	    (e = env_seal(f.body, &info, plain, bytes, sealed)) != 0)
		return e;
	return channel_send(&out, type, sealed, bytes + ENV_OVERHEAD);
}

/* "[   0.123] error: text" without what stands before the text. */
static const char *
bare(const char *line)
{
	const char *p = strchr(line, ']');

	p = p ? p + 1 + strspn(p + 1, " ") : line;
	if (!strncmp(p, "error: ", 7))
		p += 7;
	return p;
}

void
rig_log(struct rig *r, char *out, size_t cap)
{
	char text[4096];
	ssize_t n = pread(r->log_fd, text, sizeof(text) - 1, (off_t)r->log_at);
	char *last;

	out[0] = '\0';
	if (n <= 0)
		return;
	r->log_at += (size_t)n;
	text[n] = '\0';
	if (text[n - 1] == '\n')
		text[n - 1] = '\0';
	last = strrchr(text, '\n');
	snprintf(out, cap, "%s", bare(last ? last + 1 : text));
}

/* The first line of the failure: the supervisor's words, or ours. */
static void
describe(struct rig *r, struct finding *f)
{
	const struct child *c = &r->s.child[r->seat];
	char said[300];

	rig_log(r, said, sizeof(said));
	if (f->by.call[0])
		snprintf(f->text, sizeof(f->text),
			 "%s was killed by its filter: %s", seat_name(r->seat),
			 f->by.shown);
	else if (c->state == CHILD_GONE && c->code == CODE_LOADER)
		snprintf(f->text, sizeof(f->text),
			 "%s: its program or one of its libraries cannot be "
			 "loaded",
			 seat_name(r->seat));
	else if (c->state == CHILD_GONE && c->code == EXIT_LOCK)
		snprintf(f->text, sizeof(f->text),
			 "%s: a step of its confinement failed: the kernel or "
			 "the container refuses one of the protections above",
			 seat_name(r->seat));
	else if (r->why[0])
		snprintf(f->text, sizeof(f->text), "%s: %s", seat_name(r->seat),
			 r->why);
	else
		snprintf(f->text, sizeof(f->text), "%s",
			 said[0] ? said : "it did not go on");
	if (r->note[0]) {
		size_t n = strlen(f->text);

		snprintf(f->text + n, sizeof(f->text) - n, " (%s)", r->note);
	}
}

static const char *
todo(const struct rig *r, const struct finding *f)
{
	const struct child *c = &r->s.child[r->seat];
	const struct exit_row *row = exit_row(r->s.fail_code);

	if (f->by.call[0])
		return "report it, with these lines";
	if (c->state == CHILD_GONE && c->code == CODE_LOADER)
		return exit_row(EXIT_INSTALL)->todo;
	if (c->state == CHILD_NONE && r->s.fail_code != EXIT_INSTALL)
		return "see which of the protections above is missing";
	if (r->s.fail_code == EXIT_OK || !row || !row->todo[0])
		return "report it, with these lines";
	return row->todo;
}

void
rig_failed(struct rig *r, struct finding *f)
{
	const struct child *c = &r->s.child[r->seat];
	char unused[8];

	f->verdict = VERDICT_MISSING;
	f->step = r->step;
	if (child_alive(c)) /* let it say why, if it is about to */
		wait_gone(&r->s, r->seat, 1);
	if (c->state == CHILD_GONE && c->code == EXIT_FILTER)
		kill_explain(r->traced, c->pid,
			     r->seat == SEAT_SERVER ? "vault-server" : f->name,
			     page_of_seat[r->seat]->outer->name, &f->by);
	describe(r, f);
	snprintf(f->todo, sizeof(f->todo), "%s", todo(r, f));
	rig_close(r);
	rig_log(r, unused, sizeof(unused));
}

void
rig_close(struct rig *r)
{
	drop_given(r);
	if (r->open) {
		(void)!wait_kill(&r->s,
				 SEAT_BIT(SEAT_KEEPER)); /* of no session */
		session_close(&r->s, &r->x);
	}
	r->open = false;
}
