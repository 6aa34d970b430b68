/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The program that becomes the server, without the server's filter and
 * Landlock: neither is to be had without no_new_privs.
 */
#include <stdarg.h>
#include <sys/prctl.h>

#include "exec_landlock.h"
#include "filter.h"

int __wrap_filter_install(const struct filter_prog *f);
int __wrap_exec_landlock(const struct items *config);
int __wrap_prctl(int option, ...);
int __real_prctl(int option, ...);

int
__wrap_exec_landlock(const struct items *config)
{
	return 0;
}

int
__wrap_prctl(int option, ...)
{
	unsigned long a[4];
	va_list ap;

	va_start(ap, option);
	for (int i = 0; i < 4; i++)
		a[i] = va_arg(ap, unsigned long);
	va_end(ap);
	if (option == PR_GET_NO_NEW_PRIVS)
		return 1;
	return __real_prctl(option, a[0], a[1], a[2], a[3]);
}

int
__wrap_filter_install(const struct filter_prog *f)
{
	return 0;
}
