/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration: what is accepted passed its check, and no line is cut. */
#include <string.h>

#include "../fuzz.h"
#include "conf_load.h"

/* Every value that was taken stands in the text as it is. */
static void
whole(const char *value, const uint8_t *data, size_t bytes)
{
	size_t n = strlen(value);

	REQUIRE(n == 0 || memmem(data, bytes, value, n) != NULL);
	for (size_t i = 0; i < n; i++)
		REQUIRE((unsigned char)value[i] >= 0x20 || value[i] == '\t');
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct conf_error error = {0};
	static struct conf c;
	struct load l = {.c = &c, .error = &error};
	int r;

	memset(&c, 0, sizeof(c));
	r = conf_text(&l, "file", (const char *)data, bytes);
	REQUIRE(r == 0 || r == ERR_FORMAT);
	REQUIRE((r == 0) == (error.count == 0));
	for (int k = 0; k < CONF_COUNT; k++)
		if (c.value[k])
			whole(c.value[k], data, bytes);
	for (unsigned i = 0; i < c.sections; i++) {
		const struct section *s = &c.section[i];

		whole(s->name, data, bytes);
		for (unsigned p = 0; p < s->pairs; p++)
			whole(s->value[p], data, bytes);
	}
	conf_free(&c);
	return 0;
}
