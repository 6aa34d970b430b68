/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every target includes.  A target is one function; it traps (REQUIRE)
 * when a promise of the code under test is broken, so that a broken promise
 * is a crash like any other.
 */
#ifndef SP_FUZZ_H
#define SP_FUZZ_H

#include <stddef.h>
#include <stdint.h>

#define REQUIRE(cond)                                                          \
	do {                                                                   \
		if (!(cond))                                                   \
			__builtin_trap();                                      \
	} while (0)

/* libFuzzer's entry; returns 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

#endif
