/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"
#include "imds.h"
#include "make_conf.h"

#define NOW	 1700000000u
#define RESOURCE "https://vault.azure.net"
#define HEAD	 "{\"access_token\":\"eyJ0.a-_~+/=\",\"expires_on\":"

static char token[IMDS_TOKEN_MAX + 1];

static int
reads(const char *body)
{
	token[0] = '\0';
	return imds_token_read(body, strlen(body), RESOURCE, NOW, token);
}

CASE(numbers_are_strings_or_numbers)
{
	EXPECT(reads(HEAD "\"1700003600\"}") == 0);
	EXPECT(strcmp(token, "eyJ0.a-_~+/=") == 0);
	EXPECT(reads(HEAD "1700003600}") == 0);
	EXPECT(reads(HEAD "\"1700003600\",\"client_id\":\"x\",\"not_before\":"
			  "\"1\",\"refresh_token\":\"\",\"resource\":"
			  "\"https://vault.azure.net\",\"token_type\":"
			  "\"bearer\"}") == 0);
}

CASE(a_token_about_to_expire_is_none)
{
	EXPECT(reads(HEAD "1700000300}") == 0);
	EXPECT(reads(HEAD "1700000299}") == ERR_RANGE);
	EXPECT(reads(HEAD "1}") == ERR_RANGE);
	EXPECT(reads("{\"access_token\":\"x\"}") == ERR_FORMAT);
}

CASE(a_token_that_would_break_a_header_is_refused)
{
	EXPECT(reads("{\"expires_on\":1700003600,\"access_token\":"
		     "\"a\\r\\nX-Evil: 1\"}") == ERR_FORMAT);
	EXPECT(reads("{\"expires_on\":1700003600,\"access_token\":\"a b\"}") ==
	       ERR_FORMAT);
	EXPECT(reads("{\"expires_on\":1700003600,\"access_token\":\"\"}") ==
	       ERR_RANGE);
	EXPECT(reads("{\"expires_on\":1700003600,\"access_token\":7}") ==
	       ERR_FORMAT);
	EXPECT(reads("{\"expires_on\":1700003600}") == ERR_FORMAT);
	EXPECT(token[0] == '\0');
}

CASE(a_token_for_something_else_is_refused)
{
	EXPECT(reads(HEAD "1700003600,\"resource\":"
			  "\"https://vault.azure.net/\"}") == ERR_MISMATCH);
	EXPECT(reads(HEAD "1700003600,\"resource\":1}") == ERR_FORMAT);
	EXPECT(reads(HEAD "1700003600,\"token_type\":\"MAC\"}") ==
	       ERR_MISMATCH);
}

CASE(the_longest_token_fits_and_no_longer_one)
{
	static char body[IMDS_TOKEN_MAX + 256];

	memset(token, 'x', sizeof(token));
	snprintf(body, sizeof(body),
		 "{\"expires_on\":1700003600,\"access_token\":\"%.*s\"}",
		 (int)IMDS_TOKEN_MAX, token);
	EXPECT(reads(body) == 0 && strlen(token) == IMDS_TOKEN_MAX);
	memset(token, 'x', sizeof(token));
	snprintf(body, sizeof(body),
		 "{\"expires_on\":1700003600,\"access_token\":\"%.*s\"}",
		 (int)IMDS_TOKEN_MAX + 1, token);
	EXPECT(reads(body) == ERR_RANGE);
}

CASE(the_request_names_resource_and_identity)
{
	static const struct swap who = {TAG_IDENTITY,
					"msi_res_id=/subscriptions/a b", 0};
	static const struct swap none = {0, NULL, 0};
	struct http_request rq;
	char path[HTTP_PATH_MAX];
	struct net_conf c;

	EXPECT(make_conf(&none, true, &c) == 0);
	imds_token_ask(&c, path, &rq);
	EXPECT(rq.remote == REMOTE_IMDS && rq.json && !rq.sk_bearer);
	EXPECT(strcmp(rq.path,
		      "/metadata/identity/oauth2/token?api-version=2018-"
		      "02-01&resource=https%3A%2F%2Fvault.azure.net") == 0);
	EXPECT(make_conf(&who, true, &c) == 0);
	imds_token_ask(&c, path, &rq);
	EXPECT(strstr(rq.path, "&msi_res_id=%2Fsubscriptions%2Fa%20b"));
}

#define CERT "-----BEGIN CERTIFICATE-----\\nQQ==\\n-----END CERTIFICATE-----"

static int
thim(const char *body, char *out, size_t cap)
{
	struct text t;

	text_init(&t, out, cap);
	return imds_thim_read(body, strlen(body), &t);
}

CASE(thim_is_concatenated_with_line_ends)
{
	char out[512];

	EXPECT(thim("{\"vcekCert\":\"" CERT "\",\"tcbm\":\"DB18\","
		    "\"certificateChain\":\"" CERT "\\n" CERT "\\n\"}",
		    out, sizeof(out)) == 0);
	EXPECT(strstr(out, "CERTIFICATE-----\n-----BEGIN"));
	EXPECT(out[strlen(out) - 1] == '\n');
	EXPECT(!strstr(out, "\n\n"));
}

CASE(thim_of_anything_else_is_refused)
{
	char out[512], small[64];

	EXPECT(thim("{\"vcekCert\":\"" CERT "\"}", out, sizeof(out)) ==
	       ERR_FORMAT);
	EXPECT(thim("{\"vcekCert\":\"x\",\"certificateChain\":\"" CERT "\"}",
		    out, sizeof(out)) == ERR_FORMAT);
	EXPECT(thim("{\"vcekCert\":\"" CERT "\\u0001\",\"certificateChain\":"
		    "\"" CERT "\"}",
		    out, sizeof(out)) == ERR_FORMAT);
	EXPECT(thim("{\"vcekCert\":\"" CERT "\",\"certificateChain\":\"" CERT
		    "\"}",
		    small, sizeof(small)) == ERR_RANGE);
}

int
main(void)
{
	return check_run();
}
