/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is stored in the key vault (slots, their names there) and the one
 * form in which shares travel and rest: the key set.
 *
 *   key set, 676 bytes:
 *   uint8	threshold		1..count
 *   uint8	count			1..16
 *   uint8	token length		0 (none) or 1..128
 *   uint8	0
 *   128 bytes	root token, zero padded
 *   16 times	uint8 length (0, 32 or 33), 33 bytes, zero padded
 *
 *   bundle, 780 bytes:
 *   4 bytes	"SPBU"
 *   uint16	format, 1
 *   uint8	kind: 1 fresh, 2 final
 *   uint8	0
 *   16 bytes	generation
 *   32 bytes	wrapping key id: SHA-256 of its SubjectPublicKeyInfo
 *   32 bytes	salt
 *   676 bytes	AES-256-GCM ciphertext of the key set
 *   16 bytes	tag
 */
#ifndef SP_BLOB_H
#define SP_BLOB_H

#include <stddef.h>
#include <stdint.h>

#define KEYSET_SHARES	  16u
#define KEYSET_SHARE	  33u
#define KEYSET_TOKEN	  128u
#define KEYSET_BYTES	  (4u + KEYSET_TOKEN + KEYSET_SHARES * (1u + KEYSET_SHARE))
#define GENERATION_BYTES  16u
#define BUNDLE_HEADER	  (4u + 2u + 1u + 1u + GENERATION_BYTES + 32u + 32u)
#define BUNDLE_BYTES	  (BUNDLE_HEADER + KEYSET_BYTES + 16u)
#define BLOB_MAX	  20480u /* bytes of one stored object, decoded */
#define BUNDLE_VERSIONS	  4u	 /* newest enabled versions that are fetched */
#define STORAGE_KEY_BYTES 64u
#define PASSWORD_MAX	  128u
#define PASSWORD_SEALED	  (1u + PASSWORD_MAX) /* length byte, padded */

enum bundle_kind { BUNDLE_FRESH = 1, BUNDLE_FINAL = 2 };

enum slot {
	SLOT_TLS_CERT,	   /* apm-tls-cert: travels as PFX, not BLOB */
	SLOT_TLS_PASSWORD, /* apm-tls-cert-password, RSA-OAEP */
	SLOT_STORAGE_KEY,  /* apm-saa-key, RSA-OAEP */
	SLOT_BUNDLE,	   /* apm-unseal-bundle, up to four versions */
	SLOT_OLD_KEY,	   /* apm-unseal-key-N, RSA-OAEP; age is N */
	SLOT_COUNT
};

#define SLOT_BIT(s) (UINT32_C(1) << (s))

#define NAME_TLS_CERT	  "apm-tls-cert"
#define NAME_TLS_PASSWORD "apm-tls-cert-password"
#define NAME_STORAGE_KEY  "apm-saa-key"
#define NAME_BUNDLE	  "apm-unseal-bundle"
#define NAME_OLD_KEY	  "apm-unseal-key-" /* and a number from 0 */
#define NAME_ROOT_TOKEN	  "apm-root-token"  /* written, never read */
#define NAME_PROBE	  "apm-probe"

#endif
