/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A worker for test_check.py, which compiles it in the place of verify or of
 * any other: it behaves until START, or does not even begin (EARLY), and then
 * makes one call that no filter of it lets pass.
 */
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "worker.h"

int
main(void)
{
	static const struct worker_desc desc = {
		.seat = SEAT_VERIFY,
		.page = &page_verify,
	};
	static struct worker w;

#ifdef EARLY
	syscall(SYS_keyctl, 0x11, 0x22, 0x33, 0x44, 0x55);
#else
	worker_begin(&w, &desc);
	worker_lock(&w, NULL, 0);
	syscall(SYS_mmap, 0x1000, 0x2000, PROT_READ | PROT_EXEC, 0x44, 0x55,
		0x6000);
#endif
	return 0;
}
