/* SPDX-License-Identifier: Apache-2.0 */
/* One call of the HTTP client (http.h) on libcurl. */
#include "http.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "http_own.h"
#include "retry.h"

/* Bounds an answer while it comes: 0 taken makes libcurl give up. */
size_t
http_on_body(char *p, size_t one, size_t bytes, void *arg)
{
	struct http *h = arg;
	size_t most = h->rq->max_bytes;
	long status = 0;

	(void)one; /* always 1 */
	curl_easy_getinfo(h->easy, CURLINFO_RESPONSE_CODE, &status);
	if (status != 200 && most > HTTP_ERROR_MAX)
		most = HTTP_ERROR_MAX;
	if (most > HTTP_BODY_MAX)
		most = HTTP_BODY_MAX;
	if (bytes > most - h->got) {
		h->too_long = true;
		return 0;
	}
	memcpy(h->body + h->got, p, bytes);
	h->got += bytes;
	return bytes;
}

/* The value of a header line of that name ("name:"), or NULL. */
static const char *
value_of(const char *name, const char *p, size_t bytes, size_t *out_bytes)
{
	size_t n = strlen(name);

	if (bytes <= n || strncasecmp(p, name, n) != 0)
		return NULL;
	*out_bytes = bytes - n;
	return p + n;
}

size_t
http_on_header(char *p, size_t one, size_t bytes, void *arg)
{
	struct http *h = arg;
	const char *v;
	size_t n;

	(void)one;
	if (bytes > HTTP_HEADER_MAX - h->header_got) {
		h->header_too_long = true;
		return 0;
	}
	h->header_got += bytes;
	if (bytes == 2 && memcmp(p, "\r\n", 2) == 0)
		h->header_whole = true;
	else if (bytes > 5 && memcmp(p, "HTTP/", 5) == 0)
		h->header_whole = false; /* behind a 100 comes another */
	if ((v = value_of("retry-after:", p, bytes, &n)))
		h->after_s = retry_after(v, n, (int64_t)time(NULL));
	else if ((v = value_of("x-ms-error-code:", p, bytes, &n)))
		lease_code(v, n, h->code);
	else if ((v = value_of("date:", p, bytes, &n)) &&
		 retry_date(v, n, &h->date_s) != 0)
		h->date_s = 0;
	return bytes;
}

/* Appends a header line; a list that fails is freed and NULL for good. */
static void
add(struct curl_slist **list, bool *bad, const char *line)
{
	struct curl_slist *more = curl_slist_append(*list, line);

	if (!more)
		*bad = true;
	else
		*list = more;
}

/* The bearer token is copied by libcurl; here it is wiped. */
static void
wipe_list(struct curl_slist *list)
{
	for (struct curl_slist *i = list; i; i = i->next)
		explicit_bzero(i->data, strlen(i->data));
	curl_slist_free_all(list);
}

static struct curl_slist *
headers(const struct http_request *rq)
{
	static char sk_line[32 + 16384]; /* one thread */
	struct curl_slist *list = NULL;
	bool bad = false;

	add(&list, &bad, "Accept: application/json");
	add(&list, &bad, "Expect:"); /* no 100-continue: one round trip less */
	if (rq->body)
		add(&list, &bad, "Content-Type: application/json");
	if (rq->remote == REMOTE_IMDS)
		add(&list, &bad, "Metadata: true");
	for (size_t i = 0; rq->more && rq->more[i]; i++)
		add(&list, &bad, rq->more[i]);
	if (rq->sk_bearer) {
		int n = snprintf(sk_line, sizeof(sk_line),
				 "Authorization: Bearer %s", rq->sk_bearer);

		if (n < 0 || (size_t)n >= sizeof(sk_line))
			bad = true;
		else
			add(&list, &bad, sk_line);
		explicit_bzero(sk_line, sizeof(sk_line));
	}
	if (!bad)
		return list;
	wipe_list(list);
	return NULL;
}

/* Sets what is different in each call.  Returns 0 or ERR_SYS. */
static int
prepare(struct http *h, const struct http_request *rq, uint32_t left_ms,
	struct curl_slist *list)
{
	bool tls = rq->remote != REMOTE_IMDS;
	uint32_t most = h->conf->call_ms;
	CURLcode bad = CURLE_OK;
	CURL *e = h->easy;
	int n;

