/* SPDX-License-Identifier: Apache-2.0 */
/* The checks of single settings: exact shapes, no substring tests. */
#include <stdlib.h>
#include <string.h>

#include "conf.h"

#define DIGITS "0123456789"
#define LOWER  "abcdefghijklmnopqrstuvwxyz"
#define UPPER  "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

static bool
only(const char *s, const char *set)
{
	return s[0] && s[strspn(s, set)] == '\0';
}

static bool
number(const char *s, unsigned long min, unsigned long max)
{
	if (!only(s, DIGITS) || strlen(s) > 9 || (s[0] == '0' && s[1]))
		return false;
	unsigned long v = strtoul(s, NULL, 10);
	return v >= min && v <= max;
}

/* RFC 1123 labels; `bytes` because a host may be part of a URL. */
static bool
host_ok(const char *s, size_t bytes)
{
	size_t label = 0;

	if (bytes == 0 || bytes > 253)
		return false;
	for (size_t i = 0; i < bytes; i++) {
		char ch = s[i];
		bool edge = label == 0 || i + 1 == bytes || s[i + 1] == '.';

		if (ch == '.') {
			if (label == 0 || i + 1 == bytes)
				return false;
			label = 0;
			continue;
		}
		if (!strchr(DIGITS LOWER UPPER "-", ch) || ++label > 63)
			return false;
		if (ch == '-' && edge)
			return false;
	}
	return true;
}

/* The host is so many labels and the suffix, which begins with a dot. */
static bool
host_under(const char *s, size_t bytes, unsigned labels, const char *suffix)
{
	size_t n = strlen(suffix);
	unsigned dots = 0;

	if (!host_ok(s, bytes) || bytes <= n ||
	    strncasecmp(s + bytes - n, suffix, n) != 0)
		return false;
	for (size_t i = 0; i < bytes - n; i++)
		dots += s[i] == '.';
	return dots + 1 == labels;
}

/* A last label of digits alone is an address to every resolver. */
const char *
check_hostname(const char *v)
{
	const char *last = strrchr(v, '.');

	return host_ok(v, strlen(v)) && !only(last ? last + 1 : v, DIGITS)
		       ? NULL
		       : "must be a host name: letters, digits and hyphens "
			 "between dots, not an address, no dot at its end";
}

const char *
check_port(const char *v)
{
	return number(v, 1024, 65535) ? NULL
				      : "must be a port from 1024 to 65535";
}

const char *
check_account(const char *v)
{
	size_t n = strlen(v);

	if (n < 3 || n > 24 || !only(v, LOWER DIGITS))
		return "must be 3 to 24 lower-case letters and digits";
	return NULL;
}

const char *
check_vault(const char *v)
{
	size_t n = strlen(v);

	if (n < 3 || n > 24 || !only(v, LOWER UPPER DIGITS "-") ||
	    strchr(DIGITS "-", v[0]) || v[n - 1] == '-' || strstr(v, "--"))
		return "must be the key vault's name alone (3 to 24 letters, "
		       "digits and single hyphens, a letter first), not a URL";
	return NULL;
}

const char *
check_key_url(const char *v)
{
	const char *bad =
		"must be https://NAME.vault.azure.net/keys/KEY[/VERSION], the "
		"host in lower case, VERSION 32 lower-case hex digits, nothing "
		"else";
	size_t host, name, version;

	if (strncmp(v, "https://", 8) != 0)
		return bad;
	v += 8;
	host = strcspn(v, "/");
	if (host_under(v, host, 1, ".managedhsm.azure.net"))
		return "is in a managed HSM, which is not supported: the "
		       "master key must be in the key vault of the secrets";
	if (!host_under(v, host, 1, ".vault.azure.net") ||
	    strspn(v, LOWER DIGITS ".-") != host ||
	    strncmp(v + host, "/keys/", 6) != 0)
		return bad;
	v += host + 6;
	name = strspn(v, LOWER UPPER DIGITS "-");
	if (name < 1 || name > 127)
		return bad;
	if (v[name] == '\0')
		return NULL;
	version = strspn(v + name + 1, DIGITS "abcdef");
	if (v[name] != '/' || version != 32 || v[name + 33] != '\0')
		return bad;
	return NULL;
}

const char *
check_maa(const char *v)
{
	const char *bad = "must be https://NAME.REGION.attest.azure.net";
	size_t host;

	if (strncmp(v, "https://", 8) != 0)
		return bad;
	v += 8;
	host = strcspn(v, "/");
	if (!host_under(v, host, 2, ".attest.azure.net"))
		return bad;
	return v[host] == '\0' || strcmp(v + host, "/") == 0 ? NULL : bad;
}

const char *
check_pin(const char *v)
{
	return strlen(v) == 64 && only(v, DIGITS "abcdefABCDEF")
		       ? NULL
		       : "must be 64 hex digits (SHA-256 of the public key)";
}

const char *
check_bool(const char *v)
{
	return !strcmp(v, "yes") || !strcmp(v, "no") ? NULL
						     : "must be yes or no";
}

/* A name of the path is . or .. */
static bool
has_dots(const char *v)
{
	for (const char *p = strchr(v, '/'); p; p = strchr(p + 1, '/')) {
		size_t n = strcspn(p + 1, "/");

		if (n > 0 && n <= 2 && !strncmp(p + 1, "..", n))
			return true;
	}
	return false;
}

