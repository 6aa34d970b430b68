/* SPDX-License-Identifier: Apache-2.0 */
#include "blob.h"
#include "check.h"
#include "conf.h"
#include "make_conf.h"

static const struct swap none = {0, NULL, 0};

/* Reads the standard CONFIG with one item replaced (or left out). */
static int
with(unsigned tag, const char *value, struct net_conf *out)
{
	struct swap s = {tag, value, 0};

	return make_conf(&s, true, out);
}

CASE(reads_everything)
{
	struct net_conf c;
	uint16_t ports[REMOTE_COUNT];

	EXPECT(make_conf(&none, true, &c) == 0);
	EXPECT(strcmp(c.host[REMOTE_IMDS], "169.254.169.254") == 0);
	EXPECT(strcmp(c.host[REMOTE_AKV], "apmkv.vault.azure.net") == 0);
	EXPECT(c.port[REMOTE_IMDS] == 80 && c.port[REMOTE_AKV] == 443);
	EXPECT(strcmp(c.key_path, "/keys/mk") == 0);
	EXPECT(c.asks == 2 && c.ask[0].enc == ENC_SHA256 &&
	       c.ask[1].enc == ENC_SHA1);
	EXPECT(strlen(c.ask[1].nonce) == 64);
	EXPECT(conf_ports(&c, ports) == 2 && ports[0] == 80 && ports[1] == 443);
}

CASE(a_store_seat_needs_no_question)
{
	struct net_conf c;

	EXPECT(make_conf(&none, false, &c) == 0);
	EXPECT(c.host[REMOTE_MAA][0] == '\0' && c.asks == 0);
}

CASE(a_url_is_scheme_and_host_and_nothing_else)
{
	static const char *const bad[] = {
		"http://apmkv.vault.azure.net",
		"https://",
		"https://apmkv.vault.azure.net/",
		"https://apmkv.vault.azure.net:443",
		"https://user@apmkv.vault.azure.net",
		"https://apmkv.vault.azure.net?x",
		"https://apmkv.vault.azure.net#x",
		"https://.vault.azure.net",
		"https://apmkv..azure.net",
		"https://apmkv.vault.azure.net.",
		"https://-apmkv.vault.azure.net",
		"https://APMKV.vault.azure.net",
		"https://apmkv.vault.azure.net\r\nX: y",
		"https://apm%6bv.vault.azure.net",
	};
	struct net_conf c;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		EXPECT(with(TAG_AKV_URL, bad[i], &c) == ERR_FORMAT);
	EXPECT(with(TAG_IMDS_URL, "https://169.254.169.254", &c) == ERR_FORMAT);
	EXPECT(with(TAG_MAA_URL, "http://x.attest.azure.net", &c) ==
	       ERR_FORMAT);
	EXPECT(with(TAG_AKV_URL, NULL, &c) == ERR_NOTFOUND);
}

CASE(the_key_is_of_that_vault)
{
	static const char *const bad[] = {
		"https://other.vault.azure.net/keys/mk",
		"https://apmkv.vault.azure.net.evil.example/keys/mk",
		"https://apmkv.vault.azure.net:444/keys/mk",
		"http://apmkv.vault.azure.net/keys/mk",
		"https://apmkv.vault.azure.net/secrets/mk",
		"https://apmkv.vault.azure.net/keys/",
		"https://apmkv.vault.azure.net/keys/mk/",
		"https://apmkv.vault.azure.net/keys//mk",
		"https://apmkv.vault.azure.net/keys/mk/1/release",
		"https://apmkv.vault.azure.net/keys/mk?x=y",
		"https://apmkv.vault.azure.net/keys/../secrets",
		"https://apmkv.vault.azure.net",
	};
	struct net_conf c;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		EXPECT(with(TAG_KEY_URL, bad[i], &c) == ERR_FORMAT);
	EXPECT(with(TAG_KEY_URL,
		    "https://apmkv.vault.azure.net/keys/Mk-1/0123abcd",
		    &c) == 0);
	EXPECT(strcmp(c.key_path, "/keys/Mk-1/0123abcd") == 0);
}

CASE(one_selector_of_three)
{
	struct net_conf c;

	EXPECT(with(TAG_IDENTITY, "client_id=1-2", &c) == 0);
	EXPECT(strcmp(c.selector, "client_id") == 0 &&
	       strcmp(c.identity, "1-2") == 0);
	EXPECT(with(TAG_IDENTITY, "msi_res_id=/subscriptions/x", &c) == 0);
	EXPECT(with(TAG_IDENTITY, "object_id=", &c) == ERR_RANGE);
	EXPECT(with(TAG_IDENTITY, "resource=https://x", &c) == ERR_FORMAT);
	EXPECT(with(TAG_IDENTITY, "client_id", &c) == ERR_FORMAT);
}

CASE(numbers_have_bounds)
{
	static const struct swap bad[] = {
		{TAG_IMDS_PORT, NULL, 65536}, {TAG_AKV_PORT, NULL, 1 << 20},
		{TAG_PROBE, NULL, 2},	      {TAG_LAYOUT, NULL, 2},
		{TAG_OLD_COUNT, NULL, 17},    {TAG_ABSENT_S, NULL, 3601},
		{TAG_PLAN, NULL, 1u << 5},
	};
	struct net_conf c;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		EXPECT(make_conf(&bad[i], true, &c) == ERR_RANGE);
	/* a time-out of 0 would be libcurl's "for ever" */
	EXPECT(with(TAG_CONNECT_MS, NULL, &c) == ERR_RANGE);
	EXPECT(with(TAG_CALL_MS, NULL, &c) == ERR_RANGE);
}

