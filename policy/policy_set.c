/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What only all policies together show: each role, seat and uid is one
 * process's, and an outer filter is there.
 */
#include <stdarg.h>
#include <string.h>

#include "policy_emit.h"

static int bad(const char *file, unsigned line, size_t column, const char *fmt,
	       ...) __attribute__((format(printf, 4, 5)));

static int
bad(const char *file, unsigned line, size_t column, const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "%s:%u:%zu: ", file, line, column);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	return ERR_FORMAT;
}

/* A fact of the page i that an older page has too. */
static int
unshared(const struct policy *all, char *const *files, size_t i,
	 const struct pol_fact *f)
{
	for (size_t k = 0; k < i; k++)
		for (size_t n = 0; n < all[k].fact_count; n++) {
			const struct pol_fact *o = &all[k].facts[n];

			if (strcmp(o->word, f->word) != 0 ||
			    strcmp(o->text, f->text) != 0)
				continue;
			return bad(files[i], f->number, f->column,
				   "%s:%u says %s %s too; processes share "
				   "none, give each its own",
				   files[k], o->number, o->word, o->text);
		}
	return 0;
}

static int
filter_known(const struct policy *all, char *const *files, size_t count,
	     size_t i, const struct pol_fact *f)
{
	for (size_t k = 0; k < count; k++)
		if (strcmp(all[k].role, f->text) == 0 && !all[k].program[0])
			return 0;
	if (strcmp(f->text, "none") == 0)
		return 0;
	return bad(files[i], f->number, f->column,
		   "no list of calls \"%s\" among the files; name outer or "
		   "outer_net, and give its file too",
		   f->text);
}

static int
page(const struct policy *all, char *const *files, size_t count, size_t i)
{
	int r;

	for (size_t n = 0; n < all[i].fact_count; n++) {
		const struct pol_fact *f = &all[i].facts[n];

		if ((strcmp(f->word, "uid") == 0 ||
		     strcmp(f->word, "program") == 0) &&
		    (r = unshared(all, files, i, f)) != 0)
			return r;
		if (strcmp(f->word, "filter") == 0 &&
		    (r = filter_known(all, files, count, i, f)) != 0)
			return r;
	}
	return 0;
}

/* A seat may stand with other words in two files: compare the seats. */
static int
seats(const struct policy *all, char *const *files, size_t i)
{
	for (size_t k = 0; k < i; k++)
		for (size_t n = 0; n < all[i].seat_count; n++)
			for (size_t m = 0; m < all[k].seat_count; m++)
				if (all[i].seats[n].seat ==
				    all[k].seats[m].seat)
					return bad(files[i],
						   all[i].seats[n].number, 6,
						   "%s:%u has this seat; give "
						   "it to one of the two",
						   files[k],
						   all[k].seats[m].number);
	return 0;
}

int
set_check(const struct policy *all, char *const *files, size_t count)
{
	int r;

	for (size_t i = 0; i < count; i++) {
		for (size_t k = 0; k < i; k++)
			if (strcmp(all[k].role, all[i].role) == 0)
				return bad(files[i], all[i].role_number, 6,
					   "%s is of role %s too; give each "
					   "role once",
					   files[k], all[i].role);
		if ((r = page(all, files, count, i)) != 0 ||
		    (r = seats(all, files, i)) != 0)
			return r;
	}
	return 0;
}
