/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The real sallyport-broker under its real filters: descriptors as the
 * supervisor gives them, workers played here.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../check.h"
#include "channel.h"
#include "events.h"
#include "exit.h"
#include "fds.h"
#include "filter.h"
#include "go.h"
#include "items.h"
#include "tags.h"

#define SEATS (SEAT_UNSEAL - SEAT_RESOLVE + 1)

static const char *program;
static struct channel seats[SEAT_COUNT];
static int go_fd, log_fd, ready_fd;
static pid_t pid;
static uint8_t buf[MSG_MAX];
static char log_text_[65536];

static void
queue_config(int fd, uint32_t deadline_ms)
{
	uint8_t body[128], id[32] = {1};
	struct channel c;
	struct wr w;
	size_t n = 0;

	wr_init(&w, body, sizeof(body));
	items_put(&w, TAG_SESSION, id, sizeof(id));
	items_put_u32(&w, TAG_DEADLINE_MS, deadline_ms);
	items_put_u32(&w, TAG_LOG_JSON, 0);
	items_put_u64(&w, TAG_LOG_T0, 0);
	channel_init(&c, fd, SEAT_SUPERVISOR, SEAT_BROKER);
	if (wr_end(&w, &n) != 0 || channel_send(&c, MSG_CONFIG, body, n) != 0)
		abort();
	close(fd);
}

_Noreturn static void
child(const int *from, size_t count)
{
	char *const argv[] = {(char *)(uintptr_t)program, NULL};
	char *const envp[] = {NULL};
	int high[FD_WORKERS + SEATS];

	for (size_t i = 0; i < count; i++)
		high[i] = fcntl(from[i], F_DUPFD, 100);
	for (size_t i = 0; i < count; i++)
		dup2(high[i], (int)i);
	close_range((unsigned)count, ~0u, 0);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (filter_install(&filter_outer) == 0)
		execve(program, argv, envp);
	_exit(99);
}

static void
start(uint32_t deadline_ms)
{
	int go[2], config[2], ready[2], log[2], sv[2];
	int from[FD_WORKERS + SEATS];

	if (pipe(go) || pipe(ready) || pipe(log) ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET, 0, config))
		abort();
	queue_config(config[0], deadline_ms);
	from[0] = from[1] = open("/dev/null", O_RDWR);
	from[2] = log[1];
	from[FD_GO] = go[0];
	from[FD_CONFIG] = config[1];
	from[FD_READY] = ready[1];
	for (int i = 0; i < SEATS; i++) {
		if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv))
			abort();
		from[FD_WORKERS + i] = sv[0];
		channel_init(&seats[SEAT_RESOLVE + i], sv[1],
			     (enum seat)(SEAT_RESOLVE + i), SEAT_BROKER);
	}
	fflush(stdout);
	pid = fork();
	if (pid == 0)
		child(from, FD_WORKERS + SEATS);
	for (int i = 1; i < FD_WORKERS + SEATS; i++)
		close(from[i]);
	go_fd = go[1];
	log_fd = log[0];
	ready_fd = ready[0];
}

/* Reads the log, reaps; returns the exit code, or 1000 + signal. */
static int
end(void)
{
	size_t used = 0;
	ssize_t n;
	int status = 0;

	while ((n = read(log_fd, log_text_ + used,
			 sizeof(log_text_) - 1 - used)) > 0)
		used += (size_t)n;
	log_text_[used] = '\0';
	if (waitpid(pid, &status, 0) != pid)
		return -1;
	for (int s = SEAT_RESOLVE; s <= SEAT_UNSEAL; s++) {
		if (seats[s].fd >= 0)
			close(seats[s].fd);
	}
	if (go_fd >= 0)
		close(go_fd);
	close(log_fd);
	close(ready_fd);
	return WIFEXITED(status) ? WEXITSTATUS(status)
				 : 1000 + WTERMSIG(status);
}

static int
go(uint8_t byte)
{
	return write(go_fd, &byte, 1) == 1 ? 0 : -1;
}

static int
say(enum seat seat, unsigned type, size_t bytes)
{
	static uint8_t body[MSG_BODY_MAX];

	return channel_send(&seats[seat], type, body, bytes);
}

