/* SPDX-License-Identifier: Apache-2.0 */
/* What a service says of an error; pure functions. */
#include <string.h>

#include "akv.h"
#include "json.h"

/* A text member under one of two names (MAA writes both). */
static void
take(const json_t *in, const char *name, const char *other, char *out,
     size_t cap)
{
	const json_t *v = json_object_get(in, name);

	if (!v)
		v = json_object_get(in, other);
	if (json_is_string(v))
		text_show(json_string_value(v), json_string_length(v), out,
			  cap);
}

void
service_error_read(const char *body, size_t bytes, struct service_error *out)
{
	struct service_error e = {0};
	const json_t *err;
	json_t *root = NULL;

	if (net_json_open(body, bytes, &root) == 0) {
		err = json_object_get(root, "error");
		if (!err)
			err = json_object_get(root, "Error");
		if (json_is_object(err)) {
			take(err, "code", "Code", e.code, sizeof(e.code));
			take(err, "message", "Message", e.message,
			     sizeof(e.message));
			take(json_object_get(err, "innererror"), "code", "Code",
			     e.inner, sizeof(e.inner));
		} else {
			take(root, "error", "Error", e.code, sizeof(e.code));
			take(root, "error_description", "message", e.message,
			     sizeof(e.message));
		}
	}
	json_decref(root);
	*out = e;
}
