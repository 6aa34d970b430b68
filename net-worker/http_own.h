/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of the HTTP client: http_open.c makes it, http.c calls with it. */
#ifndef SP_NET_HTTP_OWN_H
#define SP_NET_HTTP_OWN_H

#include <curl/curl.h>

#include "http.h"
#include "lease.h"

#define URL_MAX (CONF_HOST + HTTP_PATH_MAX + 16u)

/* One process, one client: the buffers are static and not in the heap. */
struct http {
	CURL *easy;
	const struct net_conf *conf;
	struct addrs addrs;
	struct curl_blob roots;
	struct curl_slist *connect_to;
	struct curl_slist *resolve;
	/* of the call that runs */
	const struct http_request *rq;
	size_t got;
	size_t header_got;
	bool too_long; /* the body */
	bool header_too_long;
	bool header_whole; /* its empty line came */
	uint32_t after_s;
	char code[LEASE_CODE];
	uint64_t date_s;
	char body[HTTP_BODY_MAX + 1];
	char why[CURL_ERROR_SIZE];
	char url[URL_MAX];
};

/* libcurl's callbacks; `h` is the client. */
size_t http_on_body(char *p, size_t one, size_t bytes, void *h);
size_t http_on_header(char *p, size_t one, size_t bytes, void *h);

#endif
