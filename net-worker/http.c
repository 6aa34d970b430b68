/* SPDX-License-Identifier: Apache-2.0 */
/* The HTTP client (http.h) on libcurl. */
#include "http.h"

#include <curl/curl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "retry.h"
#include "text.h"

#define URL_MAX (CONF_HOST + HTTP_PATH_MAX + 16u)
#define PIN_MAX (CONF_HOST + 16u + ADDRS_EACH * (ADDR_TEXT + 3u))

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
	uint32_t after_s;
	char body[HTTP_BODY_MAX + 1];
	char why[CURL_ERROR_SIZE];
	char url[URL_MAX];
};

static struct http the_client;

/* Bounds an answer while it comes: 0 taken makes libcurl give up. */
static size_t
on_body(char *p, size_t one, size_t bytes, void *arg)
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

static size_t
on_header(char *p, size_t one, size_t bytes, void *arg)
{
	static const char name[] = "retry-after:";
	struct http *h = arg;

	(void)one;
	if (bytes > HTTP_HEADER_MAX - h->header_got) {
		h->header_too_long = true;
		return 0;
	}
	h->header_got += bytes;
	if (bytes >= sizeof(name) &&
	    strncasecmp(p, name, sizeof(name) - 1) == 0)
		h->after_s = retry_after(p + sizeof(name) - 1,
					 bytes - (sizeof(name) - 1),
					 (int64_t)time(NULL));
	return bytes;
}

/* Says whether it is one of this remote's addresses, and its port. */
static bool
is_pinned(const struct http *h, const struct curl_sockaddr *to)
{
	enum remote remote = h->rq->remote;
	struct sockaddr_in6 at = {0}; /* sin_port lies at the same place */
	struct addr a;

	if (to->addrlen > sizeof(at) ||
	    addr_from(&to->addr, to->addrlen, &a) != 0)
		return false;
	memcpy(&at, &to->addr, to->addrlen);
	if (ntohs(at.sin6_port) != h->conf->port[remote])
		return false;
	for (unsigned i = 0; i < h->addrs.n[remote]; i++)
		if (memcmp(&h->addrs.a[remote][i], &a, sizeof(a)) == 0)
			return true;
	return false;
}

/*
 * The protocol is named: Landlock's ports hold for IPPROTO_TCP alone (DESIGN
 * 5, the server), and the filter demands it.
 */
static curl_socket_t
on_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *to)
{
	const struct http *h = arg;

	if (purpose != CURLSOCKTYPE_IPCXN || !is_pinned(h, to))
		return CURL_SOCKET_BAD;
	return socket(to->family, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_TCP);
}

/* "host:port:address,address": what the name means, for ever. */
static int
pin(struct http *h, enum remote remote)
{
	const char *host = h->conf->host[remote];
	bool tls = remote != REMOTE_IMDS;
	char line[PIN_MAX], at[ADDR_TEXT];
	struct curl_slist *more;
	struct text t;
	size_t n;

	if (host[0] == '\0')
		return 0;
	if (h->addrs.n[remote] == 0)
		return ERR_NOTFOUND;
	text_init(&t, line, sizeof(line));
	text_put(&t, host);
	text_put(&t, tls ? ":443::" : ":80::");
	text_u32(&t, h->conf->port[remote]);
	if (text_end(&t, &n) != 0)
		return ERR_SYS;
	if (!(more = curl_slist_append(h->connect_to, line)))
		return ERR_SYS;
	h->connect_to = more;

	text_init(&t, line, sizeof(line));
	text_put(&t, host);
	text_put(&t, ":");
	text_u32(&t, h->conf->port[remote]);
	for (unsigned i = 0; i < h->addrs.n[remote]; i++) {
		bool six = h->addrs.a[remote][i].family == 6;

		addr_text(&h->addrs.a[remote][i], at);
		text_put(&t, i == 0 ? ":" : ",");
		text_put(&t, six ? "[" : "");
		text_put(&t, at);
		text_put(&t, six ? "]" : "");
	}
	if (text_end(&t, &n) != 0)
		return ERR_SYS;
	if (!(more = curl_slist_append(h->resolve, line)))
		return ERR_SYS;
	h->resolve = more;
	return 0;
}

