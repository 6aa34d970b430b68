/* SPDX-License-Identifier: Apache-2.0 */
/* What real services answered, and what a test suite says is no JSON. */
#include <dirent.h>

#include "akv.h"
#include "check.h"
#include "exit.h"
#include "imds.h"
#include "json.h"
#include "vectors.h"

static char value[AKV_VALUE_MAX + 1];

static int
opens(const char *p, size_t bytes)
{
	json_t *root = NULL;
	int r = net_json_open(p, bytes, &root);

	json_decref(root);
	return r;
}

/* JSONTestSuite: what must not parse, must not open. */
CASE(refuses_what_the_test_suite_says_is_no_json)
{
	const char *dir = getenv("SALLYPORT_VECTORS");
	char path[4096], name[512];
	unsigned seen = 0;
	struct dirent *e;
	size_t n;
	DIR *d;

	snprintf(path, sizeof(path), "%s/JSONTestSuite/test_parsing",
		 dir ? dir : "../shared/vectors");
	if (!(d = opendir(path))) {
		EXPECT(!"JSONTestSuite is there");
		return;
	}
	while ((e = readdir(d)) != NULL) {
		char *p;

		if (strncmp(e->d_name, "n_", 2) != 0)
			continue;
		snprintf(name, sizeof(name), "JSONTestSuite/test_parsing/%s",
			 e->d_name);
		p = vector(name, &n);
		if (opens(p, n) != ERR_FORMAT) {
			printf("# %s\n", e->d_name);
			EXPECT(!"opened");
		}
		free(p);
		seen++;
	}
	closedir(d);
	EXPECT(seen > 150);
}

CASE(a_real_thim_answer_becomes_the_real_chain)
{
	static char out[THIM_PEM_MAX];
	static const char dir[] = "confidential-sidecar-containers/attest/";
	char name[128];
	char *body, *pem;
	struct text t;
	size_t n, m;

	snprintf(name, sizeof(name), "%suvm_host_amd_certificate.json", dir);
	body = vector(name, &n);
	snprintf(name, sizeof(name), "%suvm_host_amd_certificate.pem", dir);
	pem = vector(name, &m);
	text_init(&t, out, sizeof(out));
	EXPECT(imds_thim_read(body, n, &t) == 0);
	EXPECT(strlen(out) == m && memcmp(out, pem, m) == 0);
	free(body);
	free(pem);
}

CASE(reads_the_captured_bundles)
{
	size_t n;
	char *p;

	p = vector("azure-sdk-for-net/akv-set-secret-7.2.response-body.json",
		   &n);
	EXPECT(akv_secret_read(p, n, value) == 0);
	EXPECT(strcmp(value, "CrudBasicValue1") == 0);
	free(p);
	p = vector("azure-sdk-for-net/akv-patch-secret-7.2.response-body.json",
		   &n);
	EXPECT(akv_secret_read(p, n, value) == ERR_FORMAT); /* no value */
	free(p);
}

static struct service_error
captured(const char *name)
{
	struct service_error e;
	char path[128];
	size_t n;
	char *p;

	snprintf(path, sizeof(path), "azure-sdk-for-net/%s.response-body.json",
		 name);
	p = vector(path, &n);
	service_error_read(p, n, &e);
	free(p);
	return e;
}

CASE(reads_the_captured_errors)
{
	struct service_error e = captured("akv-401-no-token");

	EXPECT(strcmp(e.code, "Unauthorized") == 0 && e.inner[0] == '\0');
	EXPECT(strcmp(e.message, "AKV10000: Request is missing a Bearer or PoP "
				 "token.") == 0);
	e = captured("akv-404-secret");
	EXPECT(strcmp(e.code, "SecretNotFound") == 0);
	EXPECT(strlen(e.message) == sizeof(e.message) - 1);
	e = captured("akv-400-release-old-api");
	EXPECT(strcmp(e.inner, "ProtocolNotSupported") == 0);
	EXPECT(!akv_enc_refused(400, &e, ENC_SHA256));
	e = captured("akv-400-skr-1004");
	EXPECT(!akv_enc_refused(400, &e, ENC_SHA256));
	EXPECT(akv_release_verdict(400, &e) == EXIT_RELEASE_BAD);
}

CASE(reads_the_captured_release)
{
	static char out[AKV_JWS_MAX + 1];
	size_t n, m, k;
	char *p = vector("azure-sdk-for-net/akv-release-7.4.response-body.json",
			 &n);
	char *jws = vector("azure-sdk-for-net/akv-release-7.4.value.jws", &m);

	while (m > 0 && jws[m - 1] == '\n')
		m--;
	EXPECT(akv_release_read(p, n, out, &k) == 0);
	EXPECT(k == m && memcmp(out, jws, m) == 0);
	free(p);
	free(jws);
}

int
main(void)
{
	NEED_VECTORS();
	return check_run();
}
