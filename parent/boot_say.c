/* SPDX-License-Identifier: Apache-2.0 */
/* What a boot says of what it found. */
#include "boot.h"
#include "log.h"
#include "table.h"
#include "wait.h"

int
boot_stop(struct sup *s, const struct seen *seen, int code)
{
	const char *advice = table_advice(seen);
	char text[200];

	table_text(seen, text, sizeof(text));
	log_line(LOG_FAIL, NULL, "found", "found: %s", text);
	if (advice)
		log_line(LOG_FAIL, NULL, "remote_store",
			 "container %s of storage account %s: %s",
			 conf_str(s->conf, CONF_CONTAINER),
			 conf_str(s->conf, CONF_SA_NAME), advice);
	fail_with(s, code, SEAT_SUPERVISOR);
	return ERR_REFUSED;
}

void
boot_warn(const struct sup *s, const struct seen *seen)
{
	if (!conf_str(s->conf, CONF_PIN))
		log_line(LOG_WARN, NULL, "no_pin",
			 "the master key is not pinned: add pin = (the key "
			 "above) to the configuration");
	if (seen->keys == KEYS_OLD)
		log_line(LOG_WARN, NULL, "old_layout",
			 "keys of the old layout: its root token lies in the "
			 "key vault in clear; what Sallyport promises does "
			 "not hold for this vault until it is migrated");
}
