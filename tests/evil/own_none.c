/* SPDX-License-Identifier: Apache-2.0 */
/* A role without attacks of its own. */
#include "evil.h"

const struct attack attacks_own[] = {{.name = NULL}};
