/* SPDX-License-Identifier: Apache-2.0 */
/* A policy file: refused with a place, or lines that mean something. */
#include <string.h>

#include "../fuzz.h"
#include "policy_parse.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	static struct policy p;

	if (pol_parse(&p, "x.policy", (const char *)data, bytes) != 0) {
		REQUIRE(strncmp(p.error, "x.policy:", 9) == 0);
		REQUIRE(strlen(p.error) < sizeof(p.error));
		return 0;
	}
	REQUIRE(strcmp(p.role, "x") == 0);
	REQUIRE(p.otherwise != POL_DEFAULT_NONE);
	REQUIRE(p.line_count > 0 && p.line_count <= POL_LINES_MAX);
	for (size_t i = 0; i < p.line_count; i++) {
		const struct pol_line *l = &p.lines[i];

		REQUIRE(l->nr >= 0 && l->nr == pol_call(l->call));
		REQUIRE(l->reason[0] && l->tag[0]);
		REQUIRE(l->cond_count <= POL_CONDS_MAX);
		if (l->action == POL_ALLOW && l->cond_count == 0)
			REQUIRE(pol_dangerous(l->call) == NULL ||
				strncmp(l->call, "execve", 6) == 0);
		for (unsigned c = 0; c < l->cond_count; c++) {
			REQUIRE(l->conds[c].type.arg < 6);
			REQUIRE(!l->conds[c].type.pointer);
			REQUIRE(!l->conds[c].type.narrow ||
				l->conds[c].value <= UINT32_MAX);
		}
	}
	for (size_t i = 0; i < p.fd_count; i++)
		REQUIRE(p.fds[i].page.first <= p.fds[i].page.last &&
			p.fds[i].page.last <= (int)POL_FD_LAST);
	return 0;
}
