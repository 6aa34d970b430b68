/* SPDX-License-Identifier: Apache-2.0 */
/* Name and version of this system, which the attestation request carries. */
#ifndef SP_OSINFO_H
#define SP_OSINFO_H

struct osinfo {
	char name[64];
	unsigned major, minor;
};

/*
 * Reads /etc/os-release (os-release(5)); what is missing is "Linux" and 1.0.
 * Cannot fail.
 */
void osinfo_read(struct osinfo *out);

#endif
