/* SPDX-License-Identifier: Apache-2.0 */
/* A CONFIG as the supervisor writes it, with one item changed. */
#ifndef SP_TEST_MAKE_CONF_H
#define SP_TEST_MAKE_CONF_H

#include <string.h>

#include "conf.h"

/* tag 0: nothing; text NULL and number 0: the item is left out. */
struct swap {
	unsigned tag;
	const char *text;
	uint32_t number;
};

#define NONCE_CD                                                               \
	"cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd"

static inline void
put_item(struct wr *w, const struct swap *s, const struct swap *is)
{
	if (s->tag == is->tag)
		is = s;
	if (is->text)
		items_put_str(w, is->tag, is->text);
	else if (is->number != 0)
		items_put_u32(w, is->tag, is->number);
}

static inline int
make_conf(const struct swap *s, bool fetch, struct net_conf *out)
{
	static const struct swap all[] = {
		{TAG_IMDS_URL, "http://169.254.169.254", 0},
		{TAG_AKV_URL, "https://apmkv.vault.azure.net", 0},
		{TAG_IMDS_PORT, NULL, 80},
		{TAG_AKV_PORT, NULL, 443},
		{TAG_IDENTITY, NULL, 0},
		{TAG_CONNECT_MS, NULL, 2000},
		{TAG_CALL_MS, NULL, 10000},
		{TAG_RETRY_MS, NULL, 120000},
	};
	static const struct swap more[] = {
		{TAG_MAA_URL, "https://sharedeus.eus.attest.azure.net", 0},
		{TAG_MAA_PORT, NULL, 443},
		{TAG_MAA_NONCE, NONCE_CD, 0},
		{TAG_OS_NAME, "Debian GNU/Linux", 0},
		{TAG_OS_MAJOR, NULL, 12},
		{TAG_OS_MINOR, NULL, 4},
		{TAG_PROBE, NULL, 1},
		{TAG_ABSENT_S, NULL, 120},
		{TAG_KEY_URL, "https://apmkv.vault.azure.net/keys/mk", 0},
		{TAG_ENC, "\2" NONCE_CD, 0},
		{TAG_ENC, "\1" NONCE_CD, 0},
		{TAG_PLAN, NULL, 0x1b},
		{TAG_LAYOUT, NULL, 1},
		{TAG_OLD_COUNT, NULL, 5},
	};
	static uint8_t buf[4096];
	struct items it;
	struct wr w;
	size_t n;

	wr_init(&w, buf, sizeof(buf));
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		put_item(&w, s, &all[i]);
	for (size_t i = 0; fetch && i < sizeof(more) / sizeof(more[0]); i++)
		put_item(&w, s, &more[i]);
	if (wr_end(&w, &n) != 0 || items_open(buf, n, &it) != 0)
		__builtin_trap();
	return conf_read(&it, fetch, out);
}

#endif
