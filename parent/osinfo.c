/* SPDX-License-Identifier: Apache-2.0 */
#include "osinfo.h"

#include <stdio.h>
#include <string.h>

#include "log.h"

void
osinfo_read(struct osinfo *out)
{
	FILE *f = fopen("/etc/os-release", "re");
	char line[256], text[200];

	snprintf(out->name, sizeof(out->name), "Linux");
	out->major = 1;
	out->minor = 0;
	while (f && fgets(line, sizeof(line), f)) {
		unsigned a = 0, b = 0;

		if (sscanf(line, "NAME=\"%199[^\"\n]", text) == 1 ||
		    sscanf(line, "NAME=%199[^\"\n]", text) == 1)
			log_text(text, strnlen(text, sizeof(out->name) - 1),
				 out->name, sizeof(out->name));
		if (sscanf(line, "VERSION_ID=\"%u.%u", &a, &b) >= 1 ||
		    sscanf(line, "VERSION_ID=%u.%u", &a, &b) >= 1) {
			out->major = a > 0 && a < 10000 ? a : 1;
			out->minor = b < 10000 ? b : 0;
		}
	}
	if (f)
		fclose(f);
}