	n = snprintf(h->url, sizeof(h->url), "%s://%s%s",
		     tls ? "https" : "http", h->conf->host[rq->remote],
		     rq->path);
	if (n < 0 || (size_t)n >= sizeof(h->url))
		return ERR_SYS;
	if (left_ms < most)
		most = left_ms > 0 ? left_ms : 1;
#define SET(option, value)                                                     \
	do {                                                                   \
		CURLcode set = curl_easy_setopt(e, option, value);             \
		bad = bad != CURLE_OK ? bad : set;                             \
	} while (0)
	SET(CURLOPT_URL, h->url);
	SET(CURLOPT_PROTOCOLS_STR, tls ? "https" : "http");
	SET(CURLOPT_TIMEOUT_MS, (long)most);
	SET(CURLOPT_HTTPHEADER, list);
	if (rq->body) {
		SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)rq->body_bytes);
		SET(CURLOPT_POSTFIELDS, rq->body);
	} else {
		SET(CURLOPT_HTTPGET, 1L);
	}
	SET(CURLOPT_CUSTOMREQUEST, rq->method);
	/* On a kept connection that proves dead libcurl asks again by itself:
	 * what writes is repeated by its own loop only, which says so. */
	SET(CURLOPT_FRESH_CONNECT, strcmp(rq->method, "PUT") == 0 ? 1L : 0L);
#undef SET
	return bad == CURLE_OK ? 0 : ERR_SYS;
}

/* Says whether the type is JSON, with or without parameters. */
static bool
is_json(CURL *easy)
{
	static const char want[] = "application/json";
	const char *type = NULL;

	curl_easy_getinfo(easy, CURLINFO_CONTENT_TYPE, &type);
	if (!type || strncasecmp(type, want, sizeof(want) - 1) != 0)
		return false;
	type += sizeof(want) - 1;
	return *type == '\0' || *type == ';' || *type == ' ';
}

/*
 * The name or the chain is wrong: that does not mend itself.  A handshake
 * that broke is no such thing (a load balancer that restarts).
 */
static bool
is_final(CURLcode c)
{
	return c == CURLE_PEER_FAILED_VERIFICATION ||
	       c == CURLE_SSL_CACERT_BADFILE || c == CURLE_URL_MALFORMAT;
}

static void
judge(struct http *h, CURLcode c, struct http_answer *out)
{
	long status = 0;

	curl_easy_getinfo(h->easy, CURLINFO_RESPONSE_CODE, &status);
	if (c == CURLE_FILESIZE_EXCEEDED) /* by its length, or none we know */
		h->too_long = true;
	if (h->too_long && status >= 300 && status <= 599)
		c = CURLE_OK; /* an error's long page: its status counts */
	if (c != CURLE_OK) {
		out->final = is_final(c);
		out->why = h->why[0] ? h->why : curl_easy_strerror(c);
		if (h->too_long || h->header_too_long)
			out->why = "the answer is too long";
	} else if (!h->header_whole && !h->too_long) {
		/* libcurl takes it for an answer */
		out->why = "the answer ends within its header";
	} else if (status < 100 || status > 599) {
		out->why = "the answer has no status";
	} else if (status == 200 && h->rq->json && !is_json(h->easy)) {
		out->why = "the answer is not JSON by its type";
	} else {
		out->status = (unsigned)status;
	}
}

void
http_call(struct http *h, const struct http_request *rq, uint32_t left_ms,
	  struct http_answer *out)
{
	struct curl_slist *list = headers(rq);
	CURLcode c;

	*out = (struct http_answer){.body = h->body, .code = h->code};
	h->rq = rq;
	h->got = 0;
	h->header_got = 0;
	h->too_long = false;
	h->header_too_long = false;
	h->header_whole = false;
	h->after_s = 0;
	h->code[0] = '\0';
	h->date_s = 0;
	h->why[0] = '\0';
	if (!list || prepare(h, rq, left_ms, list) != 0) {
		out->why = "the request cannot be made";
		goto out;
	}
	c = curl_easy_perform(h->easy);
	h->body[h->got] = '\0';
	out->bytes = h->got;
	out->after_s = h->after_s;
	out->date_s = h->date_s;
	judge(h, c, out);
out:
	curl_easy_setopt(h->easy, CURLOPT_HTTPHEADER, NULL);
	curl_easy_setopt(h->easy, CURLOPT_POSTFIELDS, NULL);
	wipe_list(list);
}
