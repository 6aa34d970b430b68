/* SPDX-License-Identifier: Apache-2.0 */
/* The message table against tests/tables/messages.tbl, all of it. */
#include "../check.h"
#include "msg.h"

#define LINES_MAX 128

struct line {
	char name[32];
	unsigned type;
	size_t min, max;
	bool after_taint;
	enum seat from;
	uint32_t to;
};

static struct line lines[LINES_MAX];
static size_t line_count;

static enum seat
seat_of(const char *name)
{
	for (unsigned s = 0; s < SEAT_COUNT; s++)
		if (strcmp(seat_name(s), name) == 0)
			return (enum seat)s;
	printf("Bail out! no seat called %s\n", name);
	exit(EXIT_FAILURE);
}

static void
parse_pairs(struct line *l, char *pairs)
{
	char *save, *name = strtok_r(pairs, ">", &save);

	l->from = seat_of(name);
	while ((name = strtok_r(NULL, ",", &save)) != NULL)
		l->to |= SEAT_BIT(seat_of(name));
}

static void
load(const char *path)
{
	char text[512], pairs[256], taint[8];
	FILE *f = fopen(path, "re");

	while (f && fgets(text, sizeof(text), f)) {
		struct line *l = &lines[line_count];

		if (text[0] == '#' || text[0] == '\n')
			continue;
		if (line_count == LINES_MAX ||
		    sscanf(text, "%31s %u %zu %zu %7s %255s", l->name, &l->type,
			   &l->min, &l->max, taint, pairs) != 6) {
			printf("Bail out! cannot read: %s", text);
			exit(EXIT_FAILURE);
		}
		l->after_taint = strcmp(taint, "yes") == 0;
		parse_pairs(l, pairs);
		line_count++;
	}
	if (!f || line_count == 0) {
		printf("Bail out! no table at %s\n", path);
		exit(EXIT_FAILURE);
	}
	fclose(f);
}

static bool
expected(unsigned type, unsigned from, unsigned to, size_t bytes, bool tainted)
{
	for (size_t i = 0; i < line_count; i++) {
		const struct line *l = &lines[i];

		if (l->type == type && l->from == from && to < SEAT_COUNT &&
		    (l->to & SEAT_BIT(to)) && bytes >= l->min &&
		    bytes <= l->max && (!tainted || l->after_taint))
			return true;
	}
	return false;
}

/*
 * One type: all pairs, seats that do not exist among them (33 and up would
 * be real ones to a set that is asked carelessly).
 */
static unsigned
differences(unsigned type, size_t bytes, bool tainted)
{
	unsigned bad = 0;

	for (unsigned from = 0; from < 32 + SEAT_COUNT; from++)
		for (unsigned to = 0; to < 32 + SEAT_COUNT; to++) {
			bool want = expected(type, from, to, bytes, tainted);
			int got = msg_allowed(type, (enum seat)from,
					      (enum seat)to, bytes, tainted);

			if (got == (want ? 0 : ERR_PROTO))
				continue;
			printf("# type %u %s>%s %zu bytes tainted %d: %d\n",
			       type, seat_name(from), seat_name(to), bytes,
			       tainted, got);
			bad++;
		}
	return bad;
}

CASE(allows_exactly_what_the_text_table_says)
{
	size_t lengths[] = {0, 0, 0, 0, 0, MSG_BODY_MAX, MSG_BODY_MAX + 1};
	unsigned bad = 0;

	for (unsigned type = 0; type <= 100; type++) {
		for (size_t i = 0; i < line_count; i++)
			if (lines[i].type == type) {
				lengths[1] = lines[i].min - 1; /* or huge */
				lengths[2] = lines[i].min;
				lengths[3] = lines[i].max;
				lengths[4] = lines[i].max + 1;
			}
		for (size_t i = 0; i < 7; i++) {
			bad += differences(type, lengths[i], false);
			bad += differences(type, lengths[i], true);
		}
	}
	EXPECT(bad == 0);
}

CASE(knows_no_type_beyond_the_table)
{
	EXPECT(differences(0xffff, 4, false) == 0);
	EXPECT(differences(0x10000 + MSG_RESULT, 4, false) == 0);
	EXPECT(differences(~0u, 4, false) == 0);
	EXPECT(msg_row(0) == NULL);
	EXPECT(msg_row(0x10000 + MSG_RESULT) == NULL);
}

CASE(names_and_numbers_are_those_of_the_text_table)
{
	for (size_t i = 0; i < line_count; i++) {
		const struct msg_row *row = msg_row(lines[i].type);

		EXPECT(row && strcmp(row->name, lines[i].name) == 0);
	}
	for (size_t i = 0; i < msg_row_count; i++) {
		bool found = false;

		for (size_t k = 0; k < line_count; k++)
			found |= lines[k].type == msg_rows[i].type;
		EXPECT(found);
	}
}

CASE(no_number_stands_twice)
{
	for (size_t i = 0; i < msg_row_count; i++)
		EXPECT(msg_row(msg_rows[i].type) == &msg_rows[i]);
}

CASE(a_tainted_process_has_no_message_of_free_length)
{
	for (size_t i = 0; i < msg_row_count; i++) {
		const struct msg_row *row = &msg_rows[i];

		/* JWE: jwe_size.h, channel.c and the broker see to it */
		if (row->after_taint && row->type != MSG_JWE)
			EXPECT(row->min == row->max);
	}
}

int
main(int argc, char **argv)
{
	load(argc > 1 ? argv[1] : "messages.tbl");
	return check_run();
}
