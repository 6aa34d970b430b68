/* SPDX-License-Identifier: Apache-2.0 */
/* The lives of broker, resolve and verify. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cursor.h"
#include "events.h"
#include "go.h"
#include "rig.h"
#include "wait.h"

/* Plays a worker: says LOCKED, is told to begin by the go byte. */
static int
play_worker(struct rig *r, enum seat seat, struct channel *c)
{
	struct frame f;
	int e;

	channel_init(c, r->x.worker_end[seat], seat, SEAT_BROKER);
	if ((e = session_go(&r->s, &r->x, (uint8_t)seat)) != 0 ||
	    (e = channel_send(c, MSG_LOCKED, NULL, 0)) != 0)
		return e;
	return rig_recv(r, c, MSG_START, &f);
}

static int
say_event(struct channel *c, unsigned event, uint64_t number)
{
	uint8_t body[34] = {0};
	struct wr w;

	wr_init(&w, body, sizeof(body));
	wr_u16(&w, (uint16_t)event);
	wr_u64(&w, number);
	return channel_send(c, MSG_EVENT, body, sizeof(body));
}

static int
say_result(struct channel *c, uint32_t code)
{
	uint8_t body[4];
	struct wr w;

	wr_init(&w, body, sizeof(body));
	wr_u32(&w, code);
	return channel_send(c, MSG_RESULT, body, sizeof(body));
}

/* One frame kept and one carried at once, between workers that we play. */
static int
relay(struct rig *r)
{
	static uint8_t body[512], got[MSG_MAX];
	struct channel resolve, fetch, tpm;
	struct frame f;
	int e;

	rig_step(r, "relay");
	if ((e = play_worker(r, SEAT_RESOLVE, &resolve)) != 0 ||
	    (e = say_event(&resolve, EVENT_RESOLVED, 3)) != 0 ||
	    (e = channel_send(&resolve, MSG_ADDRS, body, 54)) != 0 ||
	    (e = say_result(&resolve, 0)) != 0)
		return e;
	session_drop(&r->x, SEAT_RESOLVE);
	if ((e = play_worker(r, SEAT_FETCH, &fetch)) != 0 ||
	    (e = rig_recv(r, &fetch, MSG_ADDRS, &f)) != 0 ||
	    (e = play_worker(r, SEAT_TPM, &tpm)) != 0)
		return e;
	memset(body, 0x5a, sizeof(body));
	if ((e = channel_send(&tpm, MSG_EVIDENCE, body, sizeof(body))) != 0 ||
	    (e = rig_recv(r, &fetch, MSG_EVIDENCE, &f)) != 0)
		return e;
	memcpy(got, f.body, f.body_bytes);
	if (f.body_bytes != sizeof(body) ||
	    memcmp(got, body, sizeof(body)) != 0)
		return rig_wrong(r, "a message was altered on its way");
	if ((e = channel_send(&fetch, MSG_NOTE, "a line of the log", 17)) != 0)
		return e;
	return say_result(&fetch, 0);
}

int
role_broker(struct rig *r)
{
	char said[200];
	int e;

	if ((e = rig_open(r, SEAT_BROKER)) != 0 || (e = rig_start(r)) != 0 ||
	    (e = relay(r)) != 0)
		return e;
	rig_step(r, "end");
	session_drop(&r->x, SEAT_FETCH);
	r->s.child[SEAT_BROKER].ending = true;
	if ((e = session_go(&r->s, &r->x, GO_END)) != 0 ||
	    (e = rig_end(r, EXIT_OK)) != 0)
		return e;
	rig_log(r, said, sizeof(said));
	if (!strstr(said, "a line of the log"))
		return rig_wrong(r, "its log line is missing");
	return 0;
}

int
role_resolve(struct rig *r)
{
	struct frame f;
	int e;

	if ((e = rig_open(r, SEAT_RESOLVE)) != 0 || (e = rig_start(r)) != 0)
		return e;
	rig_step(r, "resolve");
	if ((e = rig_expect(r, MSG_ADDRS, &f)) != 0)
		return e;
	if (r->dns)
		r->did = "a literal address, localhost, a name by DNS";
	else if (strcmp(fixture_local(false), "localhost") != 0)
		r->did = "literal addresses (there is no /etc/hosts)";
	/* localhost may have one address or two; 18 bytes each */
	if (f.body_bytes < 54 || f.body_bytes % 18 != 0)
		return rig_wrong(r, "it found %zu addresses",
				 f.body_bytes / 18);
	rig_step(r, "end");
	return rig_end(r, EXIT_OK);
}

int
role_verify(struct rig *r)
{
	static char answer[FIX_ANSWER_MAX];
	struct frame f;
	int e;

	if ((e = rig_open(r, SEAT_VERIFY)) != 0 || (e = rig_start(r)) != 0)
		return e;
	rig_step(r, "verify");
	if ((e = fixture_answer(&r->f, &r->x, answer, sizeof(answer))) != 0 ||
	    (e = rig_send(r, MSG_RELEASE_JWS, answer, strlen(answer))) != 0 ||
	    (e = rig_expect(r, MSG_WRAPPED_KEY, &f)) != 0)
		return e;
	if (f.body_bytes != 1 + FIX_OAEP_BYTES + 2 + FIX_KWP_BYTES ||
	    f.body[1] != FIX_WRAPPED_BYTE)
		return rig_wrong(r, "it hands on something else");
	rig_step(r, "end");
	return rig_end(r, EXIT_OK);
}
