/* SPDX-License-Identifier: Apache-2.0 */
/* The body of ADDRS and its addresses; pure functions. */
#include "addrs.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

static int
check(const struct addr *a)
{
	static const uint8_t zero[12];

	if (a->family == 6)
		return 0;
	if (a->family != 4 || memcmp(a->bytes + 4, zero, sizeof(zero)) != 0)
		return ERR_FORMAT;
	return 0;
}

int
addrs_get(const void *body, size_t bytes, struct addrs *out)
{
	struct addrs all = {0};
	struct addr a;
	struct rd rd;
	uint8_t remote;
	int r;

	rd_init(&rd, body, bytes);
	while (rd.left > 0) {
		if ((r = rd_u8(&rd, &remote)) != 0 ||
		    (r = rd_u8(&rd, &a.family)) != 0 ||
		    (r = rd_copy(&rd, sizeof(a.bytes), a.bytes)) != 0 ||
		    (r = check(&a)) != 0)
			return r;
		if (remote >= REMOTE_COUNT || all.n[remote] >= ADDRS_EACH)
			return ERR_FORMAT;
		all.a[remote][all.n[remote]++] = a;
	}
	if ((r = rd_end(&rd)) != 0)
		return r;
	*out = all;
	return 0;
}

void
addrs_put(struct wr *w, unsigned remote, const struct addr *a)
{
	BUG_ON(remote >= REMOTE_COUNT);
	wr_u8(w, (uint8_t)remote);
	wr_u8(w, a->family);
	wr_bytes(w, a->bytes, sizeof(a->bytes));
}

int
addr_from(const struct sockaddr *sa, size_t bytes, struct addr *out)
{
	struct addr a = {0};
	struct sockaddr_in in;
	struct sockaddr_in6 in6;

	if (bytes >= sizeof(in) && sa->sa_family == AF_INET) {
		memcpy(&in, sa, sizeof(in));
		a.family = 4;
		memcpy(a.bytes, &in.sin_addr, 4);
	} else if (bytes >= sizeof(in6) && sa->sa_family == AF_INET6) {
		memcpy(&in6, sa, sizeof(in6));
		if (in6.sin6_scope_id != 0)
			return ERR_FORMAT;
		a.family = 6;
		memcpy(a.bytes, &in6.sin6_addr, 16);
	} else {
		return ERR_FORMAT;
	}
	*out = a;
	return 0;
}

int
addr_literal(const char *text, struct addr *out)
{
	struct addr a = {0};

	if (inet_pton(AF_INET, text, a.bytes) == 1)
		a.family = 4;
	else if (inet_pton(AF_INET6, text, a.bytes) == 1)
		a.family = 6;
	else
		return ERR_FORMAT;
	*out = a;
	return 0;
}

void
addr_text(const struct addr *a, char out[static ADDR_TEXT])
{
	BUG_ON(a->family != 4 && a->family != 6);
	BUG_ON(inet_ntop(a->family == 4 ? AF_INET : AF_INET6, a->bytes, out,
			 ADDR_TEXT) == NULL);
}
