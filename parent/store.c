/* SPDX-License-Identifier: Apache-2.0 */
#include "store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "b64.h"
#include "log.h"

#define MARKER_MAX 256

struct place {
	const char *path; /* the store */
	const char *name; /* its last component */
	int parent;	  /* descriptor of its parent directory */
	char marker[256]; /* NAME.sallyport */
};

static int
say(const char *path, const char *what, int code)
{
	log_line(LOG_FAIL, NULL, "store_path", "%s: %s", path, what);
	return code;
}

/* The parent must be root's and written by nobody else. */
static int
place_open(const struct sup *s, struct place *p)
{
	char dir[PATH_MAX];
	struct stat st;
	size_t n;

	p->path = conf_str(s->conf, CONF_STORE_PATH);
	p->name = strrchr(p->path, '/') + 1;
	n = (size_t)(p->name - p->path);
	snprintf(dir, sizeof(dir), "%.*s", n > 1 ? (int)n - 1 : 1, p->path);
	snprintf(p->marker, sizeof(p->marker), "%s.sallyport", p->name);
	p->parent = open(dir, O_DIRECTORY | O_RDONLY | O_CLOEXEC);
	if (p->parent < 0)
		return say(dir,
			   "the parent of storage_path cannot be opened: "
			   "make it (root, 0755)",
			   EXIT_STORE_PATH);
	if (fstat(p->parent, &st) != 0 || st.st_uid != 0 ||
	    (st.st_mode & 022) != 0) {
		close(p->parent);
		return say(dir,
			   "the parent of storage_path must belong to "
			   "root and be writable by root alone",
			   EXIT_STORE_PATH);
	}
	return 0;
}

static int
is_empty(int dir_fd)
{
	int fd = dup(dir_fd), n = 0;
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;

	if (!d)
		return -1;
	errno = 0; /* a read error must not look like an empty store */
	while ((e = readdir(d)) != NULL) {
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			n++;
		errno = 0;
	}
	if (errno != 0)
		n = -1;
	closedir(d);
	return n < 0 ? -1 : n == 0;
}

/* Returns 0, or an exit code; *out_st is zeroed when it is absent. */
static int
look_at_dir(const struct place *p, const struct sup *s, struct seen *seen,
	    struct stat *out_st)
{
	struct stat parent;
	int empty, fd;

	memset(out_st, 0, sizeof(*out_st));
	seen->store = STORE_EMPTY;
	fd = openat(p->parent, p->name,
		    O_DIRECTORY | O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0)
		return say(p->path,
			   "cannot be opened as a directory: it must "
			   "be root:SERVER 2770",
			   EXIT_STORE_PATH);
	empty = is_empty(fd);
	if (fstat(fd, out_st) != 0 || fstat(p->parent, &parent) != 0 ||
	    empty < 0) {
		close(fd);
		return say(p->path, strerror(errno), EXIT_STORE_PATH);
	}
	close(fd);
	if (out_st->st_dev != parent.st_dev)
		return say(p->path,
			   "must not be a mount point: mount the "
			   "volume on its parent",
			   EXIT_STORE_PATH);
	if (out_st->st_uid != 0 ||
	    out_st->st_gid != conf_num(s->conf, CONF_UID_SERVER) ||
	    (out_st->st_mode & 07777) != 02770) {
		log_line(LOG_FAIL, NULL, "store_path",
			 "%s must be root's: chown root:%u %s; chmod 2770 %s",
			 p->path, conf_num(s->conf, CONF_UID_SERVER), p->path,
			 p->path);
		return EXIT_STORE_PATH;
	}
	seen->store = empty ? STORE_EMPTY : STORE_FILES;
	return 0;
}

