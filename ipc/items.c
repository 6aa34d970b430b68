/* SPDX-License-Identifier: Apache-2.0 */
/* Tagged items: {uint16 tag, uint32 length, bytes}, one after the other. */
#include "items.h"

#include <string.h>

struct item {
	uint16_t tag;
	const uint8_t *p;
	size_t bytes;
};

static int
item_next(struct rd *r, struct item *out)
{
	int err;

	if ((err = rd_u16(r, &out->tag)) != 0)
		return err;
	return rd_var32(r, 0, SIZE_MAX, &out->p, &out->bytes);
}

int
items_open(const void *p, size_t bytes, struct items *out)
{
	struct item item;
	struct rd r;

	rd_init(&r, p, bytes);
	while (r.left)
		if (item_next(&r, &item) != 0)
			return ERR_FORMAT;
	out->p = p;
	out->bytes = bytes;
	return 0;
}

int
items_get(const struct items *it, unsigned tag, unsigned nth,
	  const uint8_t **out, size_t *out_bytes)
{
	struct item item;
	struct rd r;

	rd_init(&r, it->p, it->bytes);
	while (r.left && item_next(&r, &item) == 0) {
		if (item.tag != tag || nth-- > 0)
			continue;
		*out = item.p;
		*out_bytes = item.bytes;
		return 0;
	}
	return ERR_NOTFOUND;
}

int
items_str(const struct items *it, unsigned tag, unsigned nth, char *out,
	  size_t cap)
{
	const uint8_t *p;
	size_t bytes;
	int err;

	if ((err = items_get(it, tag, nth, &p, &bytes)) != 0)
		return err;
	if (bytes && memchr(p, 0, bytes))
		return ERR_FORMAT;
	if (bytes >= cap)
		return ERR_RANGE;
	memcpy(out, p, bytes);
	out[bytes] = '\0';
	return 0;
}

/* A reader over an item that must have exactly `bytes`. */
static int
item_rd(const struct items *it, unsigned tag, size_t bytes, struct rd *out)
{
	const uint8_t *p;
	size_t got;
	int err;

	if ((err = items_get(it, tag, 0, &p, &got)) != 0)
		return err;
	if (got != bytes)
		return ERR_FORMAT;
	rd_init(out, p, got);
	return 0;
}

int
items_u32(const struct items *it, unsigned tag, uint32_t *out)
{
	struct rd r;
	int err = item_rd(it, tag, 4, &r);

	return err ? err : rd_u32(&r, out);
}

int
items_u64(const struct items *it, unsigned tag, uint64_t *out)
{
	struct rd r;
	int err = item_rd(it, tag, 8, &r);

	return err ? err : rd_u64(&r, out);
}

int
items_fixed(const struct items *it, unsigned tag, void *out, size_t bytes)
{
	struct rd r;
	int err = item_rd(it, tag, bytes, &r);

	return err ? err : rd_copy(&r, bytes, out);
}

unsigned
items_count(const struct items *it, unsigned tag)
{
	struct item item;
	struct rd r;
	unsigned n = 0;

	rd_init(&r, it->p, it->bytes);
	while (r.left && item_next(&r, &item) == 0)
		n += item.tag == tag;
	return n;
}

void
items_put(struct wr *w, unsigned tag, const void *p, size_t bytes)
{
	if (tag > UINT16_MAX) {
		w->bad = 1;
		return;
	}
	wr_u16(w, (uint16_t)tag);
	wr_var32(w, p, bytes);
}

void
items_put_str(struct wr *w, unsigned tag, const char *s)
{
	items_put(w, tag, s, strlen(s));
}

void
items_put_u32(struct wr *w, unsigned tag, uint32_t v)
{
	uint8_t b[4];
	struct wr v_wr;

	wr_init(&v_wr, b, sizeof(b)); /* cannot fail */
	wr_u32(&v_wr, v);
	items_put(w, tag, b, sizeof(b));
}

void
items_put_u64(struct wr *w, unsigned tag, uint64_t v)
{
	uint8_t b[8];
	struct wr v_wr;

	wr_init(&v_wr, b, sizeof(b)); /* cannot fail */
	wr_u64(&v_wr, v);
	items_put(w, tag, b, sizeof(b));
}