CASE(a_nonce_is_64_hex_digits)
{
	struct net_conf c;

	EXPECT(with(TAG_MAA_NONCE, "ab", &c) == ERR_FORMAT);
	EXPECT(with(TAG_ENC, "\2short", &c) == ERR_FORMAT);
	EXPECT(with(TAG_ENC,
		    "\4cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd"
		    "cdcdcdcd",
		    &c) == ERR_FORMAT);
	EXPECT(with(TAG_ENC,
		    "\2cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd"
		    "cdcdcd\"}",
		    &c) == ERR_FORMAT);
	EXPECT(with(TAG_ENC, NULL, &c) == ERR_RANGE);
}

CASE(the_resource_is_by_suffix_on_a_label)
{
	struct net_conf c = {0};

	strcpy(c.host[REMOTE_AKV], "a.vault.azure.net");
	EXPECT(strcmp(conf_resource(&c), "https://vault.azure.net") == 0);
	strcpy(c.host[REMOTE_AKV], "a.managedhsm.azure.net");
	EXPECT(strcmp(conf_resource(&c), "https://managedhsm.azure.net") == 0);
	strcpy(c.host[REMOTE_AKV], "amanagedhsm.azure.net");
	EXPECT(strcmp(conf_resource(&c), "https://vault.azure.net") == 0);
	strcpy(c.host[REMOTE_AKV], "a.vault.azure.cn");
	EXPECT(strcmp(conf_resource(&c), "https://vault.azure.cn") == 0);
}

static int
keeper(unsigned tag, const char *text, uint32_t number, struct net_conf *out)
{
	static const struct swap all[] = {
		{TAG_IMDS_URL, "http://169.254.169.254", 0},
		{TAG_BLOB_URL, "https://sa.blob.core.windows.net", 0},
		{TAG_IMDS_PORT, NULL, 80},
		{TAG_BLOB_PORT, NULL, 443},
		{TAG_BLOB_PATH, "/sallyport/vault", 0},
		{TAG_LEASE_S, NULL, 60},
		{TAG_CONNECT_MS, NULL, 2000},
		{TAG_CALL_MS, NULL, 10000},
		{TAG_RETRY_MS, NULL, 120000},
	};
	const struct swap s = {tag, text, number};
	static uint8_t buf[1024];
	struct items it;
	struct wr w;
	size_t n;

	wr_init(&w, buf, sizeof(buf));
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		put_item(&w, &s, &all[i]);
	if (wr_end(&w, &n) != 0 || items_open(buf, n, &it) != 0)
		__builtin_trap();
	return conf_read_keeper(&it, out);
}

CASE(a_keeper_is_told_of_one_blob)
{
	static const char *const bad[] = {
		"",	"/",	  "vault", "/a",    "/a/",
		"//b",	"/a/b/c", "/a/b/", "/a/..", "/a/b?comp=lease",
		"/A/b", "/a/b%2f"};
	struct net_conf c;

	EXPECT(keeper(0, NULL, 0, &c) == 0);
	EXPECT(strcmp(c.blob_path, "/sallyport/vault") == 0 && c.lease_s == 60);
	EXPECT(strcmp(conf_resource(&c), "https://storage.azure.com/") == 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		EXPECT(keeper(TAG_BLOB_PATH, bad[i], 0, &c) != 0);
	EXPECT(keeper(TAG_BLOB_PATH, NULL, 0, &c) == ERR_NOTFOUND);
	EXPECT(keeper(TAG_BLOB_URL, NULL, 0, &c) == ERR_NOTFOUND);
	EXPECT(keeper(TAG_BLOB_URL, "http://a.test", 0, &c) == ERR_FORMAT);
	EXPECT(keeper(TAG_LEASE_S, NULL, 14, &c) == ERR_RANGE);
	EXPECT(keeper(TAG_LEASE_S, NULL, 61, &c) == ERR_RANGE);
	EXPECT(keeper(TAG_LEASE_S, NULL, 0, &c) == ERR_NOTFOUND);
	EXPECT(keeper(TAG_CALL_MS, NULL, 0, &c) == ERR_RANGE);
}

CASE(a_fetch_that_only_asks_is_told_little)
{
	static uint8_t buf[1024];
	struct net_conf c = {0};
	struct items it;
	struct wr w;
	size_t n;

	wr_init(&w, buf, sizeof(buf));
	items_put_str(&w, TAG_IMDS_URL, "http://169.254.169.254");
	items_put_str(&w, TAG_AKV_URL, "https://apmkv.vault.azure.net");
	items_put_u32(&w, TAG_IMDS_PORT, 80);
	items_put_u32(&w, TAG_AKV_PORT, 443);
	items_put_u32(&w, TAG_CONNECT_MS, 2000);
	items_put_u32(&w, TAG_CALL_MS, 10000);
	items_put_u64(&w, TAG_SINCE_BOOT, 7000000000);
	EXPECT(wr_end(&w, &n) == 0 && items_open(buf, n, &it) == 0);
	EXPECT(conf_read(&it, true, &c) == ERR_NOTFOUND);
	items_put_u64(&w, TAG_SINCE_REAL, 1700000000);
	EXPECT(wr_end(&w, &n) == 0 && items_open(buf, n, &it) == 0);
	EXPECT(conf_read(&it, true, &c) == 0);
	EXPECT(c.poll && c.since_boot_ns == 7000000000);
	EXPECT(c.since_real_s == 1700000000);
	/* it never learns of the attestation service, nor may connect there */
	EXPECT(c.host[REMOTE_MAA][0] == '\0' && c.port[REMOTE_MAA] == 0);
}

int
main(void)
{
	return check_run();
}
