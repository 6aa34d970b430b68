/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The attestation service: POST attest/AzureGuest, api-version 2020-10-01, as
 * the guest attestation client writes it, and the envelope that it answers.
 *
 *   request   {"AttestationInfo": b64url(inner)}
 *   inner     evidence of EVIDENCE, the event log and the THIM certificates
 *   answer    {"token": b64url({Jwt, EncryptedInnerKey, EncryptionParams,
 *             AuthenticationData})}
 */
#ifndef SP_MAA_H
#define SP_MAA_H

#include <stddef.h>
#include <stdint.h>

#include "conf.h"
#include "err.h"
#include "evidence.h"
#include "text.h"

#define MAA_PATH	"/attest/AzureGuest?api-version=2020-10-01"
#define MAA_REQUEST_MAX (2u * 1024u * 1024u)
#define MAA_INNER_MAX	(MAA_REQUEST_MAX / 4u * 3u - 64u)
#define MAA_LOG_MAX	(1024u * 1024u) /* TCG event log */
#define MAA_ANSWER_MAX	(64u * 1024u)
#define MAA_TOKEN_MAX	49152u /* characters of the token inside */
#define MAA_IV		12u
#define MAA_TAG		16u
#define MAA_INNER_KEY	256u

struct maa_input {
	const struct net_conf *conf;
	const struct evidence *evidence;
	struct bytes log; /* event log, may be empty */
	const char *pem;  /* VCEK, ASK, ARK */
};

/*
 * Writes the request body; inner is scratch of the same call.  Errors show at
 * text_end(out), a full inner as a full out.
 */
void maa_request(const struct maa_input *in, struct text *inner,
		 struct text *out);

struct maa_envelope {
	uint8_t iv[MAA_IV];
	uint8_t tag[MAA_TAG];
	uint8_t inner_key[MAA_INNER_KEY];
	uint8_t cipher[MAA_TOKEN_MAX];
	size_t cipher_bytes;
};

/*
 * Reads the answer.  Returns 0, or ERR_FORMAT, ERR_RANGE or ERR_MISMATCH when
 * any member is not exactly as the protocol has it; out may be partly written
 * then.
 */
CHECKED int maa_answer_read(const char *body, size_t bytes,
			    struct maa_envelope *out);

#endif
