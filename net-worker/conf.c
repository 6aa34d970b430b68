/* SPDX-License-Identifier: Apache-2.0 */
/* CONFIG of https as a checked structure; pure functions. */
#include "conf.h"

#include <string.h>

#include "blob.h"

#define URL_MAX	  (8u + CONF_HOST)
#define OLD_MAX	  KEYSET_SHARES
#define PLAN_BITS ((SLOT_BIT(SLOT_COUNT)) - 1)

static bool
is_label_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
	       c == '.';
}

static bool
is_hex(const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!((s[i] >= '0' && s[i] <= '9') ||
		      (s[i] >= 'a' && s[i] <= 'f')))
			return false;
	return s[n] == '\0';
}

/* Reads "scheme://host" and nothing behind it. */
static int
host_of(const struct items *it, unsigned tag, const char *scheme,
	char out[static CONF_HOST])
{
	char url[URL_MAX];
	size_t skip = strlen(scheme), n;
	int r;

	if ((r = items_str(it, tag, 0, url, sizeof(url))) != 0)
		return r;
	n = strlen(url);
	if (n <= skip || memcmp(url, scheme, skip) != 0)
		return ERR_FORMAT;
	n -= skip;
	if (n >= CONF_HOST || url[skip] == '.' || url[skip] == '-' ||
	    url[skip + n - 1] == '.' || strstr(url + skip, ".."))
		return ERR_FORMAT;
	for (size_t i = 0; i < n; i++)
		if (!is_label_char(url[skip + i]))
			return ERR_FORMAT;
	memcpy(out, url + skip, n + 1);
	return 0;
}

static int
port_of(const struct items *it, unsigned tag, uint16_t *out)
{
	uint32_t v;
	int r;

	if ((r = items_u32(it, tag, &v)) != 0)
		return r;
	if (v == 0 || v > 65535)
		return ERR_RANGE;
	*out = (uint16_t)v;
	return 0;
}

/* As items_u32, within bounds; an absent item is `absent`, if that is in. */
static int
u32_of(const struct items *it, unsigned tag, uint32_t max, uint32_t *out)
{
	uint32_t v;
	int r;

	if ((r = items_u32(it, tag, &v)) == ERR_NOTFOUND) {
		*out = 0;
		return 0;
	}
	if (r != 0)
		return r;
	if (v > max)
		return ERR_RANGE;
	*out = v;
	return 0;
}

/* "client_id=GUID" or the like (metadata service, selectors of a token). */
static int
identity(const struct items *it, struct net_conf *c)
{
	static const char *const names[] = {
		"client_id=", "object_id=", "msi_res_id="};
	char text[sizeof(c->selector) + CONF_IDENTITY];
	int r;

	if ((r = items_str(it, TAG_IDENTITY, 0, text, sizeof(text))) != 0)
		return r == ERR_NOTFOUND ? 0 : r;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		size_t n = strlen(names[i]);

		if (strncmp(text, names[i], n) != 0)
			continue;
		if (text[n] == '\0' || strlen(text + n) >= CONF_IDENTITY)
			return ERR_RANGE;
		memcpy(c->selector, names[i], n - 1);
		memcpy(c->identity, text + n, strlen(text + n) + 1);
		return 0;
	}
	return ERR_FORMAT;
}

/* The key's URL must be of the vault that the token goes to. */
static int
key_path(const struct items *it, struct net_conf *c)
{
	char url[URL_MAX + CONF_PATH];
	size_t skip, n;
	unsigned slashes = 0;
	int r;

	if ((r = items_str(it, TAG_KEY_URL, 0, url, sizeof(url))) != 0)
		return r;
	skip = 8 + strlen(c->host[REMOTE_AKV]);
	if (strncmp(url, "https://", 8) != 0 || strlen(url) <= skip ||
	    memcmp(url + 8, c->host[REMOTE_AKV], skip - 8) != 0 ||
	    strncmp(url + skip, "/keys/", 6) != 0)
		return ERR_FORMAT;
	n = strlen(url + skip);
	if (n >= CONF_PATH || url[skip + n - 1] == '/' || url[skip + 6] == '/')
		return ERR_FORMAT;
	for (const char *p = url + skip; *p != '\0'; p++) {
		bool upper = *p >= 'A' && *p <= 'Z';

		slashes += *p == '/';
		if (*p == '.' || (*p != '/' && !upper && !is_label_char(*p)))
			return ERR_FORMAT;
		if (*p == '/' && p[1] == '/')
			return ERR_FORMAT;
	}
	if (slashes > 3)
		return ERR_FORMAT;
	memcpy(c->key_path, url + skip, n + 1);
	return 0;
}

