/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is inside the RSA-OAEP blobs of the deployer.  RSA-OAEP proves nothing
 * about its author, so each is an attacker's text until it has shown its form
 * (DESIGN P5).
 */
#ifndef SP_TPM_CONTENT_H
#define SP_TPM_CONTENT_H

#include "blob.h"
#include "err.h"
#include "secret.h"

/*
 * 1 to PASSWORD_MAX printable ASCII bytes.  Returns 0 and PASSWORD_SEALED
 * bytes (length, text, zeros), ERR_FORMAT or ERR_NOMEM.
 */
CHECKED int content_password(const struct secret *sk_text,
			     struct secret **out_sk);

/*
 * Exactly the base64 of STORAGE_KEY_BYTES.  Returns 0 and the bytes,
 * ERR_FORMAT or ERR_NOMEM.
 */
CHECKED int content_storage_key(const struct secret *sk_text,
				struct secret **out_sk);

/*
 * A share of 32 or 33 bytes in hex or base64.  Returns 0 and the bytes,
 * ERR_FORMAT or ERR_NOMEM.
 */
CHECKED int content_share(const struct secret *sk_text, struct secret **out_sk);

#endif