const char *
check_path(const char *v)
{
	size_t n = strlen(v);

	if (v[0] != '/' || n < 2 || n > 200 || v[n - 1] == '/' ||
	    strstr(v, "//") || has_dots(v))
		return "must be an absolute path without . and .., without a "
		       "slash at its end, of at most 200 characters";
	return only(v, LOWER UPPER DIGITS "/._-")
		       ? NULL
		       : "has a character other than letters, digits and "
			 "/._-";
}

const char *
check_layout(const char *v)
{
	return !strcmp(v, "auto") || !strcmp(v, "bundle")
		       ? NULL
		       : "must be auto or bundle";
}

const char *
check_lease(const char *v)
{
	return !strcmp(v, "auto") || !strcmp(v, "on") || !strcmp(v, "off")
		       ? NULL
		       : "must be auto, on or off";
}

const char *
check_lease_time(const char *v)
{
	return number(v, 15, 60) ? NULL
				 : "must be a number of seconds from 15 to 60";
}

const char *
check_container(const char *v)
{
	size_t n = strlen(v);

	if (n < 3 || n > 63 || !only(v, LOWER DIGITS "-") || v[0] == '-' ||
	    v[n - 1] == '-' || strstr(v, "--"))
		return "must be 3 to 63 lower-case letters, digits and single "
		       "hyphens, none at an end";
	return NULL;
}

const char *
check_shares(const char *v)
{
	return number(v, 1, 16) ? NULL : "must be a number from 1 to 16";
}

const char *
check_storage(const char *v)
{
	static const char *const known[] = {"azure", "pebbledb", "raft",
					    "file"};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (!strcmp(v, known[i]))
			return NULL;
	return "must be azure, pebbledb, raft or file";
}

/* 8-4-4-4-12 hex digits. */
static bool
guid(const char *v)
{
	static const size_t parts[] = {8, 4, 4, 4, 12};

	for (size_t i = 0; i < 5; i++) {
		size_t n = strspn(v, DIGITS "abcdefABCDEF");

		if (n != parts[i] || v[n] != (i < 4 ? '-' : '\0'))
			return false;
		v += n + 1;
	}
	return true;
}

const char *
check_identity(const char *v)
{
	static const char *const names[] = {"client_id=", "object_id="};

	for (size_t i = 0; i < 2; i++) {
		size_t n = strlen(names[i]);
		if (!strncmp(v, names[i], n) && guid(v + n))
			return NULL;
	}
	if (!strncmp(v, "msi_res_id=/", 12) && strlen(v) < 300 && v[12] &&
	    only(v + 11, LOWER UPPER DIGITS "/._-()"))
		return NULL;
	return "must be client_id=GUID, object_id=GUID or msi_res_id=/PATH";
}

const char *
check_algs(const char *v)
{
	static const char *const known[] = {"RSA_AES_KEY_WRAP_256",
					    "RSA_AES_KEY_WRAP_384",
					    "CKM_RSA_AES_KEY_WRAP"};
	const char *bad = "must be RSA_AES_KEY_WRAP_256, RSA_AES_KEY_WRAP_384 "
			  "or CKM_RSA_AES_KEY_WRAP, separated by blanks";

	if (!v[0])
		return bad;
	while (*v) {
		size_t n = strcspn(v, " ");
		bool found = false;
		for (size_t i = 0; i < 3; i++)
			found = found || (n == strlen(known[i]) &&
					  !strncmp(v, known[i], n));
		if (!found)
			return bad;
		v += n + strspn(v + n, " ");
	}
	return NULL;
}

const char *
check_http(const char *v)
{
	size_t host;

	if (strncmp(v, "http://", 7) != 0)
		return "must be http://ADDRESS[:PORT]";
	v += 7;
	host = strcspn(v, ":");
	if (!host_ok(v, host) || (v[host] && !number(v + host + 1, 1, 65535)))
		return "must be http://ADDRESS[:PORT]";
	return NULL;
}

const char *
check_connect(const char *v)
{
	size_t host = strcspn(v, ":");

	if (!host_ok(v, host) || v[host] != ':' ||
	    !number(v + host + 1, 1, 65535))
		return "must be HOST:PORT";
	return NULL;
}

const char *
check_log(const char *v)
{
	return !strcmp(v, "auto") || !strcmp(v, "terminal") ||
			       !strcmp(v, "json")
		       ? NULL
		       : "must be auto, terminal or json";
}

const char *
check_uid(const char *v)
{
	return number(v, 1000, 999999999)
		       ? NULL
		       : "must be a number from 1000 (below are root and the "
			 "system's) to 999999999";
}

const char *
check_ports(const char *v)
{
	while (*v) {
		char one[8];
		size_t n = strcspn(v, " ");
		if (n == 0 || n >= sizeof(one))
			return "must be port numbers separated by blanks";
		memcpy(one, v, n);
		one[n] = '\0';
		if (!number(one, 1, 65535))
			return "must be port numbers separated by blanks";
		if (!strcmp(one, "80"))
			return "must not hold 80: the metadata service gives "
			       "tokens there";
		v += n + strspn(v + n, " ");
	}
	return NULL;
}

/* Of what may be waited for: with 0 it could never come. */
const char *
check_deadline(const char *v)
{
	return number(v, 1, 86400)
		       ? NULL
		       : "must be a number of seconds from 1 to 86400";
}

const char *
check_count(const char *v)
{
	return number(v, 0, 100) ? NULL : "must be a number from 0 to 100";
}

const char *
check_seconds(const char *v)
{
	return number(v, 0, 86400)
		       ? NULL
		       : "must be a number of seconds from 0 to 86400";
}
