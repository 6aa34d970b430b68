/* SPDX-License-Identifier: Apache-2.0 */
/* One ACL policy: its whole text is compared and, if it differs, replaced. */
#include "configure.h"
#include "tags.h"

#define NAME_CAP 256u

int
configure_policy(const struct configure *c, const struct items *it)
{
	char name[NAME_CAP], path[SRV_PATH_MAX];
	json_t *want, *have = NULL;
	int status, r;

	if ((r = items_str(it, C_PATH, 0, name, sizeof(name))) != 0 ||
	    (r = conf_path(path, "sys/policies/acl/", name, "")) != 0)
		return r;
	if (!(want = json_object()))
		return ERR_NOMEM;
	if ((r = conf_set(want, "policy", it, C_TEXT)) != 0)
		goto out;
	if ((r = conf_get(c, path, &status, &have)) != 0)
		goto out;
	if (!have || !json_equal(json_object_get(want, "policy"),
				 json_object_get(have, "policy")))
		r = conf_write(c, "PUT", path, want);
out:
	json_decref(have);
	json_decref(want);
	return r;
}