static int
parse_marker(const char *text, struct marker *out)
{
	char state[16], gen[40];
	unsigned long long dev, ino;
	struct marker m = {0};
	int end = 0, more = 0;

	if (sscanf(text,
		   "sallyport marker 1\nstate %15s\ngeneration %39s\n"
		   "directory %llu %llu\n%nstorage %15s\n%n",
		   state, gen, &dev, &ino, &end, m.storage, &more) < 4 ||
	    text[more > end ? more : end] != '\0')
		return ERR_FORMAT;
	if (!strcmp(state, "PREPARED"))
		m.state = MARKER_PREPARED;
	else if (!strcmp(state, "STORED"))
		m.state = MARKER_STORED;
	else
		return ERR_FORMAT;
	m.generation_known = strcmp(gen, "unknown") != 0;
	if (m.generation_known &&
	    hex_decode(gen, strlen(gen), m.generation, GENERATION_BYTES) != 0)
		return ERR_FORMAT;
	m.dev = dev;
	m.ino = ino;
	*out = m;
	return 0;
}

static int
read_marker(const struct place *p, struct marker *out)
{
	char text[MARKER_MAX] = "";
	struct stat st;
	ssize_t n = -1;
	int fd = openat(p->parent, p->marker,
			O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);

	memset(out, 0, sizeof(*out));
	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	    st.st_uid == 0 && (st.st_mode & 022) == 0)
		n = read(fd, text, sizeof(text) - 1);
	if (fd >= 0)
		close(fd);
	if (n > 0 && parse_marker(text, out) == 0)
		return 0;
	return say(p->marker, "the marker is not one that sallyport wrote",
		   EXIT_MARKER);
}

/* A look would begin a store of its own among the files of another type. */
static int
check_type(const struct sup *s, const struct place *p, const struct marker *m,
	   const struct seen *seen)
{
	const char *set = conf_str(s->conf, CONF_STORAGE);

	if (m->state != MARKER_STORED || seen->store == STORE_EMPTY ||
	    !m->storage[0] || strcmp(m->storage, set) == 0)
		return 0;
	log_line(LOG_FAIL, NULL, "found",
		 "%s was made with storage = %s, the configuration says %s: "
		 "set storage = %s, or another storage_path",
		 p->path, m->storage, set, m->storage);
	return EXIT_STATE;
}

int
store_look(const struct sup *s, struct seen *out_seen,
	   struct marker *out_marker)
{
	struct seen seen = {.store = STORE_REMOTE};
	struct marker m = {0};
	struct place p;
	struct stat st;
	int r;

	if (conf_local_store(s->conf)) {
		if ((r = place_open(s, &p)) != 0)
			return r;
		r = look_at_dir(&p, s, &seen, &st);
		if (r == 0)
			r = read_marker(&p, &m);
		if (r == 0)
			r = check_type(s, &p, &m, &seen);
		close(p.parent);
		if (r != 0)
			return r;
		seen.marker = m.state;
		/* The marker lies on the store's file system, whose device
		 * number is another one after a restart of the machine. */
		seen.this_directory =
			m.state != MARKER_NONE && m.ino == st.st_ino;
	}
	*out_seen = seen;
	*out_marker = m;
	return 0;
}

/* Under its name it is there as it must be, or not at all: a death in between
 * leaves one that the next boot takes away. */
