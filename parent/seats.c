/* SPDX-License-Identifier: Apache-2.0 */
#include "seats.h"

#include <string.h>
#include <unistd.h>

#include "config.h"
#include "page.h"

#define ROOTS	   SP_LIBEXECDIR "/root/"
#define BINDS_LAST 16

const char *
seat_program(enum seat seat)
{
	return page_of_seat[seat]->role;
}

uid_t
seat_uid(const struct sup *s, enum seat seat)
{
	const char *setting = page_of_seat[seat]->uid_setting;
	enum conf_key k;

	if (!setting)
		return 0;
	BUG_ON(conf_key_of(setting, &k) != 0);
	return conf_num(s->conf, k);
}

/* "sallyport-X" lies in the library root X. */
static char *
path_of(enum seat seat, bool program)
{
	static char root[SEAT_COUNT][PATH_MAX], prog[SEAT_COUNT][PATH_MAX];
	const char *name = page_of_seat[seat]->program;
	const char *dir = strchr(name, '-') + 1;

	snprintf(root[seat], PATH_MAX, ROOTS "%s", dir);
	snprintf(prog[seat], PATH_MAX, ROOTS "%s/%s", dir, name);
	return program ? prog[seat] : root[seat];
}

static const struct page_seat *
words_of(enum seat seat)
{
	const struct page *p = page_of_seat[seat];

	for (size_t i = 0; i < p->seat_count; i++)
		if (p->seats[i].seat == seat)
			return &p->seats[i];
	BUG_ON(true);
}

/* The page's files that this machine has, put into the seat's root. */
static void
bind_files(enum seat seat, struct spawn *sp)
{
	static struct bind_mount have[SEAT_COUNT][BINDS_LAST];
	const struct page *p = page_of_seat[seat];
	unsigned n = 0;

	for (size_t i = 0; i < p->rule_count; i++) {
		const char *path = p->rules[i].path;

		if (!path || access(path, F_OK) != 0)
			continue;
		BUG_ON(n == BINDS_LAST);
		have[seat][n++] = (struct bind_mount){
			.from = path, .from_fd = -1, .to = path};
	}
	sp->binds = have[seat];
	sp->bind_count = n;
}

void
seat_spawn(const struct sup *s, enum seat seat, struct spawn *out)
{
	const struct page *p = page_of_seat[seat];
	enum page_root root = s->full ? p->root : p->root_container;
	static char tz[] = "TZ=UTC0";

	spawn_init(s, out, seat);
	out->program = path_of(seat, true);
	out->root = root == ROOT_LIBRARY ? path_of(seat, false) : NULL;
	out->argv[0] = (char *)(uintptr_t)p->program;
	for (int i = 0; i < 2; i++)
		out->argv[i + 1] = (char *)(uintptr_t)words_of(seat)->word[i];
	out->envp[0] = tz;
	out->netns = p->net == NET_EMPTY ? s->netns_empty : -1;
	if (s->full && root == ROOT_LIBRARY)
		bind_files(seat, out);
}