static int
encs(const struct items *it, struct net_conf *c)
{
	const uint8_t *p;
	size_t n;
	int r;

	c->asks = items_count(it, TAG_ENC);
	if (c->asks == 0 || c->asks > CONF_ENCS)
		return ERR_RANGE;
	for (unsigned i = 0; i < c->asks; i++) {
		struct enc_ask *a = &c->ask[i];

		if ((r = items_get(it, TAG_ENC, i, &p, &n)) != 0)
			return r;
		if (n != 65 || p[0] < ENC_SHA1 || p[0] > ENC_SHA384)
			return ERR_FORMAT;
		a->enc = (enum enc)p[0];
		memcpy(a->nonce, p + 1, 64);
		a->nonce[64] = '\0';
		if (!is_hex(a->nonce, 64))
			return ERR_FORMAT;
	}
	return 0;
}

/* What fetch alone is told: the evidence's frame, the question, the plan. */
static int
fetch_part(const struct items *it, struct net_conf *c)
{
	uint32_t probe;
	int r;

	if ((r = host_of(it, TAG_MAA_URL, "https://", c->host[REMOTE_MAA])) !=
		    0 ||
	    (r = port_of(it, TAG_MAA_PORT, &c->port[REMOTE_MAA])) != 0 ||
	    (r = items_str(it, TAG_MAA_NONCE, 0, c->maa_nonce,
			   sizeof(c->maa_nonce))) != 0 ||
	    (r = items_str(it, TAG_OS_NAME, 0, c->os_name,
			   sizeof(c->os_name))) != 0 ||
	    (r = u32_of(it, TAG_OS_MAJOR, 1000000, &c->os_major)) != 0 ||
	    (r = u32_of(it, TAG_OS_MINOR, 1000000, &c->os_minor)) != 0 ||
	    (r = key_path(it, c)) != 0 || (r = encs(it, c)) != 0 ||
	    (r = u32_of(it, TAG_PROBE, 1, &probe)) != 0 ||
	    (r = u32_of(it, TAG_ABSENT_S, 3600, &c->absent_s)) != 0 ||
	    (r = u32_of(it, TAG_PLAN, PLAN_BITS, &c->plan)) != 0 ||
	    (r = u32_of(it, TAG_LAYOUT, 1, &c->layout)) != 0 ||
	    (r = u32_of(it, TAG_OLD_COUNT, OLD_MAX, &c->old_count)) != 0)
		return r;
	if (!is_hex(c->maa_nonce, 64))
		return ERR_FORMAT;
	c->probe = probe != 0;
	return 0;
}

/* What every seat is told: the metadata service and one more, time-outs. */
static int
common_part(const struct items *it, enum remote other, struct net_conf *c)
{
	bool blob = other == REMOTE_BLOB;
	int r;

	if ((r = host_of(it, TAG_IMDS_URL, "http://", c->host[REMOTE_IMDS])) !=
		    0 ||
	    (r = host_of(it, blob ? TAG_BLOB_URL : TAG_AKV_URL, "https://",
			 c->host[other])) != 0 ||
	    (r = port_of(it, TAG_IMDS_PORT, &c->port[REMOTE_IMDS])) != 0 ||
	    (r = port_of(it, blob ? TAG_BLOB_PORT : TAG_AKV_PORT,
			 &c->port[other])) != 0 ||
	    (r = identity(it, c)) != 0 ||
	    (r = u32_of(it, TAG_CONNECT_MS, 600000, &c->connect_ms)) != 0 ||
	    (r = u32_of(it, TAG_CALL_MS, 600000, &c->call_ms)) != 0 ||
	    (r = u32_of(it, TAG_RETRY_MS, UINT32_MAX, &c->retry_ms)) != 0)
		return r;
	if (c->connect_ms == 0 || c->call_ms == 0) /* 0 would mean: for ever */
		return ERR_RANGE;
	return 0;
}

