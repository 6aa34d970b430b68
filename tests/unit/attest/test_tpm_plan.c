/* SPDX-License-Identifier: Apache-2.0 */
/* The decision, by tests/tables/tpm_plan.tbl; CONFIG; which bundle fits. */
#include "check.h"
#include "tpm_plan.h"

struct row {
	char col[7][10];
	unsigned used;
};

static struct row rows[64];
static unsigned row_count;

static const char *const plans[] = {"rotate", "boot", NULL};
static const char *const markers[] = {"none", "prepared", "stored", NULL};
static const char *const layouts[] = {"auto", "bundle", NULL};
static const char *const inits[] = {"no", "may", NULL};
static const char *const founds[] = {"none",  "shut",  "misfit",
				     "fresh", "final", NULL};
static const char *const olds[] = {"no", "yes", NULL};
static const char *const actions[] = {"serve", "init", "fresh", "final",
				      "old",   "shut", "stop",	NULL};
static const char *const *const words[] = {plans,  markers, layouts, inits,
					   founds, olds,    actions};

static int
known(const char *const *list, const char *word)
{
	for (int i = 0; list[i]; i++)
		if (strcmp(list[i], word) == 0)
			return i;
	return -1;
}

static void
load(const char *path)
{
	FILE *f = fopen(path, "r");
	char line[256];

	while (f && fgets(line, sizeof(line), f)) {
		struct row *r = &rows[row_count];

		if (line[0] == '#' ||
		    sscanf(line, "%9s %9s %9s %9s %9s %9s %9s", r->col[0],
			   r->col[1], r->col[2], r->col[3], r->col[4],
			   r->col[5], r->col[6]) != 7)
			continue;
		for (unsigned i = 0; i < 7; i++)
			if (known(words[i], r->col[i]) < 0 &&
			    strcmp(r->col[i], "*") != 0)
				exit(EXIT_FAILURE);
		row_count++;
	}
	if (f)
		fclose(f);
}

/* Returns the action the table names; exactly one line must match. */
static int
expected(const int v[6])
{
	int action = -1;

	for (unsigned r = 0; r < row_count; r++) {
		unsigned i = 0;

		while (i < 6 && (rows[r].col[i][0] == '*' ||
				 known(words[i], rows[r].col[i]) == v[i]))
			i++;
		if (i < 6)
			continue;
		EXPECT(action < 0);
		rows[r].used++;
		action = known(actions, rows[r].col[6]);
	}
	return action;
}

static int
decided(const int v[6])
{
	struct plan p = {
		.slots = SLOT_BIT(SLOT_TLS_PASSWORD),
		.marker = (enum marker_state)v[1],
		.layout = (enum layout)v[2],
		.may_init = v[3] == 1,
	};

	if (v[0] == 1)
		p.slots |= SLOT_BIT(SLOT_BUNDLE) | SLOT_BIT(SLOT_OLD_KEY);
	return (int)plan_decide(&p, (enum bundles)v[4], v[5] == 1);
}

CASE(every_combination_does_what_the_table_says)
{
	static const int sizes[6] = {2, 3, 2, 2, 5, 2};
	int v[6] = {0}, i;

	EXPECT(row_count > 10);
	do {
		int want = expected(v), got = decided(v);

		if (want != got)
			printf("# %s %s %s %s %s %s: %d, not %d\n", plans[v[0]],
			       markers[v[1]], layouts[v[2]], inits[v[3]],
			       founds[v[4]], olds[v[5]], got, want);
		EXPECT(want == got);
		for (i = 0; i < 6 && ++v[i] == sizes[i]; i++)
			v[i] = 0;
	} while (i < 6);
	for (unsigned r = 0; r < row_count; r++)
		EXPECT(rows[r].used > 0);
}

CASE(bundles_fit_by_marker_kind_and_generation)
{
	for (int m = 0; m < 3; m++)
		for (int known_g = 0; known_g < 2; known_g++)
			for (int kind = 1; kind <= 2; kind++)
				for (int same = 0; same < 2; same++) {
					struct plan p = {
						.marker = (enum marker_state)m,
						.generation = {5},
						.generation_known = known_g};
					struct bundle_name n = {
						.kind = (enum bundle_kind)kind,
						.generation = {same ? 5 : 6}};
					bool want =
						m == MARKER_PREPARED
							? kind == BUNDLE_FRESH &&
								  same
							: same || !known_g;

					EXPECT(plan_allows(&p, &n) == want);
				}
}

static uint8_t body[4096];
static struct items config;

