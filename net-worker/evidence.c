/* SPDX-License-Identifier: Apache-2.0 */
/* The body of EVIDENCE; pure functions. */
#include "evidence.h"

#include "cursor.h"

static int
var(struct rd *rd, size_t max, struct bytes *out)
{
	return rd_var16(rd, 1, max, &out->p, &out->n);
}

/* tpm has checked the whole header; here only what is read from it. */
static int
hcl(const struct bytes *report, struct evidence *e)
{
	const uint8_t *p = report->p + HCL_CLAIMS_SIZE_AT;
	size_t n;

	if (report->n <= HCL_CLAIMS_AT)
		return ERR_FORMAT;
	n = (size_t)p[0] | (size_t)p[1] << 8 | (size_t)p[2] << 16 |
	    (size_t)p[3] << 24;
	if (n != report->n - HCL_CLAIMS_AT)
		return ERR_FORMAT;
	e->snp = (struct bytes){report->p + HCL_REPORT_AT, SNP_REPORT_BYTES};
	e->claims = (struct bytes){report->p + HCL_CLAIMS_AT, n};
	return 0;
}

int
evidence_get(const void *body, size_t bytes, struct evidence *out)
{
	struct evidence e = {0};
	struct bytes report;
	struct rd rd;
	int r;

	rd_init(&rd, body, bytes);
	if ((r = var(&rd, HCL_MAX, &report)) != 0 ||
	    (r = var(&rd, 1024, &e.ak_pub)) != 0 ||
	    (r = var(&rd, 4096, &e.ak_cert)) != 0 ||
	    (r = rd_bytes(&rd, EVIDENCE_PCRS * 32u, &e.pcrs)) != 0 ||
	    (r = var(&rd, 1024, &e.quote)) != 0 ||
	    (r = var(&rd, 1024, &e.quote_sig)) != 0 ||
	    (r = var(&rd, 1024, &e.enc_pub)) != 0 ||
	    (r = var(&rd, 1024, &e.certify)) != 0 ||
	    (r = var(&rd, 1024, &e.certify_sig)) != 0 ||
	    (r = rd_end(&rd)) != 0 || (r = hcl(&report, &e)) != 0)
		return r;
	*out = e;
	return 0;
}
