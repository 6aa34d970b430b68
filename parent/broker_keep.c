/* SPDX-License-Identifier: Apache-2.0 */
/* The broker's kept store (broker_keep.h). */
#include "broker_keep.h"

#include <string.h>

#include "msg.h"

/*
 * The largest session: every kept type once, BLOB as often as it may come,
 * every relayed type once (its receiver may not run yet).
 */
enum {
	SUM = 0
#define ONE_VIA_HUB(num, max)	 ((num) >= MSG_ADDRS ? (max) : 0)
#define ONE_VIA_KEPT(num, max)	 ((num) == MSG_BLOB ? KEEP_BLOBS * (max) : (max))
#define ONE_VIA_DIRECT(num, max) 0
#define ONE_VIA_QUEUED(num, max) 0
/* NOLINTBEGIN(bugprone-macro-parentheses): a term of a sum */
#define X(name, num, from, to, via, min, max, taint, text)                     \
	+(int)ONE_VIA_##via(num, max)
/* NOLINTEND(bugprone-macro-parentheses) */
#include "messages.def"
#undef X
};
_Static_assert(SUM <= KEEP_BYTES, "everything that may be kept fits");

int
keep_put(struct keep *k, unsigned type, const uint8_t *body, size_t bytes)
{
	struct kept *o = &k->objects[k->count];

	if (k->count == KEEP_OBJECTS || bytes > sizeof(k->bytes) - k->used)
		return ERR_NOMEM;
	*o = (struct kept){
		.type = (uint16_t)type, .at = k->used, .bytes = bytes};
	if (bytes != 0)
		memcpy(&k->bytes[k->used], body, bytes);
	k->used += bytes;
	k->count++;
	return 0;
}

struct kept *
keep_next(struct keep *k, unsigned type)
{
	for (size_t i = 0; i < k->count; i++) {
		if (k->objects[i].type == type && !k->objects[i].done)
			return &k->objects[i];
	}
	return NULL;
}

const uint8_t *
keep_body(const struct keep *k, const struct kept *o)
{
	return &k->bytes[o->at];
}

unsigned
keep_count(const struct keep *k, unsigned type)
{
	unsigned n = 0;

	for (size_t i = 0; i < k->count; i++)
		n += k->objects[i].type == type;
	return n;
}

void
keep_done(struct keep *k, struct kept *o)
{
	o->done = true;
	explicit_bzero(&k->bytes[o->at], o->bytes);
}
