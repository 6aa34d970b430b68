/* SPDX-License-Identifier: Apache-2.0 */
/* The way to the TPM: frames of answers, and who may speak when. */
#include <errno.h>
#include <sys/socket.h>
#include <time.h>
#include <tss2/tss2_tcti.h>
#include <unistd.h>

#include "check.h"
#include "tpm_tcti.h"

static int
size_of(const char *bytes, size_t have, size_t *n)
{
	return tpm_answer_size((const uint8_t *)bytes, have, n);
}

CASE(frames_are_measured_as_soon_as_they_can_be)
{
	static const char plain[] = "\x80\1\0\0\0\x0c\0\0\0\0ab";
	size_t n = 9;

	for (size_t have = 0; have < 6; have++)
		EXPECT(size_of(plain, have, &n) == 0 && n == 0);
	for (size_t have = 6; have <= 12; have++)
		EXPECT(size_of(plain, have, &n) == 0 && n == 12);
	EXPECT(size_of("\x80\2\0\0\x10\0", 6, &n) == 0 && n == 4096);
}

CASE(frames_that_are_none_are_refused)
{
	size_t n;

	EXPECT(size_of("\x80\3", 2, &n) == ERR_FORMAT);
	EXPECT(size_of("\0\1", 2, &n) == ERR_FORMAT);
	EXPECT(size_of("\x80\1\0\0\0\x09", 6, &n) == ERR_FORMAT);
	EXPECT(size_of("\x80\1\0\0\0\0", 6, &n) == ERR_FORMAT);
	EXPECT(size_of("\x80\1\0\0\x10\1", 6, &n) == ERR_FORMAT);
	EXPECT(size_of("\x80\1\xff\xff\xff\xff", 6, &n) == ERR_FORMAT);
	EXPECT(size_of("\x80\1\0\0\0\x0a\0\0\0\0x", 11, &n) == ERR_FORMAT);
}

static int far;
static TSS2_TCTI_CONTEXT *tcti;
static const uint8_t command[10] = {0x80, 1, 0, 0, 0, 10, 0, 0, 1, 0x44};

static void
fresh_link(int64_t ms)
{
	struct timespec t;
	int sv[2];

	if (far)
		close(far);
	if (tpm_link()->fd >= 0)
		close(tpm_link()->fd);
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, sv) != 0)
		exit(EXIT_FAILURE);
	clock_gettime(CLOCK_MONOTONIC, &t);
	far = sv[1];
	tcti = tpm_tcti(
		&(struct tpm_link){.fd = sv[0],
				   .until_ms = (int64_t)t.tv_sec * 1000 +
					       t.tv_nsec / 1000000 + ms});
}

static TSS2_RC
ask(void)
{
	return Tss2_Tcti_Transmit(tcti, sizeof(command), command);
}

static TSS2_RC
hear(size_t cap, size_t *n)
{
	static uint8_t answer[TPM_ANSWER_MAX];

	*n = cap;
	return Tss2_Tcti_Receive(tcti, n, answer, -1);
}

static void
say(const void *p, size_t n)
{
	EXPECT(write(far, p, n) == (ssize_t)n);
}

CASE(one_command_has_one_answer)
{
	size_t n;

	fresh_link(5000);
	for (int i = 0; i < 3; i++) {
		EXPECT(ask() == 0);
		say(command, 10);
		EXPECT(hear(4096, &n) == 0 && n == 10);
	}
	EXPECT(tpm_link()->fault == 0);
}

CASE(the_size_of_the_largest_answer_is_told)
{
	size_t n = 0;

	fresh_link(5000);
	EXPECT(Tss2_Tcti_Receive(tcti, &n, NULL, -1) == 0 &&
	       n == TPM_ANSWER_MAX);
}

CASE(an_answer_nobody_asked_for_ends_the_link)
{
	size_t n;

	fresh_link(5000);
	say(command, 10);
	EXPECT(ask() != 0 && tpm_link()->fault == ERR_PROTO);
	EXPECT(ask() != 0);
	fresh_link(5000);
	EXPECT(hear(4096, &n) != 0 && tpm_link()->fault == ERR_PROTO);
	fresh_link(5000);
	EXPECT(ask() == 0);
	EXPECT(ask() != 0 && tpm_link()->fault == ERR_PROTO);
	fresh_link(5000);
	EXPECT(ask() == 0);
	say("\x80\1\0\0\0\x0a\0\0\0\0\x80", 11);
	EXPECT(hear(4096, &n) != 0 && tpm_link()->fault == ERR_FORMAT);
	say(command, 10);
	EXPECT(ask() != 0 && hear(4096, &n) != 0);
}

CASE(an_answer_that_does_not_fit_ends_the_link)
{
	static uint8_t big[100] = {0x80, 1, 0, 0, 0, 100};
	size_t n;

	fresh_link(5000);
	EXPECT(ask() == 0);
	say(big, sizeof(big));
	EXPECT(hear(50, &n) != 0 && tpm_link()->fault == ERR_FORMAT);
}

CASE(silence_ends_at_the_deadline)
{
	size_t n;

	fresh_link(20);
	EXPECT(ask() == 0);
	say(command, 5);
	EXPECT(hear(4096, &n) != 0 && tpm_link()->fault == ERR_TIMEOUT);
}

CASE(a_hang_up_ends_the_link)
{
	size_t n;

	fresh_link(5000);
	EXPECT(ask() == 0);
	shutdown(far, SHUT_RDWR);
	EXPECT(hear(4096, &n) != 0 && tpm_link()->fault == ERR_EOF);
	fresh_link(5000);
	shutdown(far, SHUT_RDWR);
	EXPECT(ask() != 0 && tpm_link()->fault == ERR_EOF);
}

CASE(commands_out_of_range_are_not_sent)
{
	static const uint8_t big[TPM_ANSWER_MAX + 1];

	fresh_link(5000);
	EXPECT(Tss2_Tcti_Transmit(tcti, sizeof(big), big) != 0);
	EXPECT(tpm_link()->fault == ERR_RANGE);
	fresh_link(5000);
	EXPECT(Tss2_Tcti_Transmit(tcti, 9, command) != 0);
}

int
main(void)
{
	return check_run();
}