/* What the certificate in use was asked for: a fetch that only asks. */
static int
poll_part(const struct items *it, struct net_conf *c)
{
	int r;

	if ((r = items_u64(it, TAG_SINCE_BOOT, &c->since_boot_ns)) != 0 ||
	    (r = items_u64(it, TAG_SINCE_REAL, &c->since_real_s)) != 0)
		return r;
	c->poll = true;
	return 0;
}

int
conf_read(const struct items *it, bool fetch, struct net_conf *out)
{
	struct net_conf c = {0};
	int r;

	if ((r = common_part(it, REMOTE_AKV, &c)) != 0)
		return r;
	if (fetch)
		r = items_count(it, TAG_SINCE_BOOT) > 0 ? poll_part(it, &c)
							: fetch_part(it, &c);
	if (r != 0)
		return r;
	*out = c;
	return 0;
}

/* "/container/blob": two names of lower-case letters, digits and hyphens. */
static bool
is_blob_path(const char *p)
{
	unsigned slashes = 0;

	for (size_t i = 0; p[i] != '\0'; i++) {
		bool slash = p[i] == '/';

		slashes += slash;
		if (p[i] == '.' || (!slash && !is_label_char(p[i])) ||
		    (slash && (p[i + 1] == '/' || p[i + 1] == '\0')))
			return false;
	}
	return p[0] == '/' && slashes == 2;
}

int
conf_read_keeper(const struct items *it, struct net_conf *out)
{
	struct net_conf c = {0};
	int r;

	if ((r = common_part(it, REMOTE_BLOB, &c)) != 0 ||
	    (r = items_str(it, TAG_BLOB_PATH, 0, c.blob_path,
			   sizeof(c.blob_path))) != 0 ||
	    (r = items_u32(it, TAG_LEASE_S, &c.lease_s)) != 0)
		return r;
	if (!is_blob_path(c.blob_path))
		return ERR_FORMAT;
	if (c.lease_s < 15 || c.lease_s > 60)
		return ERR_RANGE;
	*out = c;
	return 0;
}

size_t
conf_ports(const struct net_conf *c, uint16_t ports[static REMOTE_COUNT])
{
	size_t n = 0;

	for (unsigned i = 0; i < REMOTE_COUNT; i++) {
		bool known = c->port[i] == 0;

		for (size_t k = 0; k < n; k++)
			known = known || ports[k] == c->port[i];
		if (!known)
			ports[n++] = c->port[i];
	}
	return n;
}

const char *
conf_resource(const struct net_conf *c)
{
	static const struct {
		const char *suffix;
		const char *resource;
	} clouds[] = {
		{".vault.azure.net", "https://vault.azure.net"},
		{".managedhsm.azure.net", "https://managedhsm.azure.net"},
		{".vault.azure.cn", "https://vault.azure.cn"},
		{".vault.usgovcloudapi.net", "https://vault.usgovcloudapi.net"},
	};
	const char *host = c->host[REMOTE_AKV];
	size_t n = strlen(host);

	if (c->host[REMOTE_BLOB][0] != '\0')
		return "https://storage.azure.com/";
	for (size_t i = 0; i < sizeof(clouds) / sizeof(clouds[0]); i++) {
		size_t s = strlen(clouds[i].suffix);

		if (n > s && strcmp(host + n - s, clouds[i].suffix) == 0)
			return clouds[i].resource;
	}
	return clouds[0].resource;
}