enum { ALL = 0x3ff };

/* Writes CONFIG with those items of the full list whose bit is set. */
static void
config_of(unsigned which, uint32_t marker, uint32_t known_g, uint32_t init)
{
	static const uint8_t b[32] = {9};
	struct wr w;
	size_t n;

	wr_init(&w, body, sizeof(body));
	if (which & 1)
		items_put_u32(&w, TAG_PLAN, 1u << SLOT_BUNDLE);
	if (which & 2)
		items_put(&w, TAG_PIN, b, 32);
	if (which & 4)
		items_put_str(&w, TAG_STORE_ID, "raft:/x");
	if (which & 8)
		items_put_u32(&w, TAG_MARKER, marker);
	if (which & 16)
		items_put(&w, TAG_GENERATION, b, 16);
	if (which & 32)
		items_put_u32(&w, TAG_GENERATION_KNOWN, known_g);
	if (which & 64)
		items_put_u32(&w, TAG_LAYOUT, 1);
	if (which & 128)
		items_put_u32(&w, TAG_SKIP, 3);
	if (which & 256)
		items_put_u32(&w, TAG_MAY_INIT, init);
	if (wr_end(&w, &n) != 0 || items_open(body, n, &config) != 0)
		exit(EXIT_FAILURE);
}

CASE(the_whole_configuration_is_read)
{
	struct plan p;

	config_of(ALL, MARKER_STORED, 1, 1);
	EXPECT(plan_read(&config, &p) == 0);
	EXPECT(p.slots == 1u << SLOT_BUNDLE && p.has_pin && p.pin[0] == 9);
	EXPECT(strcmp(p.store_id, "raft:/x") == 0 && p.skip == 3);
	EXPECT(p.marker == MARKER_STORED && p.layout == LAYOUT_BUNDLE);
	EXPECT(p.generation_known && p.may_init && p.generation[0] == 9);
}

CASE(what_is_needed_must_be_there)
{
	struct plan p;

	for (unsigned bit = 1; bit < 512; bit <<= 1) {
		int may_miss = bit & (2 | 32 | 128 | 256);

		config_of(ALL & ~bit, MARKER_STORED, 1, 0);
		EXPECT((plan_read(&config, &p) == 0) == (may_miss != 0));
	}
	config_of(ALL & ~16u, MARKER_STORED, 0, 0);
	EXPECT(plan_read(&config, &p) == 0); /* unknown, and not asked for */
	config_of(ALL & ~16u, MARKER_PREPARED, 0, 0);
	EXPECT(plan_read(&config, &p) == ERR_FORMAT);
	config_of(ALL & ~16u, MARKER_NONE, 0, 1);
	EXPECT(plan_read(&config, &p) == ERR_FORMAT);
}

CASE(numbers_out_of_range_are_refused)
{
	struct plan p;

	config_of(ALL, 3, 1, 1);
	EXPECT(plan_read(&config, &p) == ERR_FORMAT);
	config_of(ALL, 0, 2, 1);
	EXPECT(plan_read(&config, &p) == ERR_FORMAT);
	config_of(ALL, 0, 1, 2);
	EXPECT(plan_read(&config, &p) == ERR_FORMAT);
}

CASE(a_rotation_needs_its_plan_alone)
{
	struct plan p;
	struct wr w;
	size_t n;

	wr_init(&w, body, sizeof(body));
	items_put_u32(&w, TAG_PLAN, 1u << SLOT_TLS_PASSWORD);
	EXPECT(wr_end(&w, &n) == 0 && items_open(body, n, &config) == 0);
	EXPECT(plan_read(&config, &p) == 0 && !plan_unseals(&p) && !p.has_pin);
	wr_init(&w, body, sizeof(body));
	items_put_u32(&w, TAG_PLAN, 1u << SLOT_COUNT);
	EXPECT(wr_end(&w, &n) == 0 && items_open(body, n, &config) == 0);
	EXPECT(plan_read(&config, &p) == ERR_FORMAT);
	wr_init(&w, body, sizeof(body));
	items_put_u32(&w, TAG_PLAN, 2);
	items_put(&w, TAG_PIN, "short", 5);
	EXPECT(wr_end(&w, &n) == 0 && items_open(body, n, &config) == 0);
	EXPECT(plan_read(&config, &p) == ERR_FORMAT);
}

int
main(int argc, char **argv)
{
	load(argc > 1 ? argv[1] : "tests/tables/tpm_plan.tbl");
	return check_run();
}
