/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The HTTP client's making: what every call has in common, the addresses it
 * may connect to, the dummy round before the lock.
 */
#include <netinet/in.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "http_own.h"
#include "text.h"

#define PIN_MAX (CONF_HOST + 16u + ADDRS_EACH * (ADDR_TEXT + 3u))

static struct http the_client;

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
	SET(CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)HTTP_BODY_MAX);
	SET(CURLOPT_USERAGENT, "sallyport");
	SET(CURLOPT_WRITEFUNCTION, http_on_body);
	SET(CURLOPT_WRITEDATA, h);
	SET(CURLOPT_HEADERFUNCTION, http_on_header);
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
	struct http_request none = {.method = "GET", .path = "/", .json = true};
	struct http *h = &the_client;
	struct http_answer a;
	char line[PIN_MAX];
	union { /* libcurl takes no pointer to const, and does not write */
		const void *from;
		void *to;
	} pem = {.from = roots};

	/*
	 * OpenSSL makes its generator when it is asked first, and crashes
	 * where there is no memory for that: here, where nothing is lost.
	 */
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK ||
	    RAND_status() != 1)
		return ERR_SYS;
	h->conf = conf;
	none.remote = conf->host[REMOTE_AKV][0] ? REMOTE_AKV : REMOTE_BLOB;
	h->roots = (struct curl_blob){pem.to, roots_bytes, CURL_BLOB_NOCOPY};
	/*
	 * The dummy round: to a literal that is no pin, so on_socket refuses
	 * it.  The handle goes with its wake-up pair: nothing may be open that
	 * the descriptor table does not name.
	 */
	snprintf(line, sizeof(line), "%s:443:127.0.0.1",
		 conf->host[none.remote]);
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
