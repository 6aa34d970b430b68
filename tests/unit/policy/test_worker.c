/* SPDX-License-Identifier: Apache-2.0 */
/* Stage 2 of the confinement: order, failures, and what it leaves. */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>

#include "stage.h"

static struct worker self;
static struct page page;
static const struct worker_desc desc = {.seat = SEAT_FETCH, .page = &page};
static uint8_t buf[MSG_MAX];

static void
act_plain(void)
{
	worker_begin(&self, &desc);
	worker_lock(&self, NULL, 0);
	worker_exit(&self, self.session[0] == 7 ? 33 : 1);
}

CASE(a_worker_locks_waits_for_start_and_ends_with_its_code)
{
	struct stage s = stage_start(SEAT_FETCH, act_plain, NULL);
	struct pollfd p = {.fd = s.worker.fd, .events = POLLIN};
	struct frame f;

	EXPECT(stage_locked(&s));
	EXPECT(poll(&p, 1, 50) == 0); /* nothing before START */
	EXPECT(channel_send(&s.worker, MSG_START, NULL, 0) == 0);
	EXPECT(channel_expect(&s.worker, MSG_RESULT, buf, sizeof(buf), &f) ==
	       0);
	EXPECT(memcmp(f.body, "\0\0\0\x21", 4) == 0);
	EXPECT(channel_recv(&s.worker, buf, sizeof(buf), &f) == ERR_EOF);
	EXPECT(stage_wait(&s) == 33);
}

CASE(a_broker_that_hangs_up_instead_of_start_ends_the_worker)
{
	struct stage s = stage_start(SEAT_FETCH, act_plain, NULL);

	EXPECT(stage_locked(&s));
	EXPECT(stage_end(&s) == EXIT_PROTOCOL);
}

CASE(another_message_instead_of_start_ends_the_worker)
{
	struct stage s = stage_start(SEAT_FETCH, act_plain, NULL);

	EXPECT(stage_locked(&s));
	EXPECT(channel_send(&s.worker, MSG_ADDRS, "a", 1) == 0);
	EXPECT(stage_wait(&s) == EXIT_PROTOCOL);
}

/* --- what is not as it must be */

static int
code_of(const struct twist *t)
{
	struct stage s = stage_start(SEAT_FETCH, act_plain, t);

	return stage_wait(&s);
}

static void
one_more(void)
{
	dup2(0, 77);
}

static void
one_missing(void)
{
	close(FD_READY);
}

static void
ready_is_null(void)
{
	dup2(0, FD_READY);
}

static void
null_is_a_file(void)
{
	dup2(open("/etc/passwd", O_RDONLY), 1);
	close(6);
}

static void
broker_is_a_stream(void)
{
	int sv[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, sv) != 0)
		_exit(93);
	dup2(sv[0], FD_BROKER);
	close_range(FD_FIRST, ~0u, 0);
}

CASE(descriptors_other_than_the_table_end_the_worker)
{
	EXPECT(code_of(&(struct twist){.fds = one_more}) == EXIT_LOCK);
	EXPECT(code_of(&(struct twist){.fds = one_missing}) == EXIT_LOCK);
	EXPECT(code_of(&(struct twist){.fds = ready_is_null}) == EXIT_LOCK);
	EXPECT(code_of(&(struct twist){.fds = null_is_a_file}) == EXIT_LOCK);
	EXPECT(code_of(&(struct twist){.fds = broker_is_a_stream}) ==
	       EXIT_LOCK);
}

CASE(a_config_that_is_not_one_right_frame_ends_the_worker)
{
	uint8_t right[256];
	size_t n = right_config(right, sizeof(right));

	EXPECT(code_of(&(struct twist){.configs = 2}) == EXIT_LOCK);
	EXPECT(code_of(&(struct twist){.config = right,
				       .config_bytes = n - 1}) == EXIT_LOCK);
	/* the session alone, without the deadline */
	EXPECT(code_of(&(struct twist){.config = right,
				       .config_bytes = 6 + 32}) == EXIT_LOCK);
	EXPECT(code_of(&(struct twist){.config = right + 6 + 32,
				       .config_bytes = n - 6 - 32}) ==
	       EXIT_LOCK);
}

