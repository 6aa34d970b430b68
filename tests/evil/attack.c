/* SPDX-License-Identifier: Apache-2.0 */
/*
 * In a whole boot: which attack, on which seat, stands in the program's own
 * bytes; a test writes it into a copy of the file.  A program whose order is
 * for another seat (https fetches and stores) is honest.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "evil.h"
#include "fds.h"
#include "filter.h"

#define ORDER_MAX 256
#define DATA_MAX  16384

/* "SEAT ATTACK ARGUMENT", and data: uint32 length (this machine's), bytes */
char evil_order[ORDER_MAX] = "EVIL-ORDER";
uint8_t evil_bytes[4 + DATA_MAX] = "EVIL-DATA";

int __wrap_channel_send(struct channel *c, unsigned type, const void *body,
			size_t bytes);
void __wrap_worker_lock(struct worker *w, const uint16_t *ports, size_t count);
_Noreturn void __wrap_worker_exit(struct worker *w, int code);
void attack_begin(struct worker *w, const struct worker_desc *d);
int attack_filter(const struct filter_prog *f);

static const struct attack *chosen;
static const char *argument = "";
static struct worker *self;

struct worker *
evil_worker(void)
{
	return self;
}

void
attack_heard(const struct frame *f)
{
	if (chosen && chosen->heard)
		chosen->heard(f);
}

const char *
evil_argument(void)
{
	return argument;
}

const uint8_t *
evil_data(size_t *out_bytes)
{
	uint32_t n;

	memcpy(&n, evil_bytes, sizeof(n));
	if (n > DATA_MAX)
		_exit(EVIL_DUD);
	*out_bytes = n;
	return evil_bytes + sizeof(n);
}

static const struct attack *
find(const char *name)
{
	static const struct attack *const all[] = {attacks_gate, attacks_any,
						   attacks_own};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		for (const struct attack *a = all[i]; a->name; a++)
			if (strcmp(a->name, name) == 0)
				return a;
	return NULL;
}

static void
choose(enum seat seat)
{
	char *words = evil_order, *word = strsep(&words, " ");

	if (strcmp(word, seat_name(seat)) != 0)
		return;
	word = strsep(&words, " ");
	if (!word || !(chosen = find(word)))
		_exit(EVIL_DUD);
	if (words)
		argument = words;
}

void
attack_begin(struct worker *w, const struct worker_desc *d)
{
	self = w;
	choose(d->seat);
	__real_worker_begin(w, d);
	if (chosen && chosen->early)
		chosen->early(w);
}

bool
attack_no_landlock(void)
{
	return chosen && chosen->no_landlock;
}

int
attack_filter(const struct filter_prog *f)
{
	return chosen && chosen->filter ? chosen->filter(f)
					: __real_filter_install(f);
}

void
__wrap_worker_lock(struct worker *w, const uint16_t *ports, size_t count)
{
	if (chosen && chosen->lie)
		chosen->lie(w);
	else
		__real_worker_lock(w, ports, count);
	if (chosen && chosen->started)
		chosen->started(w);
}

int
__wrap_channel_send(struct channel *c, unsigned type, const void *body,
		    size_t bytes)
{
	if (chosen && chosen->send && type != MSG_LOCKED)
		return chosen->send(c, type, body, bytes);
	return __real_channel_send(c, type, body, bytes);
}

_Noreturn void
__wrap_worker_exit(struct worker *w, int code)
{
	if (chosen && chosen->end)
		code = chosen->end(w, code);
	__real_worker_exit(w, code);
}
