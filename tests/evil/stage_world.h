/* SPDX-License-Identifier: Apache-2.0 */
/* What there is to attack. */
#ifndef SP_TEST_STAGE_WORLD_H
#define SP_TEST_STAGE_WORLD_H

#include "stage.h"

/* Files that a try may have removed are there again. */
void world_again(const struct stage *st);
/* Of the server's known bytes. */
uintptr_t world_address(void);

#endif