CASE(without_no_new_privs_the_worker_ends)
{
	if (getuid() != 0)
		return;
	EXPECT(code_of(&(struct twist){.keep_privs = 1}) == EXIT_LOCK);
}

/* --- what may be said */

static void
act_speaks(void)
{
	uint32_t left;

	worker_begin(&self, &desc);
	worker_lock(&self, NULL, 0);
	worker_event(&self, 9, 1, 2, 3, UINT64_MAX);
	worker_note(&self, "line\n%s\x80", "two");
	worker_note(&self, "%0300d", 0);
	worker_note(&self, "%s", "");
	left = worker_left_ms(&self);
	if (left == 0 || left > 60000)
		_exit(1);
	self.deadline_ms = 1;
	usleep(5000);
	if (worker_left_ms(&self) != 0)
		_exit(2);
	self.broker.tainted = true;
	worker_event(&self, 9, 0, 0, 0, 0);
	_exit(3);
}

CASE(events_and_notes_have_their_form_and_stop_at_taint)
{
	static const uint8_t event[34] = {
		0, 9, 0,    0,	  0,	0,    0,    0,	  0,	1,   0, 0,
		0, 0, 0,    0,	  0,	2,    0,    0,	  0,	0,   0, 0,
		0, 3, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
	struct stage s = stage_start(SEAT_FETCH, act_speaks, NULL);
	struct frame f;

	EXPECT(stage_locked(&s));
	EXPECT(channel_send(&s.worker, MSG_START, NULL, 0) == 0);
	EXPECT(channel_expect(&s.worker, MSG_EVENT, buf, sizeof(buf), &f) == 0);
	EXPECT(memcmp(f.body, event, sizeof(event)) == 0);
	EXPECT(channel_expect(&s.worker, MSG_NOTE, buf, sizeof(buf), &f) == 0);
	EXPECT(f.body_bytes == 9 && memcmp(f.body, "line?two?", 9) == 0);
	EXPECT(channel_expect(&s.worker, MSG_NOTE, buf, sizeof(buf), &f) == 0);
	EXPECT(f.body_bytes == 200);
	EXPECT(channel_recv(&s.worker, buf, sizeof(buf), &f) == ERR_EOF);
	EXPECT(stage_wait(&s) == EXIT_PROTOCOL);
}

/* --- the broker is a worker too */

static struct page broker_page; /* without the workers, its last line */
static const struct worker_desc broker_desc = {
	.seat = SEAT_BROKER,
	.page = &broker_page,
};

static void
go_pipe(void)
{
	int p[2];

	if (pipe(p) != 0)
		_exit(93);
	dup2(p[0], FD_BROKER);
	close_range(FD_FIRST, ~0u, 0);
}

static void
act_broker(void)
{
	worker_begin(&self, &broker_desc);
	worker_lock(&self, NULL, 0);
	_exit(44);
}

CASE(the_broker_locks_without_a_word)
{
	struct twist t = {.fds = go_pipe};
	struct stage s = stage_start(SEAT_BROKER, act_broker, &t);
	char byte;

	EXPECT(read(s.ready, &byte, 1) == 0);
	EXPECT(stage_wait(&s) == 44);
}

CASE(a_broker_without_a_go_pipe_ends)
{
	struct stage s = stage_start(SEAT_BROKER, act_broker, NULL);

	EXPECT(stage_wait(&s) == EXIT_LOCK);
}

int
main(void)
{
	page = stage_page(&page_https, STAGE_FDS);
	broker_page = stage_page(&page_broker, STAGE_FDS);
	signal(SIGPIPE, SIG_IGN);
	return check_run();
}