static int
hears(enum seat seat, unsigned type)
{
	struct pollfd p = {.fd = seats[seat].fd, .events = POLLIN};
	struct frame f;

	if (poll(&p, 1, 5000) != 1)
		return 0;
	return channel_expect(&seats[seat], type, buf, sizeof(buf), &f) == 0;
}

static int
runs(enum seat seat)
{
	return say(seat, MSG_LOCKED, 0) == 0 && go((uint8_t)seat) == 0 &&
	       hears(seat, MSG_START);
}

static void
hang_up(enum seat seat)
{
	close(seats[seat].fd);
	seats[seat].fd = -1;
}

static int
finish(enum seat seat)
{
	int r = say(seat, MSG_RESULT, 4);

	hang_up(seat);
	return r == 0;
}

CASE(a_session_goes_through_under_the_real_filters)
{
	char byte;

	start(60000);
	EXPECT(read(ready_fd, &byte, 1) == 0);
	EXPECT(runs(SEAT_RESOLVE));
	EXPECT(say(SEAT_RESOLVE, MSG_ADDRS, 20) == 0 && finish(SEAT_RESOLVE));
	EXPECT(runs(SEAT_TPM) && runs(SEAT_FETCH) && runs(SEAT_VERIFY));
	EXPECT(hears(SEAT_FETCH, MSG_ADDRS));
	EXPECT(say(SEAT_TPM, MSG_EVIDENCE, 32768) == 0);
	EXPECT(hears(SEAT_FETCH, MSG_EVIDENCE));
	EXPECT(say(SEAT_FETCH, MSG_ENC_TOKEN, 50000) == 0);
	EXPECT(hears(SEAT_TPM, MSG_ENC_TOKEN));
	EXPECT(say(SEAT_TPM, MSG_TOKEN, 49152) == 0);
	EXPECT(hears(SEAT_FETCH, MSG_TOKEN));
	EXPECT(say(SEAT_FETCH, MSG_RELEASE_JWS, 65000) == 0);
	EXPECT(hears(SEAT_VERIFY, MSG_RELEASE_JWS));
	for (int i = 0; i < 32; i++)
		EXPECT(say(SEAT_FETCH, MSG_BLOB, 20484) == 0);
	EXPECT(say(SEAT_VERIFY, MSG_WRAPPED_KEY, 8451) == 0);
	EXPECT(finish(SEAT_VERIFY) && finish(SEAT_FETCH));
	/* the hang-ups are older than this byte: it acts on them */
	EXPECT(go(GO_OPEN) == 0);
	EXPECT(hears(SEAT_TPM, MSG_WRAPPED_KEY));
	for (int i = 0; i < 32; i++) /* more than the socket holds at once */
		EXPECT(hears(SEAT_TPM, MSG_BLOB));
	EXPECT(hears(SEAT_TPM, MSG_OPEN) && buf[MSG_HEADER] == 32);
	EXPECT(say(SEAT_TPM, MSG_BUNDLE, 780) == 0 && finish(SEAT_TPM));
	EXPECT(runs(SEAT_STORE0) && hears(SEAT_STORE0, MSG_ADDRS));
	EXPECT(hears(SEAT_STORE0, MSG_BUNDLE));
	hang_up(SEAT_STORE0);
	EXPECT(runs(SEAT_STORE1) && hears(SEAT_STORE1, MSG_ADDRS));
	EXPECT(hears(SEAT_STORE1, MSG_BUNDLE));
	EXPECT(say(SEAT_STORE1, MSG_ECHO, 780) == 0);
	EXPECT(hears(SEAT_STORE1, MSG_STORED) && finish(SEAT_STORE1));
	EXPECT(go(GO_END) == 0);
	EXPECT(end() == EXIT_OK);
	EXPECT(log_text_[0] == '\0');
}

CASE(events_and_notes_come_out_in_order)
{
	uint8_t event[34] = {0, EVENT_RESOLVED};

	event[9] = 7;
	start(60000);
	EXPECT(runs(SEAT_RESOLVE));
	EXPECT(channel_send(&seats[SEAT_RESOLVE], MSG_EVENT, event,
			    sizeof(event)) == 0);
	EXPECT(channel_send(&seats[SEAT_RESOLVE], MSG_NOTE, "why", 3) == 0);
	EXPECT(finish(SEAT_RESOLVE) && go(GO_END) == 0);
	EXPECT(end() == EXIT_OK);
	EXPECT(strstr(log_text_, "names resolved (7 addresses)\n"));
	EXPECT(strstr(log_text_, "warning: resolve: why\n"));
}

