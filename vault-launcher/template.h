/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server's configuration template: text in which $NAME and ${NAME} stand
 * for values, as envsubst(1) replaces them.  Seven names exist; any other is an
 * error, and so is a value that does not fit its own pattern: no value can
 * bring a quote, a brace, a line end or a $ into the text (DESIGN P5).
 */
#ifndef SP_TEMPLATE_H
#define SP_TEMPLATE_H

#include <stddef.h>
#include <stdint.h>

#include "cursor.h"
#include "err.h"

#define TEMPLATE_MAX 65536u /* bytes of the longest template */
#define RENDERED_MAX 65536u /* bytes of the longest rendered text */
#define VALUE_MAX    255u   /* characters of the longest value */

enum variable {
	VAR_HOSTNAME,	   /* APM_HOSTNAME: labels of RFC 1123 */
	VAR_PORT,	   /* APM_PORT: 1..65535 */
	VAR_SA_NAME,	   /* APM_SA_NAME: 3 to 24 of a-z 0-9 */
	VAR_SAA_KEY,	   /* APM_SAA_KEY: base64 of 64 bytes */
	VAR_STORAGE,	   /* STORAGE: a-z 0-9 _ */
	VAR_STORAGE_PATH,  /* STORAGE_PATH: absolute, no "." or ".." part */
	VAR_RUN_DIRECTORY, /* RUN_DIRECTORY: the same */
	VAR_COUNT
};

/* NULL: the variable has no value, and a template that names it is refused. */
struct template_values {
	const char *sk_value[VAR_COUNT];
};

/*
 * Says whether a value fits the pattern of its variable: 0 or ERR_FORMAT.
 */
CHECKED int template_value(enum variable v, const char *sk_value);

/*
 * Renders a template of `bytes` at the end of `sk_out` (wr_end tells how
 * much).  Returns 0; ERR_FORMAT and the line (from 1) when the template holds
 * a control character, an unknown name or one without a good value, or a
 * "${" that is no reference; ERR_RANGE when it or the result is too long.
 * On failure sk_out is partly written: it is the caller's to wipe.
 */
CHECKED int template_render(const char *text, size_t bytes,
			    const struct template_values *values,
			    struct wr *sk_out, unsigned *out_line);

#endif
