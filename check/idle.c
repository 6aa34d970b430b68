/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sallyport-idle: what exec becomes in `sallyport check`.  Static, and does
 * nothing but wait until its standard input ends.
 */
#include <unistd.h>

int
main(void)
{
	char c;

	while (read(0, &c, 1) > 0)
		continue;
	return 0;
}