CASE(a_violation_ends_the_session_and_is_named)
{
	start(60000);
	EXPECT(say(SEAT_TPM, MSG_EVIDENCE, 600) == 0);
	EXPECT(end() == EXIT_PROTOCOL);
	EXPECT(strstr(log_text_, "error: tpm broke the rules of the session: a "
				 "message in the wrong state (it was in state "
				 "wait)"));
}

CASE(a_malformed_frame_ends_the_session)
{
	start(60000);
	EXPECT(send(seats[SEAT_LOOK].fd, "x", 1, 0) == 1);
	EXPECT(end() == EXIT_PROTOCOL);
	EXPECT(strstr(log_text_, "look broke the rules"));
}

CASE(a_descriptor_that_comes_along_ends_the_session)
{
	char control[CMSG_SPACE(sizeof(int))] = {0};
	uint8_t head[MSG_HEADER];
	struct iovec iov = {head, sizeof(head)};
	struct msghdr m = {.msg_iov = &iov,
			   .msg_iovlen = 1,
			   .msg_control = control,
			   .msg_controllen = sizeof(control)};
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	start(60000);
	frame_put(head, MSG_LOCKED, 0, 0);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &log_fd, sizeof(int));
	EXPECT(sendmsg(seats[SEAT_TPM].fd, &m, 0) == sizeof(head));
	EXPECT(end() == EXIT_PROTOCOL);
}

CASE(a_running_worker_that_vanishes_ends_the_session)
{
	start(60000);
	EXPECT(runs(SEAT_VERIFY) && runs(SEAT_LOOK));
	EXPECT(channel_send(&seats[SEAT_LOOK], MSG_NOTE, "last word", 9) == 0);
	hang_up(SEAT_VERIFY);
	EXPECT(end() == EXIT_PROTOCOL);
	EXPECT(strstr(log_text_, "look: last word"));
}

CASE(the_end_of_the_go_pipe_ends_the_broker_quietly)
{
	start(60000);
	EXPECT(runs(SEAT_VERIFY));
	close(go_fd);
	go_fd = -1;
	EXPECT(end() == EXIT_OK);
	EXPECT(log_text_[0] == '\0');
}

CASE(the_deadline_ends_the_session)
{
	start(100);
	EXPECT(end() == EXIT_DEADLINE);
	EXPECT(strstr(log_text_, "longer than its deadline"));
}

CASE(a_worker_that_does_not_read_is_caught_by_the_deadline)
{
	start(700);
	EXPECT(runs(SEAT_TPM) && runs(SEAT_FETCH) && runs(SEAT_VERIFY));
	EXPECT(say(SEAT_TPM, MSG_EVIDENCE, 600) == 0);
	EXPECT(hears(SEAT_FETCH, MSG_EVIDENCE));
	EXPECT(say(SEAT_FETCH, MSG_ENC_TOKEN, 400) == 0);
	EXPECT(hears(SEAT_TPM, MSG_ENC_TOKEN));
	EXPECT(say(SEAT_TPM, MSG_TOKEN, 64) == 0);
	EXPECT(hears(SEAT_FETCH, MSG_TOKEN));
	EXPECT(say(SEAT_FETCH, MSG_RELEASE_JWS, 64) == 0);
	EXPECT(hears(SEAT_VERIFY, MSG_RELEASE_JWS));
	EXPECT(say(SEAT_VERIFY, MSG_WRAPPED_KEY, 275) == 0);
	for (int i = 0; i < 32; i++)
		EXPECT(say(SEAT_FETCH, MSG_BLOB, 20484) == 0);
	EXPECT(finish(SEAT_FETCH) && finish(SEAT_VERIFY));
	EXPECT(go(GO_OPEN) == 0);
	EXPECT(end() == EXIT_DEADLINE);
	EXPECT(strstr(log_text_, "tpm does not read what it is told"));
}

int
main(int argc, char **argv)
{
	if (argc != 2)
		return 2;
	program = argv[1];
	signal(SIGPIPE, SIG_IGN);
	return check_run();
}
