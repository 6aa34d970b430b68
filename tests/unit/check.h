/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The harness of the unit tests: cases whose names are sentences, TAP on
 * standard output, exit 1 if one failed.
 *
 *	CASE(rejects_body_longer_than_declared)
 *	{
 *		EXPECT(frame_get(...) == ERR_PROTO);
 *	}
 *	int main(void) { return check_run(); }
 */
#ifndef SP_CHECK_H
#define SP_CHECK_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct check_case {
	const char *name;
	void (*run)(void);
	struct check_case *next;
};

static struct check_case *check_first;
static struct check_case **check_tail = &check_first;
static int check_bad;

#define CASE(id)                                                               \
	static void id(void);                                                  \
	static struct check_case case_##id = {#id, id, NULL};                  \
	__attribute__((constructor)) static void add_##id(void)                \
	{                                                                      \
		*check_tail = &case_##id;                                      \
		check_tail = &case_##id.next;                                  \
	}                                                                      \
	static void id(void)

#define EXPECT(cond)                                                           \
	do {                                                                   \
		if (!(cond)) {                                                 \
			check_bad = 1;                                         \
			printf("# %s:%d: %s\n", __FILE__, __LINE__, #cond);    \
		}                                                              \
	} while (0)

static inline int
check_run(void)
{
	int n = 0, failed = 0;

	for (struct check_case *c = check_first; c; c = c->next) {
		check_bad = 0;
		c->run();
		failed += check_bad;
		printf("%s %d - %s\n", check_bad ? "not ok" : "ok", ++n,
		       c->name);
	}
	printf("1..%d\n", n);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

#endif
