/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the broker keeps until its time: bodies as they came, unread, in fixed
 * storage that holds everything a session may keep at once.
 */
#ifndef SP_PARENT_BROKER_KEEP_H
#define SP_PARENT_BROKER_KEEP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"

#define KEEP_BLOBS   32u /* stored objects for the tpm */
#define KEEP_OBJECTS (KEEP_BLOBS + 9u)
#define KEEP_BYTES   (912u * 1024u) /* broker_keep.c checks the sum */
#define MSG_TYPE_MAX 31u	    /* highest type the broker ever sees */

struct kept {
	uint16_t type;
	bool done; /* delivered for good, or stored and compared */
	size_t at;
	size_t bytes;
};

struct keep {
	struct kept objects[KEEP_OBJECTS];
	size_t count;
	size_t used;
	uint8_t bytes[KEEP_BYTES];
};

/* Keeps a copy.  Returns 0, or ERR_NOMEM when more came than may. */
CHECKED int keep_put(struct keep *k, unsigned type, const uint8_t *body,
		     size_t bytes);

/*
 * Returns the first object of a type that is not done, or NULL; keep_done
 * makes room for the next.
 */
struct kept *keep_next(struct keep *k, unsigned type);

/* Returns the body of an object. */
const uint8_t *keep_body(const struct keep *k, const struct kept *o);

/* How many of a type came at all. */
unsigned keep_count(const struct keep *k, unsigned type);

/* Marks an object done and wipes it. */
void keep_done(struct keep *k, struct kept *o);

#endif
