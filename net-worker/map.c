/* SPDX-License-Identifier: Apache-2.0 */
#include "map.h"

#include <sys/mman.h>
#include <sys/stat.h>

int
map_sealed(int fd, size_t max, const uint8_t **out, size_t *out_bytes)
{
	struct stat st;
	void *p;

	if (fstat(fd, &st) != 0)
		return ERR_SYS;
	if (st.st_size < 0 || (size_t)st.st_size > max)
		return ERR_RANGE;
	*out_bytes = (size_t)st.st_size;
	if (*out_bytes == 0)
		return 0;
	p = mmap(NULL, *out_bytes, PROT_READ, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		return ERR_SYS;
	*out = p;
	return 0;
}
