/* SPDX-License-Identifier: Apache-2.0 */
/* HCL reports of real machines. */
#include "check.h"
#include "tpm_hcl.h"
#include "vectors.h"

static int
read_real(const char *name, struct hcl *h)
{
	size_t n;
	char *area = read_vector(name, &n);
	int r = hcl_read((const uint8_t *)area, n, h);

	free(area);
	return r;
}

CASE(milan_2023_is_read)
{
	struct hcl h = {0};

	EXPECT(read_real("azure-cvm-tooling/hcl-report-snp.bin", &h) == 0);
	EXPECT(h.report_bytes == 1819 && h.claims_bytes == 583);
}

CASE(milan_of_trustee_is_read)
{
	struct hcl h = {0};

	EXPECT(read_real("trustee/az-snp-vtpm/hcl-report.bin", &h) == 0);
	EXPECT(h.report_bytes == 2346 && h.claims_bytes == 1110);
}

CASE(reports_of_tdx_machines_are_refused)
{
	struct hcl h = {0};

	EXPECT(read_real("azure-cvm-tooling/hcl-report-tdx.bin", &h) ==
	       ERR_FORMAT);
	EXPECT(read_real("trustee/az-tdx-vtpm/hcl-report.bin", &h) ==
	       ERR_FORMAT);
	EXPECT(read_real("cvm-attestation-tools/snp_hcl_report.bin", &h) ==
	       ERR_FORMAT);
}

/* The modulus as text in the report is that of the key in the claims. */
CASE(a_key_of_another_machine_is_not_named)
{
	static uint8_t other[HCL_MODULUS];
	struct hcl h;
	size_t n;
	char *area = read_vector("trustee/az-snp-vtpm/hcl-report.bin", &n);

	EXPECT(hcl_read((const uint8_t *)area, n, &h) == 0);
	memset(other, 0x9b, sizeof(other));
	EXPECT(hcl_names_key(&h, other) == ERR_MISMATCH);
	free(area);
}

CASE(every_bit_of_claims_and_binding_counts)
{
	struct hcl h;
	size_t n;
	char *area = read_vector("trustee/az-snp-vtpm/hcl-report.bin", &n);

	for (size_t at = 0; at < n; at++) {
		int bound =
			(at >= 1236 && at < 2346) || (at >= 112 && at < 176);

		area[at] = (char)(area[at] ^ 1);
		if (bound || at >= 2346)
			EXPECT(hcl_read((const uint8_t *)area, n, &h) != 0);
		area[at] = (char)(area[at] ^ 1);
	}
	EXPECT(hcl_read((const uint8_t *)area, n, &h) == 0);
	free(area);
}

int
main(void)
{
	NEED_VECTOR("azure-cvm-tooling/hcl-report-snp.bin");
	NEED_VECTOR("azure-cvm-tooling/hcl-report-tdx.bin");
	NEED_VECTOR("trustee/az-snp-vtpm/hcl-report.bin");
	NEED_VECTOR("trustee/az-tdx-vtpm/hcl-report.bin");
	NEED_VECTOR("cvm-attestation-tools/snp_hcl_report.bin");
	return check_run();
}
