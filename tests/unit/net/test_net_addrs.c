/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <netinet/in.h>

#include "addrs.h"
#include "check.h"

static size_t
put(uint8_t *buf, size_t cap, unsigned remote, const char *text, unsigned times)
{
	struct addr a;
	struct wr w;
	size_t n = 0;

	EXPECT(addr_literal(text, &a) == 0);
	wr_init(&w, buf, cap);
	for (unsigned i = 0; i < times; i++)
		addrs_put(&w, remote, &a);
	EXPECT(wr_end(&w, &n) == 0);
	return n;
}

CASE(reads_what_it_writes)
{
	uint8_t buf[ADDRS_BYTES];
	char text[ADDR_TEXT];
	struct addrs all;
	size_t n = put(buf, sizeof(buf), REMOTE_MAA, "10.1.2.3", 1);

	n += put(buf + n, sizeof(buf) - n, REMOTE_AKV, "2001:db8::1", 2);
	EXPECT(n == 54);
	EXPECT(addrs_get(buf, n, &all) == 0);
	EXPECT(all.n[REMOTE_IMDS] == 0 && all.n[REMOTE_MAA] == 1 &&
	       all.n[REMOTE_AKV] == 2);
	addr_text(&all.a[REMOTE_MAA][0], text);
	EXPECT(strcmp(text, "10.1.2.3") == 0);
	addr_text(&all.a[REMOTE_AKV][1], text);
	EXPECT(strcmp(text, "2001:db8::1") == 0);
}

CASE(takes_eight_of_a_name_and_not_nine)
{
	uint8_t buf[9 * 18];
	struct addrs all = {.n = {7, 7, 7}};
	size_t n = put(buf, sizeof(buf), 0, "10.1.2.3", 9);

	EXPECT(addrs_get(buf, n, &all) == ERR_FORMAT);
	EXPECT(all.n[0] == 7); /* untouched */
	EXPECT(addrs_get(buf, n - 18, &all) == 0 && all.n[0] == 8);
}

CASE(refuses_unknown_remote_family_and_stray_bytes)
{
	uint8_t buf[18];
	struct addrs all;
	size_t n = put(buf, sizeof(buf), 0, "10.1.2.3", 1);

	buf[0] = REMOTE_COUNT;
	EXPECT(addrs_get(buf, n, &all) == ERR_FORMAT);
	buf[0] = 0;
	buf[1] = 5;
	EXPECT(addrs_get(buf, n, &all) == ERR_FORMAT);
	buf[1] = 4;
	buf[6] = 1; /* behind the four bytes */
	EXPECT(addrs_get(buf, n, &all) == ERR_FORMAT);
	buf[6] = 0;
	EXPECT(addrs_get(buf, n, &all) == 0);
	for (size_t cut = 1; cut < n; cut++)
		EXPECT(addrs_get(buf, cut, &all) == ERR_FORMAT);
}

CASE(takes_no_address_with_a_scope_and_no_other_family)
{
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_scope_id = 2};
	struct sockaddr_in in = {.sin_family = AF_INET};
	struct addr a;

	in.sin_addr.s_addr = htonl(0x7f000001);
	EXPECT(addr_from((void *)&in, sizeof(in), &a) == 0 && a.family == 4);
	EXPECT(addr_from((void *)&in, sizeof(in) - 1, &a) == ERR_FORMAT);
	EXPECT(addr_from((void *)&in6, sizeof(in6), &a) == ERR_FORMAT);
	in6.sin6_scope_id = 0;
	EXPECT(addr_from((void *)&in6, sizeof(in6), &a) == 0 && a.family == 6);
	in.sin_family = AF_UNIX;
	EXPECT(addr_from((void *)&in, sizeof(in), &a) == ERR_FORMAT);
}

CASE(knows_a_literal_from_a_name)
{
	struct addr a;

	EXPECT(addr_literal("::1", &a) == 0 && a.family == 6);
	EXPECT(addr_literal("127.0.0.1", &a) == 0 && a.family == 4);
	EXPECT(addr_literal("127.1", &a) == ERR_FORMAT);
	EXPECT(addr_literal("[::1]", &a) == ERR_FORMAT);
	EXPECT(addr_literal("localhost", &a) == ERR_FORMAT);
}

int
main(void)
{
	return check_run();
}
