/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shared by the two halves of the configuration's reader: conf.c knows keys,
 * sections and what fits together, conf_file.c the file and its lines.
 */
#ifndef SP_CONF_LOAD_H
#define SP_CONF_LOAD_H

#include "conf.h"

struct load {
	struct conf *c;
	struct conf_error *error;
	bool failed;
};

/* Keeps one error.  Returns 0: libinih's "an error on this line". */
__attribute__((format(printf, 2, 3))) int conf_fail(struct load *l,
						    const char *fmt, ...);

/* Takes one pair; section is "" before the first.  Returns 1, or 0: failed. */
CHECKED int conf_pair(struct load *l, const char *section, const char *name,
		      const char *value);

/* Names each value that must be set and is not.  Returns 0 or ERR_FORMAT. */
CHECKED int conf_missing(const struct conf *c, struct conf_error *out_error);

/*
 * Reads the file (NULL: the default place, which may be absent).  Returns 0,
 * or ERR_FORMAT with an error that names file and line.
 */
CHECKED int conf_read_file(struct load *l, const char *file);

/* The same of a text in memory, which is called `name`. */
CHECKED int conf_text(struct load *l, const char *name, const char *text,
		      size_t bytes);

#endif
