/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One line of a policy being read: its words, where they stand, and the error
 * that names the place.  For the files of the parser alone.
 */
#ifndef SP_POLICY_LINE_H
#define SP_POLICY_LINE_H

#include "policy_parse.h"

#define LINE_MAX_BYTES 1024u
#define LINE_WORDS_MAX 64u

struct at {
	struct policy *p;
	const char *file;
	unsigned number;	     /* of the line, from 1 */
	char text[LINE_MAX_BYTES];   /* the line, cut into words */
	size_t bytes;		     /* before the comment */
	char *words[LINE_WORDS_MAX]; /* into text; then NULL */
	size_t count;
	char *comment; /* into text, after #; or NULL */
};

/*
 * Writes "file:line:column: …" to the policy's error; the text says what is
 * wrong, then "; " and what to do.  The column is that of the place (into
 * a->text), NULL: the end of the words.  Returns ERR_FORMAT.
 */
CHECKED int line_bad(struct at *a, const char *place, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Takes the next line of n bytes and cuts it.  Returns 0 or line_bad(). */
CHECKED int line_take(struct at *a, const char *text, size_t n);

/* Copies a word that must be a name.  Returns 0 or line_bad(). */
CHECKED int line_name(struct at *a, char out[static POL_NAME_MAX],
		      const char *word);

/* One number or constant of chars bytes at s.  Returns 0 or line_bad(). */
CHECKED int line_number(struct at *a, const char *s, size_t chars,
			uint64_t *out);

/*
 * The comment of the line as a reason and, if tag is not NULL, the test tag
 * that must end it.  Returns 0 or line_bad().
 */
CHECKED int line_reason(struct at *a, char out[static POL_TEXT_MAX], char *tag);

/* Joins words from..to-1 by spaces.  Returns 0 or line_bad(). */
CHECKED int line_words(struct at *a, size_t from, size_t to,
		       char out[static POL_WHEN_MAX]);

/*
 * The error of a place that was read before: a fact of the page.  Returns
 * line_bad().
 */
CHECKED int line_bad_fact(struct at *a, const struct pol_fact *f,
			  const char *what);

/* How many lines of the page begin with the word, this one included. */
size_t head_count(const struct policy *p, const char *word);

/* The place of a word in the table of page lines, or -1. (policy_head.c) */
int head_known(const char *word);

/* Reads a line of the page.  Returns 0 or line_bad(). */
CHECKED int head_line(struct at *a);

/* Refuses a process whose page is not whole.  Returns 0 or line_bad(). */
CHECKED int head_whole(struct at *a);

/* The readers of single lines: 0 or line_bad(). */
CHECKED int head_seat(struct at *a);
CHECKED int head_uid(struct at *a);
CHECKED int head_capabilities(struct at *a);
CHECKED int head_namespaces(struct at *a);
CHECKED int head_network(struct at *a);
CHECKED int head_root(struct at *a);
CHECKED int head_limit(struct at *a);
CHECKED int head_landlock(struct at *a);
CHECKED int head_fd(struct at *a);

/* Word i must be a setting's name; out_default may be NULL. */
CHECKED int head_setting(struct at *a, size_t i, char out[static POL_NAME_MAX],
			 const char **out_default);

/* "when X and Y …" from word i to the end, or nothing. */
CHECKED int head_when(struct at *a, size_t i, unsigned *out);

/* Refuses words from number `count` on. */
CHECKED int head_ends(struct at *a, size_t count);

/*
 * Refuses a line that is dead, contradicts another, or allows too much.
 * Returns 0 or line_bad().  (policy_check.c)
 */
CHECKED int check_line(struct at *a, const struct pol_line *l);

/* Refuses what only the whole file shows.  Returns 0 or line_bad(). */
CHECKED int check_whole(struct at *a);

#endif