/* What every call has in common.  Returns 0 or ERR_SYS. */
static int
set_up(struct http *h)
{
	CURL *e = h->easy;
	CURLcode bad = CURLE_OK;

#define SET(option, value)                                                     \
	do {                                                                   \
		CURLcode set = curl_easy_setopt(e, option, value);             \
		bad = bad != CURLE_OK ? bad : set;                             \
	} while (0)
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_PROXY, "");
	SET(CURLOPT_FOLLOWLOCATION, 0L);
	SET(CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	SET(CURLOPT_HTTP09_ALLOWED, 0L);
	SET(CURLOPT_PATH_AS_IS, 1L);
	SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	SET(CURLOPT_SSL_VERIFYPEER, 1L);
	SET(CURLOPT_SSL_VERIFYHOST, 2L);
	SET(CURLOPT_CAINFO, NULL);
	SET(CURLOPT_CAPATH, NULL); /* or it opens files of that directory */
	SET(CURLOPT_CAINFO_BLOB, &h->roots);
	SET(CURLOPT_USERAGENT, "sallyport");
	SET(CURLOPT_WRITEFUNCTION, on_body);
	SET(CURLOPT_WRITEDATA, h);
	SET(CURLOPT_HEADERFUNCTION, on_header);
	SET(CURLOPT_HEADERDATA, h);
	SET(CURLOPT_OPENSOCKETFUNCTION, on_socket);
	SET(CURLOPT_OPENSOCKETDATA, h);
	SET(CURLOPT_ERRORBUFFER, h->why);
	SET(CURLOPT_CONNECTTIMEOUT_MS, (long)h->conf->connect_ms);
	if (h->connect_to)
		SET(CURLOPT_CONNECT_TO, h->connect_to);
	if (h->resolve)
		SET(CURLOPT_RESOLVE, h->resolve);
#undef SET
	return bad == CURLE_OK ? 0 : ERR_SYS;
}

int
http_prime(const struct net_conf *conf, const void *roots, size_t roots_bytes,
	   struct http **out_http)
{
	static const struct http_request none = {.remote = REMOTE_AKV,
						 .method = "GET",
						 .path = "/",
						 .json = true};
	struct http *h = &the_client;
	struct http_answer a;
	char line[PIN_MAX];
	union { /* libcurl takes no pointer to const, and does not write */
		const void *from;
		void *to;
	} pem = {.from = roots};

	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return ERR_SYS;
	h->conf = conf;
	h->roots = (struct curl_blob){pem.to, roots_bytes, CURL_BLOB_NOCOPY};
	/*
	 * The dummy round: to a literal that is no pin, so on_socket refuses
	 * it.  The handle goes with its wake-up pair: nothing may be open that
	 * the descriptor table does not name.
	 */
	snprintf(line, sizeof(line), "%s:443:127.0.0.1",
		 conf->host[REMOTE_AKV]);
	if (!(h->resolve = curl_slist_append(NULL, line)) ||
	    !(h->easy = curl_easy_init()) || set_up(h) != 0)
		return ERR_SYS;
	http_call(h, &none, 1000, &a);
	curl_easy_cleanup(h->easy);
	curl_slist_free_all(h->resolve);
	h->easy = NULL;
	h->resolve = NULL;
	if (a.status != 0)
		return ERR_SYS;
	*out_http = h;
	return 0;
}

int
http_open(struct http *h, const struct addrs *addrs)
{
	int r;

	h->addrs = *addrs;
	for (enum remote i = 0; i < REMOTE_COUNT; i++)
		if ((r = pin(h, i)) != 0)
			return r;
	if (!(h->easy = curl_easy_init()))
		return ERR_SYS;
	return set_up(h);
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
	       c == CURLE_SSL_CACERT_BADFILE || c == CURLE_URL_MALFORMAT ||
	       c == CURLE_UNSUPPORTED_PROTOCOL;
}

static void
judge(struct http *h, CURLcode c, struct http_answer *out)
{
	long status = 0;

	curl_easy_getinfo(h->easy, CURLINFO_RESPONSE_CODE, &status);
	if (c == CURLE_WRITE_ERROR && h->too_long && status >= 300 &&
	    status <= 599)
		c = CURLE_OK; /* an error's long page: its status counts */
	if (c != CURLE_OK) {
		out->final = is_final(c);
		out->why = h->why[0] ? h->why : curl_easy_strerror(c);
		if (h->too_long || h->header_too_long)
			out->why = "the answer is too long";
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

	*out = (struct http_answer){.body = h->body};
	h->rq = rq;
	h->got = 0;
	h->header_got = 0;
	h->too_long = false;
	h->header_too_long = false;
	h->after_s = 0;
	h->why[0] = '\0';
	if (!list || prepare(h, rq, left_ms, list) != 0) {
		out->why = "the request cannot be made";
		goto out;
	}
	c = curl_easy_perform(h->easy);
	h->body[h->got] = '\0';
	out->bytes = h->got;
	out->after_s = h->after_s;
	judge(h, c, out);
out:
	curl_easy_setopt(h->easy, CURLOPT_HTTPHEADER, NULL);
	curl_easy_setopt(h->easy, CURLOPT_POSTFIELDS, NULL);
	wipe_list(list);
}
