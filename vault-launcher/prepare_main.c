/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sallyport-prepare: makes the server's files, offline.  `render` turns the
 * template into both configurations and sees the storage key where there is
 * one; `tls` turns the PFX into certificate and key and sees nothing else
 * (DESIGN P6): who wrote a hostile PFX meets nothing but what he knew.
 */
#include <string.h>
#include <unistd.h>

#include "crypto_heap.h"
#include "prepare.h"

int
main(int argc, char **argv)
{
	if (crypto_heap() != 0)
		return EXIT_LOCK;
	if (argc == 2 && strcmp(argv[1], "render") == 0)
		render_seat();
	if (argc == 2 && strcmp(argv[1], "tls") == 0)
		tls_seat();
	return EXIT_USAGE;
}
