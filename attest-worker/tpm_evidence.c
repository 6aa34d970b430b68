/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Evidence, gathered in the order that costs least time; the body of
 * EVIDENCE is
 *
 *	var16		HCL report, exactly report_size bytes
 *	var16		AK, TPM2B_PUBLIC
 *	var16		AK certificate, DER
 *	8 * 32 bytes	PCR 0 to 7
 *	var16		quote, TPMS_ATTEST
 *	var16		its signature
 *	var16		transfer key, TPM2B_PUBLIC
 *	var16		certificate of it, TPMS_ATTEST
 *	var16		its signature
 */
#include "tpm_evidence.h"

#include "cursor.h"
#include "tpm_hcl.h"

int
tpm_exit_code(const struct tpm *t, int r)
{
	switch (r) {
	case ERR_TPM:
		return t->rc == TPM_ERR_LOCKOUT ? EXIT_TPM_LOCKOUT : EXIT_TPM;
	case ERR_TIMEOUT:
		return EXIT_DEADLINE;
	case ERR_MISMATCH:
		return EXIT_EVIDENCE;
	case ERR_NOMEM:
	case ERR_CRYPTO:
		return EXIT_INTERNAL;
	default:
		return EXIT_TPM;
	}
}

static int
gather_report(struct tpm *t, struct evidence *e)
{
	struct hcl h;
	size_t n;
	int r;

	r = tpm_nv_read(t, TPM_NV_HCL, e->hcl, &n);
	if (r == ERR_TPM &&
	    (t->rc == TPM_ERR_NO_INDEX || t->rc == TPM_ERR_UNWRITTEN))
		return EXIT_NO_HCL;
	if (r != 0)
		return r == ERR_RANGE ? EXIT_EVIDENCE : tpm_exit_code(t, r);
	if (hcl_read(e->hcl, n, &h) != 0)
		return EXIT_EVIDENCE;
	e->report_bytes = h.report_bytes;
	if (hcl_names_key(&h, t->ak_pub + TPM_AK_PUB - TPM_RSA) != 0)
		return EXIT_EVIDENCE;
	return 0;
}

static int
gather_ak_cert(struct tpm *t, struct evidence *e)
{
	size_t n;
	int r;

	r = tpm_nv_read(t, TPM_NV_AK_CERT, e->ak_cert, &n);
	if (r == ERR_TPM &&
	    (t->rc == TPM_ERR_NO_INDEX || t->rc == TPM_ERR_UNWRITTEN))
		return EXIT_AK_CERT;
	if (r != 0)
		return r == ERR_RANGE ? EXIT_EVIDENCE : tpm_exit_code(t, r);
	r = ak_cert_length(e->ak_cert, n, &e->ak_cert_bytes);
	if (r == ERR_NOTFOUND)
		return EXIT_AK_CERT;
	return r == 0 ? 0 : EXIT_EVIDENCE;
}

int
evidence_gather(struct tpm *t, struct evidence *out, unsigned *out_flushed)
{
	int r;

	if ((r = tpm_flush_all(t, out_flushed)) != 0 ||
	    (r = tpm_pcr_read(t)) != 0 || (r = tpm_key_create(t)) != 0 ||
	    (r = tpm_ak_read(t)) != 0)
		return tpm_exit_code(t, r);
	if ((r = gather_report(t, out)) != 0 ||
	    (r = gather_ak_cert(t, out)) != 0)
		return r;
	if ((r = tpm_quote(t, &out->quote)) != 0 ||
	    (r = tpm_certify(t, &out->certify)) != 0 ||
	    (r = tpm_session(t)) != 0 || (r = tpm_policy(t)) != 0)
		return tpm_exit_code(t, r);
	return 0;
}

int
evidence_body(const struct tpm *t, const struct evidence *e, uint8_t *out,
	      size_t cap, size_t *out_bytes)
{
	struct wr w;

	wr_init(&w, out, cap);
	wr_var16(&w, e->hcl, e->report_bytes);
	wr_var16(&w, t->ak_pub, sizeof(t->ak_pub));
	wr_var16(&w, e->ak_cert, e->ak_cert_bytes);
	wr_bytes(&w, t->pcr, sizeof(t->pcr));
	wr_var16(&w, e->quote.attest, e->quote.attest_bytes);
	wr_var16(&w, e->quote.sig, sizeof(e->quote.sig));
	wr_var16(&w, t->key_pub, sizeof(t->key_pub));
	wr_var16(&w, e->certify.attest, e->certify.attest_bytes);
	wr_var16(&w, e->certify.sig, sizeof(e->certify.sig));
	return wr_end(&w, out_bytes);
}
