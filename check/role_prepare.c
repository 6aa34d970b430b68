/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lives of prepare: the installed templates rendered, with a storage key
 * and without one, and PFX files of today and of before 2017.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "blob.h"
#include "config.h"
#include "fds.h"
#include "memfd.h"
#include "rig.h"

#define TEMPLATE_MAX (64u << 10)
#define OUT_MAX	     65536u

/* A file that the worker may write and we can read: ours, and its end. */
static int
new_output(struct rig *r, int n, int *out_ours)
{
	int fd = memfd_create("sallyport-check", MFD_CLOEXEC), theirs;
	char path[64];

	if (fd < 0)
		return ERR_SYS;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	*out_ours = fd;
	if ((theirs = open(path, O_WRONLY | O_CLOEXEC)) < 0)
		return ERR_SYS;
	rig_give(r, n, theirs, true);
	return 0;
}

/* Says whether the file holds the text; closes it. */
static bool
holds(int fd, const char *text)
{
	static char buf[OUT_MAX + 1];
	ssize_t n = pread(fd, buf, OUT_MAX, 0);

	close(fd);
	buf[n > 0 ? n : 0] = '\0';
	return strstr(buf, text) != NULL;
}

static int
settings(struct rig *r, const char *storage)
{
	bool azure = !strcmp(storage, "azure");
	int e;

	if ((e = conf_put(&r->conf, CONF_STORAGE, storage)) != 0)
		return e;
	return conf_put(&r->conf, CONF_STORE_PATH,
			azure ? NULL : "/var/lib/check/store");
}

static int
render_files(struct rig *r, const char *storage, int out[static 2])
{
	static const uint8_t key[STORAGE_KEY_BYTES];
	char path[256];
	int template, e;

	snprintf(path, sizeof(path), SP_DATADIR "/templates/%s.hcl.tpl",
		 storage);
	if ((e = rig_open(r, SEAT_RENDER)) != 0)
		return e;
	if (memfd_of_file(path, TEMPLATE_MAX, false, &template) != 0)
		return rig_wrong(r, "%s cannot be read: install again", path);
	rig_give(r, FD_RENDER_TEMPLATE, template, true);
	if ((e = new_output(r, FD_RENDER_PUBLIC, &out[0])) != 0 ||
	    (e = new_output(r, FD_RENDER_PRIVATE, &out[1])) != 0)
		return e;
	rig_give(r, FD_RENDER_PUB, r->x.pub_end[DIRECT_RENDER][1], false);
	rig_give(r, FD_RENDER_IN, r->x.sealed_end[DIRECT_RENDER][1], false);
	if ((e = rig_start(r)) != 0)
		return e;
	rig_step(r, "render");
	if (!conf_local_store(&r->conf) &&
	    (e = rig_seal(r, DIRECT_RENDER, MSG_SEALED_STORAGE, key,
			  sizeof(key))) != 0)
		return e;
	return rig_end(r, EXIT_OK);
}

static int
render(struct rig *r, const char *storage)
{
	int out[2] = {-1, -1}, e;
	bool good;

	if ((e = settings(r, storage)) != 0)
		return e;
	e = render_files(r, storage, out);
	good = holds(out[1], storage);
	good = holds(out[0], FIX_HOST) && good;
	if (e == 0 && !good)
		e = rig_wrong(r,
			      "the %s template: values are missing in what "
			      "was rendered",
			      storage);
	return e;
}

static int
tls_files(struct rig *r, int old, int out[static 2])
{
	uint8_t pfx[FIX_PFX_MAX], password[PASSWORD_SEALED] = {0};
	size_t n;
	int e;

	if ((e = rig_open(r, SEAT_TLS)) != 0)
		return e;
	if (fixture_pfx(&r->f, old, pfx, &n) != 0)
		return rig_wrong(r, "no PFX of that kind can be made here: "
				    "OpenSSL's legacy provider is missing");
	if ((e = new_output(r, FD_TLS_CERT, &out[0])) != 0 ||
	    (e = new_output(r, FD_TLS_KEY, &out[1])) != 0)
		return e;
	rig_give(r, FD_TLS_PUB, r->x.pub_end[DIRECT_TLS][1], false);
	rig_give(r, FD_TLS_IN, r->x.sealed_end[DIRECT_TLS][1], false);
	if ((e = rig_start(r)) != 0)
		return e;
	rig_step(r, old ? "tls, old PFX" : "tls");
	password[0] = sizeof(FIX_PASSWORD) - 1;
	memcpy(password + 1, FIX_PASSWORD, sizeof(FIX_PASSWORD) - 1);
	if ((e = rig_send(r, MSG_PFX, pfx, n)) != 0 ||
	    (e = rig_seal(r, DIRECT_TLS, MSG_SEALED_PASSWORD, password,
			  sizeof(password))) != 0)
		return e;
	return rig_end(r, EXIT_OK);
}

static int
tls(struct rig *r, int old)
{
	int out[2] = {-1, -1}, e;
	bool good;

	e = tls_files(r, old, out);
	good = holds(out[1], "PRIVATE KEY");
	good = holds(out[0], "BEGIN CERTIFICATE") && good;
	if (e == 0 && !good)
		e = rig_wrong(r, "certificate or key was not written");
	return e;
}

int
role_prepare(struct rig *r)
{
	static const char *const storages[] = {"raft", "pebbledb", "azure"};
	int e = 0;

	for (unsigned i = 0; e == 0 && i < 3; i++)
		e = render(r, storages[i]);
	if (e == 0)
		e = tls(r, 0);
	if (e == 0)
		e = tls(r, 1);
	return e;
}
