/* SPDX-License-Identifier: Apache-2.0 */
#include "akv.h"
#include "check.h"
#include "exit.h"
#include "make_conf.h"

static struct service_error
says(const char *code, const char *inner, const char *message)
{
	struct service_error e = {0};

	snprintf(e.code, sizeof(e.code), "%s", code);
	snprintf(e.inner, sizeof(e.inner), "%s", inner);
	snprintf(e.message, sizeof(e.message), "%s", message);
	return e;
}

CASE(the_question_is_target_nonce_and_enc)
{
	static const struct swap none = {0, NULL, 0};
	struct net_conf c;
	char buf[256];
	struct text t;

	EXPECT(make_conf(&none, true, &c) == 0);
	text_init(&t, buf, sizeof(buf));
	akv_key_path(&c, "release", &t);
	EXPECT(strcmp(buf, "/keys/mk//release?api-version=7.4") == 0);
	text_init(&t, buf, sizeof(buf));
	akv_key_path(&c, NULL, &t);
	EXPECT(strcmp(buf, "/keys/mk/?api-version=7.4") == 0);
	strcat(c.key_path, "/0123456789abcdef0123456789abcdef");
	text_init(&t, buf, sizeof(buf));
	akv_key_path(&c, "decrypt", &t);
	EXPECT(strcmp(buf, "/keys/mk/0123456789abcdef0123456789abcdef/decrypt"
			   "?api-version=7.4") == 0);
	text_init(&t, buf, sizeof(buf));
	akv_key_path(&c, NULL, &t);
	EXPECT(strcmp(buf, "/keys/mk/0123456789abcdef0123456789abcdef"
			   "?api-version=7.4") == 0);
	text_init(&t, buf, sizeof(buf));
	EXPECT(akv_release_body("a.b.c", 5, &c.ask[0], &t) == 0);
	EXPECT(strcmp(buf, "{\"target\":\"a.b.c\",\"nonce\":\"" NONCE_CD
			   "\",\"enc\":\"RSA_AES_KEY_WRAP_256\"}") == 0);
	text_init(&t, buf, sizeof(buf));
	EXPECT(akv_release_body("a.b.c", 5, &c.ask[1], &t) == 0);
	EXPECT(strstr(buf, "\"enc\":\"CKM_RSA_AES_KEY_WRAP\""));
	text_init(&t, buf, sizeof(buf));
	EXPECT(akv_release_body("a.b.c\"", 6, &c.ask[0], &t) == ERR_FORMAT);
	EXPECT(akv_release_body("a.b", 3, &c.ask[0], &t) == ERR_FORMAT);
}

static int
reads(const char *value)
{
	static char body[AKV_RELEASE_MAX * 2], out[AKV_JWS_MAX + 1];
	size_t n;

	snprintf(body, sizeof(body), "{\"value\":\"%s\"}", value);
	return akv_release_read(body, strlen(body), out, &n);
}

CASE(the_answer_is_a_compact_jws)
{
	static char big[AKV_JWS_MAX + 8];

	EXPECT(reads("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		     "aaa"
		     "a.b.c") == 0);
	EXPECT(reads("a.b.c") == ERR_RANGE);
	EXPECT(reads("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		     "aaa"
		     "a.b.c.d") == ERR_FORMAT);
	EXPECT(reads("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		     "aaa"
		     "a.b.c=") == ERR_FORMAT);
	memset(big, 'a', AKV_JWS_MAX + 1);
	big[1] = big[3] = '.';
	EXPECT(reads(big) == ERR_RANGE);
	big[AKV_JWS_MAX] = '\0';
	EXPECT(reads(big) == 0);
}

CASE(an_enc_is_refused_in_the_services_words)
{
	struct service_error e =
		says("BadParameter", "", "Property enc has invalid value");

	EXPECT(akv_enc_refused(400, &e, ENC_SHA256));
	EXPECT(!akv_enc_refused(403, &e, ENC_SHA256));
	e = says("BadParameter", "", "RSA_AES_KEY_WRAP_256 is not supported");
	EXPECT(akv_enc_refused(400, &e, ENC_SHA256));
	EXPECT(!akv_enc_refused(400, &e, ENC_SHA1));
	e = says("BadParameter", "", "Property encoding has invalid value");
	EXPECT(!akv_enc_refused(400, &e, ENC_SHA256));
	e = says("BadParameter", "", "AKV.SKR.1004: enc");
	EXPECT(!akv_enc_refused(400, &e, ENC_SHA256));
	e = says("Forbidden", "", "enc");
	EXPECT(!akv_enc_refused(400, &e, ENC_SHA256));
}

CASE(a_refusal_names_who_can_mend_it)
{
	struct service_error e =
		says("Forbidden", "",
		     "Target environment attestation does not meet key "
		     "release policy requirements.");

	EXPECT(akv_release_verdict(403, &e) == EXIT_RELEASE);
	EXPECT(akv_release_verdict(400, &e) == EXIT_RELEASE_BAD);
	EXPECT(akv_release_verdict(404, &e) == EXIT_RELEASE_BAD);
	EXPECT(akv_release_verdict(401, &e) == EXIT_AKV_DENIED);
	EXPECT(akv_release_verdict(302, &e) == EXIT_AKV_AWAY);
	EXPECT(akv_release_verdict(204, &e) == EXIT_AKV_AWAY);
	e = says("Forbidden", "ForbiddenByRbac", "x");
	EXPECT(akv_release_verdict(403, &e) == EXIT_AKV_DENIED);
	e = says("Forbidden", "AccessDenied", "x");
	EXPECT(akv_release_verdict(403, &e) == EXIT_AKV_DENIED);
	e = says("Forbidden", "KeyDisabled", "x");
	EXPECT(akv_release_verdict(403, &e) == EXIT_RELEASE_BAD);
	e = says("Forbidden", "",
		 "Hardware key operation not allowed on standard vault");
	EXPECT(akv_release_verdict(403, &e) == EXIT_RELEASE_BAD);
}

static struct service_error
error(const char *body)
{
	struct service_error e;

	service_error_read(body, strlen(body), &e);
	return e;
}

CASE(reads_the_errors_of_the_other_services)
{
	struct service_error e =
		error("{\"error\":\"invalid_request\",\"error_description\":"
		      "\"Identity not found\"}");

	EXPECT(strcmp(e.code, "invalid_request") == 0);
	EXPECT(strcmp(e.message, "Identity not found") == 0);
	e = error("{\"Error\":{\"Code\":\"InvalidParameter\",\"Message\":\"no "
		  "secure boot\"}}");
	EXPECT(strcmp(e.code, "InvalidParameter") == 0);
	EXPECT(strcmp(e.message, "no secure boot") == 0);
}

CASE(what_is_no_error_body_stays_empty)
{
	static const char *const bodies[] = {
		"",
		"<html>403</html>",
		"{}",
		"[]",
		"{\"error\":7}",
		"{\"error\":{\"code\":7,\"innererror\":[]}}",
		"{\"error\":{\"code\":\"a\",\"code\":\"b\"}}",
	};

	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		struct service_error e = error(bodies[i]);

		EXPECT(e.code[0] == '\0' && e.inner[0] == '\0' &&
		       e.message[0] == '\0');
	}
}

int
main(void)
{
	return check_run();
}
