/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A worker for test_check.py, which compiles it in the place of verify or of
 * the keeper: it behaves until START, or does not even begin (EARLY), and then
 * makes one call that no filter of it lets pass, or does nothing (ENDS).
 */
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fds.h"
#include "worker.h"

#ifdef KEEPER
#define DESC                                                                   \
	{                                                                      \
		.seat = SEAT_KEEPER, .page = &page_keeper                      \
	}
#else
#define DESC                                                                   \
	{                                                                      \
		.seat = SEAT_VERIFY, .page = &page_verify                      \
	}
#endif

int
main(void)
{
	static const struct worker_desc desc = DESC;
	static struct worker w;

#ifdef EARLY
	syscall(SYS_keyctl, 0x11, 0x22, 0x33, 0x44, 0x55);
#else
	worker_begin(&w, &desc);
	worker_lock(&w, NULL, 0);
#endif
#ifdef KEEPER
	char byte; /* the supervisor's, when it has looked at it */

	if (read(FD_KEEPER_GO, &byte, 1) != 1)
		return 1;
#endif
#ifdef ENDS
	(void)w;
#elif defined(KEEPER)
	/* its own timer, but not until a moment of the clock */
	syscall(SYS_timer_settime, 0x11, 0x22, 0x3000, 0x44);
#elif defined(LATE)
	syscall(SYS_mmap, 0x1000, 0x2000, PROT_READ | PROT_EXEC, 0x44, 0x55,
		0x6000);
#endif
	return 0;
}
