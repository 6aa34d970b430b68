/* SPDX-License-Identifier: Apache-2.0 */
/* What each seat is told: the bodies of CONFIG. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "b64.h"
#include "control_conf.h"
#include "items.h"
#include "log.h"
#include "memfd.h"
#include "operator_key.h"
#include "osinfo.h"
#include "session.h"
#include "tags.h"

#define FOR_EVER_S 4000000u /* 46 days */
#define PEM_TEXT   65536
#define DER_MAX	   8192

struct remote_conf {
	char url[600];
	char host[256]; /* to resolve */
	unsigned port;	/* to connect to */
};

/* URL of the service; host and port to connect to, which may be others. */
static void
remote_of(const struct conf *c, enum remote which, struct remote_conf *out)
{
	const char *connect = NULL;
	char maa[300];

	memset(out, 0, sizeof(*out));
	if (which == REMOTE_IMDS) {
		const char *url = conf_str(c, CONF_IMDS_URL), *port;

		snprintf(out->url, sizeof(out->url), "http://%.*s",
			 (int)strcspn(url + 7, ":"), url + 7);
		port = strchr(url + 7, ':');
		out->port = port ? (unsigned)atoi(port + 1) : 80;
	} else if (which == REMOTE_MAA) {
		snprintf(maa, sizeof(maa), "%s", conf_str(c, CONF_MAA));
		if (maa[strlen(maa) - 1] == '/')
			maa[strlen(maa) - 1] = '\0';
		snprintf(out->url, sizeof(out->url), "%s", maa);
		connect = conf_str(c, CONF_MAA_CONN);
		out->port = 443;
	} else if (which == REMOTE_BLOB) {
		snprintf(out->url, sizeof(out->url),
			 "https://%s.blob.core.windows.net",
			 conf_str(c, CONF_SA_NAME));
		connect = conf_str(c, CONF_BLOB_CONN);
		out->port = 443;
	} else {
		snprintf(out->url, sizeof(out->url),
			 "https://%s.vault.azure.net",
			 conf_str(c, CONF_KEYVAULT));
		connect = conf_str(c, CONF_AKV_CONN);
		out->port = 443;
	}
	for (char *p = out->url; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	if (connect) {
		size_t n = strcspn(connect, ":");
		snprintf(out->host, sizeof(out->host), "%.*s", (int)n, connect);
		out->port = (unsigned)atoi(connect + n + 1);
	} else if (url_host(out->url, out->host, sizeof(out->host)) != 0) {
		out->host[0] = '\0'; /* cannot be: checked at entry */
	}
}

static void
put_question(const struct session *x, const struct conf *c, struct wr *w)
{
	items_put_str(w, TAG_KEY_URL, conf_str(c, CONF_MK_ID));
	for (unsigned i = 0; i < x->enc_count; i++) {
		uint8_t item[65];

		item[0] = x->enc[i];
		memcpy(item + 1, x->nonce[i], 64);
		items_put(w, TAG_ENC, item, sizeof(item));
	}
}

static void
put_plan(const struct session *x, const struct conf *c, struct wr *w)
{
	bool only = !strcmp(conf_str(c, CONF_LAYOUT), "bundle");

	items_put_u32(w, TAG_PLAN, x->plan);
	items_put_u32(w, TAG_LAYOUT, only);
	items_put_u32(w, TAG_OLD_COUNT, only ? 0 : 5);
}

static void
put_times(const struct conf *c, struct wr *w)
{
	if (conf_str(c, CONF_IDENTITY))
		items_put_str(w, TAG_IDENTITY, conf_str(c, CONF_IDENTITY));
	items_put_u32(w, TAG_CONNECT_MS, conf_num(c, CONF_T_CONNECT) * 1000);
	items_put_u32(w, TAG_CALL_MS, conf_num(c, CONF_T_CALL) * 1000);
	items_put_u32(w, TAG_RETRY_MS, conf_num(c, CONF_T_RETRY) * 1000);
}

static void
put_keeper(const struct conf *c, struct wr *w)
{
	struct remote_conf imds, blob;
	char path[160];

	remote_of(c, REMOTE_IMDS, &imds);
	remote_of(c, REMOTE_BLOB, &blob);
	items_put_str(w, TAG_IMDS_URL, imds.url);
	items_put_u32(w, TAG_IMDS_PORT, imds.port);
	items_put_str(w, TAG_BLOB_URL, blob.url);
	items_put_u32(w, TAG_BLOB_PORT, blob.port);
	snprintf(path, sizeof(path), "/%s/%s", conf_str(c, CONF_LEASE_CONT),
		 conf_str(c, CONF_CONTAINER));
	items_put_str(w, TAG_BLOB_PATH, path);
	items_put_u32(w, TAG_LEASE_S, conf_num(c, CONF_LEASE_TIME));
	put_times(c, w);
}

static void
put_https(const struct sup *s, const struct session *x, struct wr *w)
{
	static const enum tag url[] = {TAG_IMDS_URL, TAG_MAA_URL, TAG_AKV_URL};
	static const enum tag port[] = {TAG_IMDS_PORT, TAG_MAA_PORT,
					TAG_AKV_PORT};
	const struct conf *c = s->conf;
	struct remote_conf rc;
	struct osinfo os;

	for (int i = 0; i < REMOTE_BLOB; i++) {
		remote_of(c, (enum remote)i, &rc);
		items_put_str(w, url[i], rc.url);
		items_put_u32(w, port[i], rc.port);
	}
	if (x->poll) {
		items_put_u64(w, TAG_SINCE_BOOT, s->cert.boot_ns);
		items_put_u64(w, TAG_SINCE_REAL, s->cert.real_s);
	}
	osinfo_read(&os);
	items_put_str(w, TAG_MAA_NONCE, x->maa_nonce);
	items_put_str(w, TAG_OS_NAME, os.name);
	items_put_u32(w, TAG_OS_MAJOR, os.major);
	items_put_u32(w, TAG_OS_MINOR, os.minor);
	items_put_u32(w, TAG_PROBE, x->probe);
	items_put_u32(w, TAG_ABSENT_S, x->absent_s);
	put_times(c, w);
	put_question(x, c, w);
	put_plan(x, c, w);
}

/* Certificates of a PEM file as DER items; returns how many. */
static int
put_certs(const char *what, const char *path, struct wr *w, enum tag tag,
	  unsigned max)
{
	static uint8_t text[PEM_TEXT + 1];
	uint8_t der[DER_MAX];
	size_t n = 0, bytes;
	unsigned i = 0;
	int got = read_file(path, text, PEM_TEXT, &n), r = got;

	text[n] = '\0';
	while (r == 0 && i < max &&
	       (r = pem_block((char *)text, "CERTIFICATE", i, der, sizeof(der),
			      &bytes)) == 0) {
		items_put(w, tag, der, bytes);
		i++;
	}
	if (i > 0 && (r == 0 || r == ERR_NOTFOUND))
		return 0;
	log_line(LOG_FAIL, NULL, "file", "%s %s: %s", what, path,
		 got == 0	      ? "no PEM certificate in it"
		 : got == ERR_RANGE   ? "is too large"
		 : got == ERR_REFUSED ? "is not a regular file"
				      : strerror(errno));
	return ERR_FORMAT;
}

static int
put_verify(const struct sup *s, const struct session *x, struct wr *w)
{
	char host[256];

	put_question(x, s->conf, w);
	if (url_host(conf_str(s->conf, CONF_MK_ID), host, sizeof(host)) != 0)
		return ERR_FORMAT;
	items_put_str(w, TAG_AKV_HOST, host);
	return put_certs("keyvault_signing_roots",
			 conf_str(s->conf, CONF_SIGN_ROOTS), w, TAG_ROOT, 8);
}

static int
put_tpm(const struct sup *s, const struct session *x, struct wr *w)
{
	const struct conf *c = s->conf;
	char id[600];
	uint8_t pin[32];

	if (conf_str(c, CONF_PIN)) {
		if (hex_decode(conf_str(c, CONF_PIN), 64, pin, 32) != 0)
			return ERR_FORMAT;
		items_put(w, TAG_PIN, pin, sizeof(pin));
	}
	if (conf_local_store(c))
		snprintf(id, sizeof(id), "%s:%s", conf_str(c, CONF_STORAGE),
			 conf_str(c, CONF_STORE_PATH));
	else
		snprintf(id, sizeof(id), "%s:%s/%s", conf_str(c, CONF_STORAGE),
			 conf_str(c, CONF_SA_NAME),
			 conf_str(c, CONF_CONTAINER));
	items_put_str(w, TAG_STORE_ID, id);
	items_put_u32(w, TAG_MARKER, x->marker.state);
	items_put(w, TAG_GENERATION, x->generation, GENERATION_BYTES);
	items_put_u32(w, TAG_GENERATION_KNOWN,
		      x->marker.state != MARKER_NONE &&
			      x->marker.generation_known);
	items_put_u32(w, TAG_SKIP, x->skip);
	items_put_u32(w, TAG_MAY_INIT, x->may_init);
	put_plan(x, c, w);
	return 0;
}

static void
put_render(const struct sup *s, const struct session *x, struct wr *w)
{
	const struct conf *c = s->conf;
	const char *path = conf_str(c, CONF_STORE_PATH);
	const char *account =
		conf_local_store(c) ? NULL : conf_str(c, CONF_SA_NAME);

	items_put_str(w, TAG_HOSTNAME, conf_str(c, CONF_HOSTNAME));
	items_put_str(w, TAG_PORT, conf_str(c, CONF_PORT));
	items_put_str(w, TAG_SA_NAME, account ? account : "");
	items_put_str(w, TAG_STORAGE, conf_str(c, CONF_STORAGE));
	items_put_str(w, TAG_STORAGE_PATH, path ? path : "");
	items_put_str(w, TAG_RUN_DIRECTORY, conf_str(c, CONF_RUN_DIR));
	items_put_u32(w, TAG_STORAGE_KEY, !conf_local_store(c) && !x->check);
	items_put_u32(w, TAG_STAND_IN, !conf_local_store(c) && x->check);
	if (account)
		items_put_str(w, TAG_CONTAINER, conf_str(c, CONF_CONTAINER));
}

static int
put_tls(const struct sup *s, struct wr *w)
{
	items_put_str(w, TAG_HOSTNAME, conf_str(s->conf, CONF_HOSTNAME));
	if (!conf_str(s->conf, CONF_TLS_CA))
		return 0;
	return put_certs("tls_ca", conf_str(s->conf, CONF_TLS_CA), w,
			 TAG_TLS_CA, 1);
}

static void
put_names(const struct conf *c, bool lease, struct wr *w)
{
	struct remote_conf rc;

	for (int i = 0; i < REMOTE_COUNT; i++) {
		bool asked = i == REMOTE_IMDS || lease == (i == REMOTE_BLOB);

		remote_of(c, (enum remote)i, &rc);
		items_put_str(w, TAG_NAME, asked ? rc.host : "");
	}
}

/* Only a session that may unseal has a JWE. */
static int
put_jwe(const struct sup *s, const struct session *x, struct wr *w)
{
	struct operator_key key = {.modulus_bytes = 0};

	if ((x->plan & SLOT_BIT(SLOT_BUNDLE)) &&
	    operator_key_read(s->conf, &key) != 0)
		return ERR_FORMAT;
	items_put_u32(w, TAG_JWE_MODULUS, (uint32_t)key.modulus_bytes);
	return 0;
}

static int
put_seat(const struct sup *s, const struct session *x, enum seat seat,
	 struct wr *w)
{
	if (seat == SEAT_RESOLVE) {
		put_names(s->conf, x->lease, w);
		return 0;
	}
	if (SEAT_BIT(seat) & (SEAT_BIT(SEAT_FETCH) | SEATS_STORE)) {
		put_https(s, x, w);
		return 0;
	}
	if (seat == SEAT_KEEPER) {
		put_keeper(s->conf, w);
		return 0;
	}
	if (seat == SEAT_VERIFY)
		return put_verify(s, x, w);
	if (seat == SEAT_TPM)
		return put_tpm(s, x, w);
	if (seat == SEAT_RENDER) {
		put_render(s, x, w);
		return 0;
	}
	if (seat == SEAT_TLS)
		return put_tls(s, w);
	if (seat == SEAT_BROKER) {
		items_put_u32(w, TAG_LOG_JSON, s->log_json);
		items_put_u64(w, TAG_LOG_T0, s->t0_ns);
		return put_jwe(s, x, w);
	}
	return control_config(s->conf, seat, w);
}

int
session_config(const struct sup *s, const struct session *x, enum seat seat,
	       uint8_t *out, size_t cap, size_t *out_bytes)
{
	unsigned seconds = conf_num(s->conf, CONF_T_WAVE);
	struct wr w;
	int r;

	/* The broker and the tpm live through several steps, and the server's
	 * starts and stops between them; storing has no end but success, for
	 * the bundle may be the only one. */
	if (seat == SEAT_BROKER || seat == SEAT_TPM)
		seconds = 8 * seconds + x->absent_s +
			  2 * (conf_num(s->conf, CONF_T_READY) +
			       conf_num(s->conf, CONF_T_STOP));
	if (seat == SEAT_INIT)
		seconds *= INIT_STEPS;
	if (seat == SEAT_FETCH || seat == SEAT_VERIFY)
		seconds += x->absent_s;
	if (SEAT_BIT(seat) & (SEATS_STORE | SEAT_BIT(SEAT_KEEPER)))
		seconds = FOR_EVER_S;
	wr_init(&w, out, cap);
	items_put(&w, TAG_SESSION, x->id, sizeof(x->id));
	items_put_u32(&w, TAG_DEADLINE_MS, seconds * 1000);
	if ((r = put_seat(s, x, seat, &w)) != 0)
		return r;
	return wr_end(&w, out_bytes);
}
