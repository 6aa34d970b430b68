/* SPDX-License-Identifier: Apache-2.0 */
/* The template: what comes out has no reference and no control character. */
#include <string.h>

#include "../fuzz.h"
#include "template.h"

/* The input as a value: what a pattern takes can end no string in HCL. */
static void
as_value(const uint8_t *data, size_t bytes)
{
	char text[VALUE_MAX + 9];

	if (bytes >= sizeof(text))
		return;
	memcpy(text, data, bytes);
	text[bytes] = '\0';
	for (unsigned v = 0; v < VAR_COUNT; v++) {
		if (template_value(v, text) != 0)
			continue;
		REQUIRE(text[0] != '\0' && strlen(text) <= VALUE_MAX);
		REQUIRE(!strpbrk(text, "\"\\${}[]<># \t\r\n*"));
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	static const struct template_values values = {{
		[VAR_HOSTNAME] = "h.example.org",
		[VAR_PORT] = "8200",
		[VAR_SA_NAME] = "store1",
		[VAR_STORAGE] = "azure",
		[VAR_STORAGE_PATH] = "/srv/data",
		[VAR_RUN_DIRECTORY] = "/run/x",
	}};
	static uint8_t out[RENDERED_MAX];
	unsigned line = 0;
	struct wr w;
	size_t n;
	int r;

	if (bytes)
		as_value(data, bytes);
	wr_init(&w, out, sizeof(out));
	r = template_render((const char *)data, bytes, &values, &w, &line);
	REQUIRE(r == 0 || r == ERR_RANGE || (r == ERR_FORMAT && line > 0));
	if (r != 0)
		return 0;
	REQUIRE(wr_end(&w, &n) == 0 && n <= RENDERED_MAX);
	for (size_t i = 0; i < n; i++) {
		REQUIRE(out[i] >= 0x20 || out[i] == '\t' || out[i] == '\n' ||
			out[i] == '\r');
		REQUIRE(out[i] != '$' || i + 1 == n || out[i + 1] != '{');
	}
	REQUIRE(bytes != 0 || n == 0);
	return 0;
}
