/* SPDX-License-Identifier: Apache-2.0 */
/* Nobody else is at work on the store, and it is still as it was seen. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log.h"
#include "store.h"

#define LOCK_TRIES 30
#define LOCK_MS	   100

int
store_unchanged(const struct sup *s, const struct marker *was,
		struct seen *out_now)
{
	struct marker now;
	struct seen seen;
	int r = store_look(s, &seen, &now);

	if (r != 0)
		return r;
	if (now.state != was->state || now.dev != was->dev ||
	    now.ino != was->ino ||
	    now.generation_known != was->generation_known ||
	    memcmp(now.generation, was->generation, GENERATION_BYTES) != 0) {
		log_line(LOG_FAIL, NULL, "store_changed",
			 "the store's marker changed during this boot: is a "
			 "volume mounted late, or another sallyport at work?");
		return EXIT_STATE;
	}
	*out_now = seen;
	return 0;
}

/* The lock is the open descriptor: it goes with the process.  After one that
 * was killed its children may have it for a moment, until their exec. */
static int
lock(const char *dir)
{
	int fd = open(dir, O_DIRECTORY | O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return 0; /* who works with it says what is wrong with it */
	for (int i = 0; i < LOCK_TRIES; i++) {
		if (flock(fd, LOCK_EX | LOCK_NB) == 0)
			return 0;
		usleep(1000 * LOCK_MS);
	}
	log_line(LOG_FAIL, NULL, "store_locked",
		 "another sallyport uses %s: end it first", dir);
	close(fd);
	return EXIT_STATE;
}

int
store_lock(const struct sup *s)
{
	const char *path = conf_str(s->conf, CONF_STORE_PATH);
	const char *run = conf_str(s->conf, CONF_RUN_DIR);
	char dir[PATH_MAX];
	int r;

	/* full: in a mount namespace of the boot's own */
	if (!s->full && (mkdir(run, 0700) == 0 || errno == EEXIST) &&
	    (r = lock(run)) != 0)
		return r;
	if (!conf_local_store(s->conf))
		return 0;
	snprintf(dir, sizeof(dir), "%.*s", (int)(strrchr(path, '/') - path) + 1,
		 path);
	return lock(dir);
}
