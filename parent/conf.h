/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The configuration: the six variables, sallyport.conf, and defaults, checked
 * where they enter.  Read by the supervisor once, before anything starts;
 * everything else gets what it needs of it as items of CONFIG.
 */
#ifndef SP_CONF_H
#define SP_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "err.h"

enum conf_key {
#define X(id, key, env, def, check, text) CONF_##id,
#include "conf_keys.def"
#undef X
	CONF_COUNT
};

enum conf_from { FROM_NOWHERE, FROM_DEFAULT, FROM_FILE, FROM_ENV };

#define CONF_SECTIONS 64
#define CONF_PAIRS    16

enum section_kind { SEC_PLUGIN, SEC_MOUNT, SEC_AUTH, SEC_POLICY, SEC_AUDIT };

/* One [plugin NAME], [mount PATH], … with its key = value pairs. */
struct section {
	enum section_kind kind;
	char *name;
	unsigned pairs;
	char *key[CONF_PAIRS];
	char *value[CONF_PAIRS];
};

struct conf {
	char *value[CONF_COUNT]; /* NULL: not set */
	enum conf_from from[CONF_COUNT];
	struct section section[CONF_SECTIONS];
	unsigned sections;
	const char *file; /* NULL: none read */
};

#define CONF_FINDINGS 12

/* What is wrong: each a sentence that names what to do. */
struct conf_error {
	unsigned count;
	char text[CONF_FINDINGS][400];
};

/*
 * Reads the file (NULL: the default place, which may be absent) and the
 * environment, checks every value and what must fit together.  Returns 0, or
 * ERR_FORMAT with what is wrong: the first error of the file, or all values
 * that are malformed and all that are missing.  Freed by conf_free().
 */
CHECKED int conf_load(struct conf *c, const char *file, char *const *env,
		      struct conf_error *out_error);
void conf_free(struct conf *c);

/* Keeps one more finding, while there is room.  Returns ERR_FORMAT. */
__attribute__((format(printf, 2, 3))) int conf_find(struct conf_error *e,
						    const char *fmt, ...);
/*
 * The two halves of conf_load(): reads and checks each value (what is not
 * set stays so; freed by conf_free()); says whether all fits together and
 * nothing is missing.  Return as conf_load.
 */
CHECKED int conf_read(struct conf *c, const char *file, char *const *env,
		      struct conf_error *out_error);
CHECKED int conf_fit(const struct conf *c, struct conf_error *out_error);
/*
 * Puts a copy of a value in the place of what was read (NULL: not set), for
 * `sallyport check`, whose world is its own.  Returns 0 or ERR_NOMEM.
 */
CHECKED int conf_put(struct conf *c, enum conf_key k, const char *value);

/* The value, or NULL. */
const char *conf_str(const struct conf *c, enum conf_key k);
/* A checked number; 0 when not set. */
unsigned conf_num(const struct conf *c, enum conf_key k);
bool conf_yes(const struct conf *c, enum conf_key k);
/* Says whether the storage lies on this machine's disk. */
bool conf_local_store(const struct conf *c);
/* The key of that name.  Returns 0 or ERR_NOTFOUND. */
CHECKED int conf_key_of(const char *name, enum conf_key *out);
/* The key's name in the file, its variable (may be NULL), its sentence. */
const char *conf_key_name(enum conf_key k);
const char *conf_key_env(enum conf_key k);
const char *conf_key_text(enum conf_key k);
/* A kind's word in the file: "plugin", "mount", ... */
const char *section_word(enum section_kind k);
/* The value of a section's key, or NULL. */
const char *section_get(const struct section *s, const char *key);

/* Prints what was understood and where each value came from. */
void conf_print(const struct conf *c, FILE *out);

/*
 * One check of one value: returns NULL, or what is wrong with it (a phrase
 * that continues "KEY = VALUE: ").
 */
typedef const char *conf_check(const char *value);
conf_check check_hostname, check_port, check_account, check_vault,
	check_key_url, check_maa, check_pin, check_bool, check_path,
	check_layout, check_shares, check_storage, check_identity, check_algs,
	check_http, check_connect, check_log, check_uid, check_ports,
	check_deadline, check_seconds, check_lease, check_lease_time,
	check_container, check_count;

/* The host of an https:// or http:// URL that passed its check. */
CHECKED int url_host(const char *url, char *out, size_t cap);

#endif
