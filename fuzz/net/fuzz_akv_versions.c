/* SPDX-License-Identifier: Apache-2.0 */
/* A page of a secret's versions, read twice: sorted, and the token goes on to
 * the same list alone. */
#include <string.h>
#include <strings.h>

#include "../fuzz.h"
#include "akv.h"

#define HOST "v.vault.azure.net"
#define NAME "apm-unseal-bundle"

static void
check(const struct akv_versions *all)
{
	REQUIRE(all->n <= BUNDLE_VERSIONS);
	for (unsigned i = 0; i < all->n; i++)
		REQUIRE(strspn(all->v[i].id, "0123456789abcdefABCDEF") ==
			AKV_VERSION);
	for (unsigned i = 1; i < all->n; i++) {
		REQUIRE(all->v[i - 1].created >= all->v[i].created);
		REQUIRE(all->v[i - 1].created > all->v[i].created ||
			strcmp(all->v[i - 1].id, all->v[i].id) > 0);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	static const char list[] = "/secrets/" NAME "/versions?";
	struct akv_versions all = {0}, before;
	char next[4096];
	struct text t;

	if (bytes > AKV_SECRET_MAX)
		return 0;
	for (unsigned i = 0; i < 2; i++) {
		before = all;
		text_init(&t, next, sizeof(next));
		if (akv_versions_read((const char *)data, bytes, HOST, NAME,
				      &all, &t) != 0) {
			REQUIRE(memcmp(&all, &before, sizeof(all)) == 0);
			return 0;
		}
		check(&all);
		if (next[0] != '\0')
			REQUIRE(strncasecmp(next, list, sizeof(list) - 1) == 0);
	}
	REQUIRE(all.n == before.n); /* the same page brings nothing new */
	return 0;
}
