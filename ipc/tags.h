/* SPDX-License-Identifier: Apache-2.0 */
/* Tags of the items in CONFIG, and which seats get them. */
#ifndef SP_TAGS_H
#define SP_TAGS_H

enum tag {
	TAG_SESSION = 1, /* all: 32 random bytes, the session's identity */
	TAG_DEADLINE_MS, /* all: u32, milliseconds the seat may take */

	/* broker */
	TAG_LOG_JSON = 10, /* u32: 1 JSON lines, 0 a terminal's lines */
	TAG_LOG_T0,	   /* u64: CLOCK_MONOTONIC ns of the boot's start */
	TAG_JWE_MODULUS,   /* u32: bytes of the operator key's modulus; 0: the
			      session has no JWE */

	/* resolve: names, in the order of enum remote */
	TAG_NAME = 20, /* list: host name or literal address */

	/* fetch and store */
	TAG_IMDS_URL = 30, /* "http://169.254.169.254" */
	TAG_MAA_URL,	   /* "https://host" (no slash at the end) */
	TAG_AKV_URL,	   /* "https://vault.host" */
	TAG_IMDS_PORT,	   /* u32: the port to connect to */
	TAG_MAA_PORT,	   /* u32 */
	TAG_AKV_PORT,	   /* u32 */
	TAG_IDENTITY,	   /* "client_id=GUID" or the like; absent: none */
	TAG_MAA_NONCE,	   /* text, 64 hex digits */
	TAG_OS_NAME,	   /* NAME of os-release */
	TAG_OS_MAJOR,	   /* u32 */
	TAG_OS_MINOR,	   /* u32 */
	TAG_PROBE,	   /* u32: 1 = where no keys are found, write apm-probe
			      and read it back, and try what must be refused */
	TAG_ABSENT_S,	   /* u32: seconds that "not found" must last before
			      it is believed (0: at once) */
	TAG_CONNECT_MS,	   /* u32: connect time-out */
	TAG_CALL_MS,	   /* u32: time-out of one HTTP call */
	TAG_RETRY_MS,	   /* u32: how long one remote is tried in all */

	TAG_SINCE_BOOT, /* u64: only ask whether a newer certificate or
			   password is stored than those that were asked
			   for then (ns of CLOCK_BOOTTIME) ... */
	TAG_SINCE_REAL, /* u64: ... (s of CLOCK_REALTIME) */

	/* keeper (and what fetch has: metadata service, identity, time-outs) */
	TAG_BLOB_URL = 50, /* "https://account.blob…" */
	TAG_BLOB_PORT,	   /* u32 */
	TAG_BLOB_PATH,	   /* "/container/blob" */
	TAG_LEASE_S,	   /* u32: the lease's length, 15 to 60 seconds */

	/* fetch, verify: the question */
	TAG_KEY_URL = 60, /* exact URL of the key, with version or without */
	TAG_ENC,	  /* list, in order of preference: u8 enum enc, then
			     64 hex digits of nonce */

	/* fetch, tpm: the plan */
	TAG_PLAN = 70, /* u32: set of slots (blob.h) that are opened */
	TAG_LAYOUT,    /* u32: 0 auto, 1 bundle */
	TAG_OLD_COUNT, /* u32: how many apm-unseal-key-N are asked for */

	/* verify */
	TAG_ROOT = 80, /* list: DER certificates that may sign answers */
	TAG_AKV_HOST,  /* the vault's host name, for the leaf's names */

	/* tpm */
	TAG_PIN = 90,	/* 32 bytes: SHA-256 of the SubjectPublicKeyInfo */
	TAG_STORE_ID,	/* "pebbledb:/path", "azure:account/container" */
	TAG_MARKER,	/* u32: enum marker_state */
	TAG_GENERATION, /* 16 bytes: the marker's, or the one to make */
	TAG_GENERATION_KNOWN, /* u32: 1 = what is found must have it */
	TAG_SKIP,	      /* u32: how many newest bundles to pass over */
	TAG_MAY_INIT, /* u32: 1 = without a bundle, wait for SEALED_KEYS */

	/* render */
	TAG_HOSTNAME = 110, /* also tls */
	TAG_PORT,	    /* decimal text */
	TAG_SA_NAME,
	TAG_STORAGE,	   /* "azure", "pebbledb", … (also look, init) */
	TAG_STORAGE_PATH,  /* also empty */
	TAG_STORAGE_KEY,   /* u32: 1 = SEALED_STORAGE comes */
	TAG_RUN_DIRECTORY, /* where the server finds tls/ */
	TAG_CONTAINER,	   /* of storage azure */
	TAG_STAND_IN,	   /* u32: 1 = a fixed text in the storage key's place:
			      a check, nothing of it is kept */

	/* tls */
	TAG_TLS_CA = 120, /* DER certificate; absent: any root */

	/* control */
	TAG_SHARES = 130, /* u32 */
	TAG_THRESHOLD,	  /* u32 */
	TAG_OPERATOR_KEY, /* DER SubjectPublicKeyInfo, RSA */
	TAG_REVOKE_ROOT,  /* u32: 1 = no operator key, revoke the root token */
	TAG_PLUGIN,	  /* list; each item is itself a sequence of C_ tags */
	TAG_MOUNT,	  /* list, in the order of the configuration */
	TAG_AUTH,	  /* list */
	TAG_POLICY,	  /* list */
	TAG_AUDIT,	  /* list: for servers that take them by API */

	/* inside PLUGIN, MOUNT, AUTH, POLICY, AUDIT */
	C_PATH = 150, /* mount path, policy name, plugin name */
	C_TYPE,	      /* "kv", "secret", "file" */
	C_COMMAND,    /* plugin: file name in the plugin directory */
	C_SHA256,     /* plugin: 64 hex digits */
	C_VERSION,    /* plugin: "v1.2.3"; MOUNT: that, or "2" (kv) */
	C_TEXT,	      /* policy: the whole text */
	C_OPTION,     /* list: "key=value" into the options object; MOUNT and
			 AUTH: "config.key=value" into config (TTLs and the
			 like), "version=2" makes kv version 2 */
	C_DATA,	      /* MOUNT, AUTH; list: "path below the mount<TAB>JSON
			 object": written if what can be read differs */
	C_DESCRIPTION,

	/* exec: what becomes the server, and what it may do */
	X_PROGRAM = 170, /* absolute path of the server */
	X_ARG,		 /* list: its arguments, argv[0] first */
	X_ENV,		 /* list: "NAME=value", the whole environment */
	X_CONNECT_PORT,	 /* list of u32: TCP ports it may connect to */
	X_BIND_PORT,	 /* list of u32: TCP ports it may bind (0: ephemeral) */
	X_READ_PATH,	 /* list: may read (files, or trees below) */
	X_WRITE_PATH,	 /* list: may read, write, make and remove below */
	X_EXEC_PATH,	 /* list: may read and execute */
	X_WHEN,		 /* u32: the life that begins, enum page_when */
};

enum remote { REMOTE_IMDS, REMOTE_MAA, REMOTE_AKV, REMOTE_BLOB, REMOTE_COUNT };

/* Key-wrap algorithms of a release (TAG_ENC, WRAPPED_KEY). */
enum enc {
	ENC_SHA1 = 1,	/* CKM_RSA_AES_KEY_WRAP */
	ENC_SHA256 = 2, /* RSA_AES_KEY_WRAP_256 */
	ENC_SHA384 = 3, /* RSA_AES_KEY_WRAP_384 */
};

enum marker_state { MARKER_NONE, MARKER_PREPARED, MARKER_STORED };

#endif
