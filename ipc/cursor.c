/* SPDX-License-Identifier: Apache-2.0 */
/* Cursors: bounds are checked here and nowhere else. */
#include "cursor.h"

#include <string.h>

void
rd_init(struct rd *r, const void *p, size_t bytes)
{
	r->p = p;
	r->left = bytes;
	r->bad = 0;
}

static int
rd_fail(struct rd *r)
{
	r->bad = 1;
	return ERR_FORMAT;
}

int
rd_bytes(struct rd *r, size_t bytes, const uint8_t **out)
{
	if (r->bad || bytes > r->left)
		return rd_fail(r);
	*out = r->p;
	if (bytes) /* p may be NULL when nothing is left */
		r->p += bytes;
	r->left -= bytes;
	return 0;
}

static int
rd_be(struct rd *r, size_t bytes, uint64_t *out)
{
	const uint8_t *p;
	uint64_t v = 0;
	int err;

	if ((err = rd_bytes(r, bytes, &p)) != 0)
		return err;
	for (size_t i = 0; i < bytes; i++)
		v = v << 8 | p[i];
	*out = v;
	return 0;
}

int
rd_u8(struct rd *r, uint8_t *out)
{
	uint64_t v;
	int err;

	if ((err = rd_be(r, 1, &v)) == 0)
		*out = (uint8_t)v;
	return err;
}

int
rd_u16(struct rd *r, uint16_t *out)
{
	uint64_t v;
	int err;

	if ((err = rd_be(r, 2, &v)) == 0)
		*out = (uint16_t)v;
	return err;
}

int
rd_u32(struct rd *r, uint32_t *out)
{
	uint64_t v;
	int err;

	if ((err = rd_be(r, 4, &v)) == 0)
		*out = (uint32_t)v;
	return err;
}

int
rd_u64(struct rd *r, uint64_t *out)
{
	return rd_be(r, 8, out);
}

int
rd_copy(struct rd *r, size_t bytes, uint8_t *out)
{
	const uint8_t *p;
	int err;

	if ((err = rd_bytes(r, bytes, &p)) == 0 && bytes)
		memcpy(out, p, bytes);
	return err;
}

static int
rd_var(struct rd *r, size_t prefix, const size_t limits[static 2],
       const uint8_t **out, size_t *out_bytes)
{
	const uint8_t *p;
	uint64_t n;
	int err;

	if ((err = rd_be(r, prefix, &n)) != 0)
		return err;
	if (n < limits[0] || n > limits[1])
		return rd_fail(r);
	if ((err = rd_bytes(r, (size_t)n, &p)) != 0)
		return err;
	*out = p;
	*out_bytes = (size_t)n;
	return 0;
}

int
rd_var16(struct rd *r, size_t min, size_t max, const uint8_t **out,
	 size_t *out_bytes)
{
	return rd_var(r, 2, (size_t[2]){min, max}, out, out_bytes);
}

int
rd_var32(struct rd *r, size_t min, size_t max, const uint8_t **out,
	 size_t *out_bytes)
{
	return rd_var(r, 4, (size_t[2]){min, max}, out, out_bytes);
}

int
rd_end(const struct rd *r)
{
	return r->bad || r->left ? ERR_FORMAT : 0;
}

void
wr_init(struct wr *w, void *p, size_t bytes)
{
	w->p = p;
	w->left = bytes;
	w->used = 0;
	w->bad = 0;
}

int
wr_bytes(struct wr *w, const void *p, size_t bytes)
{
	if (w->bad || bytes > w->left) {
		w->bad = 1;
		return ERR_NOMEM;
	}
	if (bytes) { /* p may be NULL for nothing */
		memcpy(w->p, p, bytes);
		w->p += bytes;
	}
	w->left -= bytes;
	w->used += bytes;
	return 0;
}

static int
wr_be(struct wr *w, size_t bytes, uint64_t v)
{
	uint8_t b[8];

	for (size_t i = 0; i < bytes; i++)
		b[i] = (uint8_t)(v >> (8 * (bytes - 1 - i)));
	return wr_bytes(w, b, bytes);
}

int
wr_u8(struct wr *w, uint8_t v)
{
	return wr_be(w, 1, v);
}

int
wr_u16(struct wr *w, uint16_t v)
{
	return wr_be(w, 2, v);
}

int
wr_u32(struct wr *w, uint32_t v)
{
	return wr_be(w, 4, v);
}

int
wr_u64(struct wr *w, uint64_t v)
{
	return wr_be(w, 8, v);
}

static int
wr_var(struct wr *w, size_t prefix, const void *p, size_t bytes)
{
	size_t max = prefix == 2 ? UINT16_MAX : UINT32_MAX;

	if (bytes > max) {
		w->bad = 1;
		return ERR_NOMEM;
	}
	wr_be(w, prefix, bytes);
	return wr_bytes(w, p, bytes);
}

int
wr_var16(struct wr *w, const void *p, size_t bytes)
{
	return wr_var(w, 2, p, bytes);
}

int
wr_var32(struct wr *w, const void *p, size_t bytes)
{
	return wr_var(w, 4, p, bytes);
}

int
wr_end(const struct wr *w, size_t *out_bytes)
{
	if (w->bad)
		return ERR_NOMEM;
	*out_bytes = w->used;
	return 0;
}