static int
make_as(const struct place *p, gid_t gid)
{
	char made[300];
	int fd, r = ERR_SYS;

	snprintf(made, sizeof(made), "%s.made", p->marker);
	(void)!unlinkat(p->parent, made, AT_REMOVEDIR);
	if (mkdirat(p->parent, made, 0700) != 0)
		return ERR_SYS;
	fd = openat(p->parent, made,
		    O_DIRECTORY | O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return ERR_SYS;
	if (fchown(fd, (uid_t)-1, gid) == 0 && fchmod(fd, 02770) == 0 &&
	    fsync(fd) == 0 &&
	    renameat2(p->parent, made, p->parent, p->name, RENAME_NOREPLACE) ==
		    0 &&
	    fsync(p->parent) == 0)
		r = 0;
	close(fd);
	return r;
}

int
store_make(const struct sup *s)
{
	gid_t gid = conf_num(s->conf, CONF_UID_SERVER);
	struct place p;
	struct stat st;
	int r;

	if ((r = place_open(s, &p)) != 0)
		return r;
	if (fstatat(p.parent, p.name, &st, AT_SYMLINK_NOFOLLOW) != 0 &&
	    make_as(&p, gid) != 0)
		r = say(p.path, strerror(errno), EXIT_STORE_PATH);
	close(p.parent);
	return r;
}

static int
replace_marker(const struct place *p, const char *text)
{
	char tmp[300];
	size_t n = strlen(text);
	int fd;

	snprintf(tmp, sizeof(tmp), "%s.new", p->marker);
	unlinkat(p->parent, tmp, 0);
	fd = openat(p->parent, tmp,
		    O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return ERR_SYS;
	if (write(fd, text, n) != (ssize_t)n || fsync(fd) != 0) {
		close(fd);
		return ERR_SYS;
	}
	close(fd);
	if (renameat(p->parent, tmp, p->parent, p->marker) != 0)
		return ERR_SYS;
	return fsync(p->parent) == 0 ? 0 : ERR_SYS;
}

void
store_sync(const struct sup *s)
{
	struct place p;
	int fd;

	if (strcmp(conf_str(s->conf, CONF_STORAGE), "file") != 0 ||
	    place_open(s, &p) != 0)
		return;
	fd = openat(p.parent, p.name, O_DIRECTORY | O_RDONLY | O_CLOEXEC);
	if (fd < 0 || syncfs(fd) != 0)
		log_line(LOG_WARN, NULL, "store_path", "%s: not synced: %s",
			 p.path, strerror(errno));
	if (fd >= 0)
		close(fd);
	close(p.parent);
}

int
store_mark(const struct sup *s, enum marker_state state, bool generation_known,
	   const uint8_t generation[static GENERATION_BYTES])
{
	char gen[2 * GENERATION_BYTES + 1] = "unknown", text[MARKER_MAX];
	struct stat st;
	struct place p;
	int r;

	if ((r = place_open(s, &p)) != 0)
		return r;
	if (generation_known)
		hex_encode(generation, GENERATION_BYTES, gen);
	if (fstatat(p.parent, p.name, &st, AT_SYMLINK_NOFOLLOW) == 0) {
		snprintf(text, sizeof(text),
			 "sallyport marker 1\nstate %s\ngeneration %s\n"
			 "directory %llu %llu\nstorage %s\n",
			 state == MARKER_STORED ? "STORED" : "PREPARED", gen,
			 (unsigned long long)st.st_dev,
			 (unsigned long long)st.st_ino,
			 conf_str(s->conf, CONF_STORAGE));
		r = replace_marker(&p, text);
	} else {
		r = ERR_SYS;
	}
	if (r != 0)
		r = say(p.marker, strerror(errno), EXIT_MARKER);
	else
		log_line(LOG_STEP, NULL, "marker", "store marked %s",
			 state == MARKER_STORED ? "STORED" : "PREPARED");
	close(p.parent);
	return r;
}

int
store_move_aside(const struct sup *s, const struct marker *m)
{
	char gen[2 * GENERATION_BYTES + 1], aside[400];
	struct place p;
	int r;

	BUG_ON(m->state != MARKER_PREPARED);
	if ((r = place_open(s, &p)) != 0)
		return r;
	hex_encode(m->generation, GENERATION_BYTES, gen);
	snprintf(aside, sizeof(aside), "%s.aside-%s", p.name, gen);
	if (renameat2(p.parent, p.name, p.parent, aside, RENAME_NOREPLACE) !=
		    0 ||
	    fsync(p.parent) != 0)
		r = say(p.path, strerror(errno), EXIT_STORE_PATH);
	else
		log_line(LOG_WARN, NULL, "moved_aside",
			 "the interrupted first life's store was moved to "
			 "%s.aside-%s: its marker said PREPARED, so it never "
			 "had a public life",
			 p.path, gen);
	close(p.parent);
	return r;
}
