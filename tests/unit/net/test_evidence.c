/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"
#include "cursor.h"
#include "evidence.h"
#include "make_evidence.h"

CASE(reads_views_of_every_part)
{
	uint8_t buf[4096];
	size_t n = make_evidence(buf, sizeof(buf), "{\"keys\":[]}");
	struct evidence e;

	EXPECT(evidence_get(buf, n, &e) == 0);
	EXPECT(e.snp.n == 1184 && e.snp.p[0] == 'R' && e.snp.p[1183] == 'R');
	EXPECT(e.claims.n == 11 &&
	       memcmp(e.claims.p, "{\"keys\":[]}", 11) == 0);
	EXPECT(e.ak_pub.n == 5 && memcmp(e.ak_pub.p, "akpub", 5) == 0);
	EXPECT(e.ak_cert.n == 6 && memcmp(e.ak_cert.p, "akcert", 6) == 0);
	EXPECT(e.pcrs[0] == 0 && e.pcrs[32] == 1 && e.pcrs[255] == 7);
	EXPECT(memcmp(e.quote.p, "quote", 5) == 0);
	EXPECT(memcmp(e.quote_sig.p, "quotesig", 8) == 0);
	EXPECT(memcmp(e.enc_pub.p, "encpub", 6) == 0);
	EXPECT(memcmp(e.certify.p, "certify", 7) == 0);
	EXPECT(memcmp(e.certify_sig.p, "certifysig", 10) == 0);
}

CASE(refuses_every_cut_and_every_byte_too_many)
{
	uint8_t buf[4096];
	size_t n = make_evidence(buf, sizeof(buf), "{}");
	struct evidence e;

	for (size_t cut = 0; cut < n; cut++)
		EXPECT(evidence_get(buf, cut, &e) == ERR_FORMAT);
	EXPECT(evidence_get(buf, n + 1, &e) == ERR_FORMAT);
}

CASE(refuses_claims_of_another_length_than_the_report_says)
{
	uint8_t buf[4096];
	size_t n = make_evidence(buf, sizeof(buf), "{}");
	struct evidence e;

	buf[2 + HCL_CLAIMS_SIZE_AT]++;
	EXPECT(evidence_get(buf, n, &e) == ERR_FORMAT);
	buf[2 + HCL_CLAIMS_SIZE_AT] -= 2;
	EXPECT(evidence_get(buf, n, &e) == ERR_FORMAT);
	buf[2 + HCL_CLAIMS_SIZE_AT]++;
	buf[2 + HCL_CLAIMS_SIZE_AT + 3] = 0x80;
	EXPECT(evidence_get(buf, n, &e) == ERR_FORMAT);
}

CASE(refuses_a_report_without_claims)
{
	uint8_t buf[4096];
	size_t n = make_evidence(buf, sizeof(buf), "");
	struct evidence e;

	EXPECT(evidence_get(buf, n, &e) == ERR_FORMAT);
}

int
main(void)
{
	return check_run();
}
