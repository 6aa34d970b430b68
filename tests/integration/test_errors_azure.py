# SPDX-License-Identifier: Apache-2.0
"""Errors of what a boot asks: the TPM, the metadata service, attestation, the
key release, and what lies in the key vault.  Each on a restart."""
import base64
import os
import unittest

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import pkcs12
from deployment import HOSTNAME, Tls
from error_case import ErrorCase


class Services(ErrorCase):
    def test_no_hcl_report(self):
        self.rig.provision('vtpm-reboot', without_hcl=True)
        try:
            self.refused(21, 'the TPM holds no HCL report', 'AMD SEV-SNP')
        finally:
            self.rig.provision('vtpm-reboot')
        self.mended()

    def test_metadata_service_away(self):
        self.refused(27, 'the metadata service does not answer',
                     '169.254.169.254', imds='http://127.0.0.1:1')
        self.mended()

    def test_attestation_refused(self):
        self.rig.provision('maa-policy', policy={
            'require': {'x-ms-azurevm-vmid': 'another'}})
        try:
            self.refused(30, 'the attestation service refused the evidence')
        finally:
            self.rig.provision('maa-policy', policy={})
        self.mended()

    def test_release_refused_by_policy(self):
        # The vault's own judgement: the key is for another machine.
        d = self.rig.deployment
        pin, url, name = d.pin, d.key_id, d.key
        info = d.info
        d.info = {**info, 'vm_id': '00000000-0000-0000-0000-000000000000'}
        try:
            d.make_key('others-mk')
            self.refused(34, 'the key release was refused by policy',
                         "compare the key's release policy",
                         master_key=d.key_id, pin=d.pin)
        finally:
            d.info, d.pin, d.key_id, d.key = info, pin, url, name
        self.mended()

    def mutated(self, variant, code, *texts):
        self.client.fault(service='akv', operation='release', times=0,
                          mutate=variant)
        self.refused(code, *texts)
        self.client.clear_faults()

    def test_wrong_chain(self):
        self.mutated('wrong_root', 36, 'is not signed by a configured root')
        self.mutated('wrong_san', 36, 'keyvault_signing_roots')

    def test_another_answer(self):
        for variant in ('other_key', 'other_vault', 'other_nonce'):
            self.mutated(variant, 37, 'another key, nonce or algorithm')
        self.mended()

    def test_pin(self):
        self.refused(39, 'the released key is not the pinned one',
                     'APM_MK_PIN', pin='0' * 64)
        self.mended()

    def test_forged_private_half(self):
        self.mutated('forged_private', 40, 'consistent parts')
        self.mended()

    def test_not_unwrapped(self):
        self.mutated('wrapped_damaged', 38, 'does not unwrap')

    def test_enc_fall_back(self):
        self.client.options(refuse_enc=['RSA_AES_KEY_WRAP_256'])
        try:
            self.mended()
        finally:
            self.client.options(refuse_enc=[])

    def test_throttled(self):
        self.client.fault(service='akv', operation='release', times=1,
                          status=429, headers={'Retry-After': '1'},
                          body='{"error":{"code":"Throttled",'
                               '"message":"later"}}')
        self.mended(retry_time=10)


class Stored(ErrorCase):
    def test_blob_does_not_open(self):
        self.keep_secret('apm-tls-cert-password')
        self.client.set_secret('apm-tls-cert-password', base64.b64encode(
            os.urandom(256)).decode())
        self.refused(41, 'does not open with the master key')

    def test_password_wrong(self):
        self.keep_secret('apm-tls-cert-password')
        self.client.set_secret('apm-tls-cert-password',
                               self.rig.deployment.wrap('not the password'))
        self.refused(43, 'the PFX password is wrong', 'apm-tls-cert')

    def put_pfx(self, data):
        self.keep_secret('apm-tls-cert')
        self.client.set_secret('apm-tls-cert',
                               base64.b64encode(data).decode())

    def password(self):
        return self.rig.deployment.password

    def test_certificate_and_key_do_not_match(self):
        t, key = self.rig.deployment.tls, ec.generate_private_key(
            ec.SECP256R1())
        self.put_pfx(pkcs12.serialize_key_and_certificates(
            b'server', key, None, [t.cert, t.ca],
            serialization.BestAvailableEncryption(self.password().encode())))
        self.refused(45, 'do not belong together')

    def test_name_does_not_fit(self):
        tls = Tls('other.test')
        self.put_pfx(tls.pfx(self.password()))
        self.refused(46, 'not for APM_HOSTNAME', tls_ca=None)

    def test_expired(self):
        self.put_pfx(Tls(HOSTNAME, days=-1, start=-9).pfx(self.password()))
        self.refused(48, 'not valid now', tls_ca=None)

    def test_another_ca(self):
        self.put_pfx(Tls(HOSTNAME).pfx(self.password()))
        self.refused(47, 'does not end in tls_ca')

    def test_pfx_without_password(self):
        t = self.rig.deployment.tls
        self.put_pfx(pkcs12.serialize_key_and_certificates(
            b'server', t.key, t.cert, [t.ca], serialization.NoEncryption()))
        self.refused(44, 'not protected by the password', 'export it again')

    def test_zz_mended(self):
        self.mended()


if __name__ == '__main__':
    unittest.main()
