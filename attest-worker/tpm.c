/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Talking to the TPM: start, the flush of what others left, NV, the end.
 * The keys are in tpm_keys.c.
 */
#include "tpm.h"

#include <stdlib.h>
#include <string.h>
#include <tss2/tss2_sys.h>
#include <unistd.h>

#include "tpm_tcti.h"

#define NONE	  ESYS_TR_NONE
#define FLUSH_MAX 64u  /* handles of others; a TPM holds far fewer */
#define NV_CHUNK  512u /* larger reads fail on some (azure-protocol 2.1) */

int
tpm_init(struct tpm *t, TSS2_TCTI_CONTEXT *tcti)
{
	*t = (struct tpm){.ak = NONE, .key = NONE, .session = NONE};
	return Esys_Initialize(&t->esys, tcti, NULL) == 0 ? 0 : ERR_NOMEM;
}

int
tpm_rc(struct tpm *t, TSS2_RC rc, uint32_t command)
{
	if (rc == TSS2_RC_SUCCESS)
		return 0;
	t->rc = rc;
	t->cc = command;
	if (tpm_link()->fault != 0)
		return tpm_link()->fault;
	return ERR_TPM;
}

/*
 * ESYS has no handle for what it did not make itself, so the flush goes by
 * number through the layer below it (same context, same buffer).
 */
static int
flush_handle(struct tpm *t, TPM2_HANDLE handle)
{
	TSS2_SYS_CONTEXT *sys;
	TSS2_RC rc;

	rc = Esys_GetSysContext(t->esys, &sys);
	if (rc == TSS2_RC_SUCCESS)
		rc = Tss2_Sys_FlushContext(sys, handle);
	return tpm_rc(t, rc, TPM2_CC_FlushContext);
}

static int
flush_kind(struct tpm *t, TPM2_HANDLE first, unsigned *count)
{
	TPMS_CAPABILITY_DATA *cap = NULL;
	TPMI_YES_NO more = 0;
	int r;

	do {
		r = tpm_rc(t,
			   Esys_GetCapability(t->esys, NONE, NONE, NONE,
					      TPM2_CAP_HANDLES, first,
					      FLUSH_MAX, &more, &cap),
			   TPM2_CC_GetCapability);
		if (r != 0)
			break;
		if (cap->capability != TPM2_CAP_HANDLES ||
		    (more && cap->data.handles.count == 0))
			r = ERR_FORMAT;
		for (UINT32 i = 0; r == 0 && i < cap->data.handles.count; i++) {
			if ((*count)++ >= FLUSH_MAX)
				r = ERR_RANGE;
			else
				r = flush_handle(t,
						 cap->data.handles.handle[i]);
		}
		Esys_Free(cap);
		cap = NULL;
	} while (r == 0 && more);
	return r;
}

int
tpm_flush_all(struct tpm *t, unsigned *out_count)
{
	static const TPM2_HANDLE kinds[] = {
		TPM2_TRANSIENT_FIRST,
		TPM2_LOADED_SESSION_FIRST,
		TPM2_ACTIVE_SESSION_FIRST,
	};
	unsigned count = 0;
	int r;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if ((r = flush_kind(t, kinds[i], &count)) != 0)
			return r;
	*out_count = count;
	return 0;
}

static int
nv_chunks(struct tpm *t, ESYS_TR nv, uint8_t *out, uint16_t size)
{
	TPM2B_MAX_NV_BUFFER *part = NULL;
	uint16_t at = 0, n;
	int r;

	while (at < size) {
		n = (uint16_t)(size - at);
		if (n > NV_CHUNK)
			n = NV_CHUNK;
		r = tpm_rc(t,
			   Esys_NV_Read(t->esys, ESYS_TR_RH_OWNER, nv,
					ESYS_TR_PASSWORD, NONE, NONE, n, at,
					&part),
			   TPM2_CC_NV_Read);
		if (r != 0)
			return r;
		if (part->size == n)
			memcpy(out + at, part->buffer, n);
		else
			r = ERR_FORMAT;
		Esys_Free(part);
		if (r != 0)
			return r;
		at = (uint16_t)(at + n);
	}
	return 0;
}

int
tpm_nv_read(struct tpm *t, uint32_t index, uint8_t *out, size_t *out_bytes)
{
	TPM2B_NV_PUBLIC *pub = NULL;
	ESYS_TR nv = NONE;
	uint16_t size = 0;
	int r;

	r = tpm_rc(t,
		   Esys_TR_FromTPMPublic(t->esys, index, NONE, NONE, NONE, &nv),
		   TPM2_CC_NV_ReadPublic);
	if (r != 0)
		return r;
	r = tpm_rc(
		t,
		Esys_NV_ReadPublic(t->esys, nv, NONE, NONE, NONE, &pub, NULL),
		TPM2_CC_NV_ReadPublic);
	if (r == 0 && (pub->nvPublic.nvIndex != index ||
		       pub->nvPublic.dataSize > TPM_NV_MAX))
		r = ERR_RANGE;
	if (r == 0) {
		size = pub->nvPublic.dataSize;
		r = nv_chunks(t, nv, out, size);
	}
	Esys_Free(pub);
	(void)Esys_TR_Close(t->esys, &nv);
	if (r == 0)
		*out_bytes = size;
	return r;
}

void
tpm_forget(struct tpm *t)
{
	if (t->session != NONE)
		(void)Esys_FlushContext(t->esys, t->session);
	if (t->key != NONE)
		(void)Esys_FlushContext(t->esys, t->key);
	t->session = NONE;
	t->key = NONE;
}

void
tpm_close(struct tpm *t, int fd)
{
	TSS2_SYS_CONTEXT *sys = NULL;

	close(fd);
	tpm_link()->fd = -1;
	tpm_link()->fault = ERR_EOF;
	/*
	 * The last answers, a key among them, lie in the context's buffer.
	 * After the wipe the context is good for nothing, not even for
	 * Esys_Finalize: it is left to the end of the process.
	 */
	if (Esys_GetSysContext(t->esys, &sys) == TSS2_RC_SUCCESS && sys)
		wipe(sys, Tss2_Sys_GetContextSize(0));
	t->esys = NULL;
}
