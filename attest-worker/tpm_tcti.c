/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A TCTI over one descriptor.  ESYS is called synchronously, so transmit and
 * receive take turns; a device takes a command in one write and gives an
 * answer in one read, a stream may cut both anywhere.
 */
#include "tpm_tcti.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "clock.h"

#define TAG_PLAIN    0x8001u
#define TAG_SESSIONS 0x8002u

static struct tpm_link the_link = {.fd = -1};

struct tpm_link *
tpm_link(void)
{
	return &the_link;
}

static int64_t
now_ms(void)
{
	return (int64_t)clock_ms(CLOCK_MONOTONIC);
}

int
tpm_answer_size(const uint8_t *p, size_t have, size_t *out_bytes)
{
	uint32_t tag, size;

	*out_bytes = 0;
	if (have >= 2) {
		tag = (uint32_t)p[0] << 8 | p[1];
		if (tag != TAG_PLAIN && tag != TAG_SESSIONS)
			return ERR_FORMAT;
	}
	if (have < 6)
		return 0;
	size = (uint32_t)p[2] << 24 | (uint32_t)p[3] << 16 |
	       (uint32_t)p[4] << 8 | p[5];
	if (size < TPM_ANSWER_MIN || size > TPM_ANSWER_MAX || have > size)
		return ERR_FORMAT;
	*out_bytes = size;
	return 0;
}

int
tpm_link_quiet(const struct tpm_link *link)
{
	struct pollfd p = {.fd = link->fd, .events = POLLIN};
	int n;

	do
		n = poll(&p, 1, 0);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return ERR_SYS;
	if (n == 0)
		return 0;
	return p.revents & POLLIN && !(p.revents & POLLHUP) ? ERR_PROTO
							    : ERR_EOF;
}

static TSS2_RC
fault(struct tpm_link *link, int why)
{
	if (link->fault == 0)
		link->fault = why;
	return TSS2_TCTI_RC_IO_ERROR;
}

static TSS2_RC
link_transmit(TSS2_TCTI_CONTEXT *tcti, size_t bytes, const uint8_t *command)
{
	struct tpm_link *link = &the_link;
	size_t done = 0;
	ssize_t n;
	int r;

	(void)tcti;
	if (link->fault != 0 || link->owed)
		return fault(link, ERR_PROTO);
	if (bytes < TPM_ANSWER_MIN || bytes > TPM_ANSWER_MAX)
		return fault(link, ERR_RANGE);
	if ((r = tpm_link_quiet(link)) != 0)
		return fault(link, r);
	while (done < bytes) {
		n = write(link->fd, command + done, bytes - done);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return fault(link, ERR_SYS);
		done += (size_t)n;
	}
	link->owed = 1;
	return TSS2_RC_SUCCESS;
}

static int
await_bytes(const struct tpm_link *link)
{
	struct pollfd p = {.fd = link->fd, .events = POLLIN};
	int64_t left = link->until_ms - now_ms();
	int n;

	if (left <= 0)
		return ERR_TIMEOUT;
	n = poll(&p, 1, left > INT32_MAX ? INT32_MAX : (int)left);
	if (n == 0)
		return ERR_TIMEOUT;
	return n < 0 && errno != EINTR ? ERR_SYS : 0;
}

/* Reads one answer straight into the caller's buffer: no copy stays here. */
static TSS2_RC
link_receive(TSS2_TCTI_CONTEXT *tcti, size_t *bytes, uint8_t *answer,
	     int32_t timeout)
{
	struct tpm_link *link = &the_link;
	size_t have = 0, whole = 0;
	ssize_t n;
	int r;

	(void)tcti;
	(void)timeout; /* the link's own deadline counts */
	if (!bytes)
		return TSS2_TCTI_RC_BAD_REFERENCE;
	if (!answer) {
		*bytes = TPM_ANSWER_MAX;
		return TSS2_RC_SUCCESS;
	}
	if (link->fault != 0 || !link->owed)
		return fault(link, ERR_PROTO);
	while (whole == 0 || have < whole) {
		if (have == *bytes)
			return fault(link, ERR_FORMAT);
		if ((r = await_bytes(link)) != 0)
			return fault(link, r);
		n = read(link->fd, answer + have, *bytes - have);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return fault(link, n == 0 ? ERR_EOF : ERR_SYS);
		have += (size_t)n;
		if ((r = tpm_answer_size(answer, have, &whole)) != 0)
			return fault(link, r);
	}
	link->owed = 0;
	*bytes = have;
	return TSS2_RC_SUCCESS;
}

static void
link_finalize(TSS2_TCTI_CONTEXT *tcti)
{
	(void)tcti;
}

/* Const, so that no function pointer lies in writable memory. */
static const TSS2_TCTI_CONTEXT_COMMON_V1 ops = {
	.magic = 0x53414c4c59504f52,
	.version = 1,
	.transmit = link_transmit,
	.receive = link_receive,
	.finalize = link_finalize,
};

TSS2_TCTI_CONTEXT *
tpm_tcti(const struct tpm_link *link)
{
	union { /* tss2 knows no const context, and never writes to it */
		const TSS2_TCTI_CONTEXT_COMMON_V1 *from;
		TSS2_TCTI_CONTEXT *to;
	} c = {.from = &ops};

	the_link = *link;
	return c.to;
}
