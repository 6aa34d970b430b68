/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Load for a server's benchmark: threads with a TLS connection each ask as
 * fast as they are answered, for a while that starts when all are connected.
 *
 *	load CA HOST PORT TOKEN KIND THREADS MILLISECONDS
 *
 * KIND: read (GET), write (POST of 100 bytes), big (GET of 100 KiB), connect
 * (GET, a new connection each).  Says "ready" and waits for a byte; asks;
 * prints requests answered 2xx, others, and the microseconds; says "done" and
 * waits again: so the caller can read the server's clock before and after.
 */
#include <curl/curl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../stats.h"

#define THREADS_MAX 64
#define WRITE_BODY                                                             \
	"{\"word\":\"0123456789012345678901234567890123456789012345678901234"  \
	"56789012345678901234567890123456789\"}"

struct plan {
	const char *ca, *host, *token, *kind;
	unsigned port;
	double until; /* bench_us */
	atomic_ulong good, bad;
	pthread_barrier_t ready, go;
};

struct client {
	struct plan *plan;
	unsigned number;
	CURL *curl;
	struct curl_slist *head, *to;
};

static size_t
sink(char *data, size_t size, size_t count, void *arg)
{
	(void)data;
	(void)arg;
	return size * count;
}

static int
open_client(struct client *c)
{
	const struct plan *p = c->plan;
	bool writes = !strcmp(p->kind, "write");
	char text[256];

	if (!(c->curl = curl_easy_init()))
		return -1;
	snprintf(text, sizeof(text), "%s:%u:127.0.0.1", p->host, p->port);
	c->to = curl_slist_append(NULL, text);
	snprintf(text, sizeof(text), "X-Vault-Token: %s", p->token);
	c->head = curl_slist_append(NULL, text);
	snprintf(text, sizeof(text), "https://%s:%u/v1/load/%s%u", p->host,
		 p->port, !strcmp(p->kind, "big") ? "big" : "", c->number % 8);
	curl_easy_setopt(c->curl, CURLOPT_URL, text);
	curl_easy_setopt(c->curl, CURLOPT_RESOLVE, c->to);
	curl_easy_setopt(c->curl, CURLOPT_HTTPHEADER, c->head);
	curl_easy_setopt(c->curl, CURLOPT_CAINFO, p->ca);
	curl_easy_setopt(c->curl, CURLOPT_WRITEFUNCTION, sink);
	curl_easy_setopt(c->curl, CURLOPT_TIMEOUT, 30L);
	curl_easy_setopt(c->curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c->curl, CURLOPT_HTTP_VERSION,
			 (long)CURL_HTTP_VERSION_1_1);
	if (!strcmp(p->kind, "connect")) {
		curl_easy_setopt(c->curl, CURLOPT_FORBID_REUSE, 1L);
		curl_easy_setopt(c->curl, CURLOPT_SSL_SESSIONID_CACHE, 0L);
	}
	if (writes)
		curl_easy_setopt(c->curl, CURLOPT_POSTFIELDS, WRITE_BODY);
	return 0;
}

static bool
ask(struct client *c)
{
	long status = 0;

	if (curl_easy_perform(c->curl) == CURLE_OK)
		curl_easy_getinfo(c->curl, CURLINFO_RESPONSE_CODE, &status);
	return status / 100 == 2;
}

static void *
client(void *arg)
{
	struct client *c = arg;
	struct plan *p = c->plan;
	bool ok = open_client(c) == 0 && ask(c);

	pthread_barrier_wait(&p->ready);
	pthread_barrier_wait(&p->go);
	while (ok && bench_us() < p->until)
		atomic_fetch_add(ask(c) ? &p->good : &p->bad, 1);
	if (!ok)
		atomic_fetch_add(&p->bad, 1);
	pthread_barrier_wait(&p->ready);
	curl_easy_cleanup(c->curl);
	curl_slist_free_all(c->head);
	curl_slist_free_all(c->to);
	return NULL;
}

/* A line to the caller, and its answer: so it sees the moment. */
static void
say_and_wait(const char *word)
{
	char answer;

	printf("%s\n", word);
	fflush(stdout);
	if (read(STDIN_FILENO, &answer, 1) != 1)
		exit(1);
}

int
main(int argc, char **argv)
{
	static struct client clients[THREADS_MAX];
	static struct plan p;
	pthread_t threads[THREADS_MAX];
	unsigned n = argc == 8 ? (unsigned)atoi(argv[6]) : 0;
	double start;

	if (n < 1 || n > THREADS_MAX)
		return 2;
	p.ca = argv[1];
	p.host = argv[2];
	p.port = (unsigned)atoi(argv[3]);
	p.token = argv[4];
	p.kind = argv[5];
	curl_global_init(CURL_GLOBAL_DEFAULT);
	pthread_barrier_init(&p.ready, NULL, n + 1);
	pthread_barrier_init(&p.go, NULL, n + 1);
	for (unsigned i = 0; i < n; i++) {
		clients[i] = (struct client){.plan = &p, .number = i};
		if (pthread_create(&threads[i], NULL, client, &clients[i]) != 0)
			return 1;
	}
	pthread_barrier_wait(&p.ready);
	say_and_wait("ready");
	start = bench_us();
	p.until = start + atof(argv[7]) * 1e3;
	pthread_barrier_wait(&p.go);
	pthread_barrier_wait(&p.ready);
	printf("%lu %lu %.0f\n", p.good, p.bad, bench_us() - start);
	say_and_wait("done");
	for (unsigned i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
	return 0;
}
