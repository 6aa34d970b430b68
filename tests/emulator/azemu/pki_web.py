# SPDX-License-Identifier: Apache-2.0
"""Keys and certificates of the web side: the TLS authority and its server
certificates, the chain that signs key releases, MAA's and the token issuer's
signing keys.  All are made once per directory; keys stay there as files."""

import concurrent.futures
import datetime
import hashlib
import os
import ssl
import threading

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from . import keyfile

YEAR = datetime.timedelta(days=365)
KEYS = {"tls-root": 2048, "tls-leaf": 2048, "akv-root": 2048,
        "akv-intermediate": 4096, "akv-leaf": 2048, "maa": 2048, "sts": 2048}


def now():
    return datetime.datetime.utcnow().replace(microsecond=0)


def write_file(path, data, mode=0o644):
    """Replace a file at once; others may be at the same."""
    part = "%s.%d.%d.part" % (path, os.getpid(), threading.get_ident())
    fd = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(fd, "wb") as out:
        out.write(data)
    os.replace(part, path)


def pem(cert):
    return cert.public_bytes(serialization.Encoding.PEM)


def der(cert):
    return cert.public_bytes(serialization.Encoding.DER)


def key_pem(key):
    return key.private_bytes(serialization.Encoding.PEM,
                             serialization.PrivateFormat.PKCS8,
                             serialization.NoEncryption())


def new_rsa(bits):
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


def name(common, org="Sallyport emulator"):
    return x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, org),
                      x509.NameAttribute(NameOID.COMMON_NAME, common)])


def usage(**yes):
    names = ("digital_signature", "content_commitment", "key_encipherment",
             "data_encipherment", "key_agreement", "key_cert_sign",
             "crl_sign", "encipher_only", "decipher_only")
    return x509.KeyUsage(**{n: yes.get(n, False) for n in names})


def build(subject, key, issuer=None, issuer_key=None, ca=None, san=(),
          start=None, end=None):
    """One certificate.  ca: None for a server, else the path length.  issuer
    None: self-signed.  Digest SHA-256."""
    start = start or now() - datetime.timedelta(days=1)
    end = end or start + (10 * YEAR if ca is not None else YEAR)
    signer = issuer_key or key
    cert = (x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer.subject if issuer else subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(start).not_valid_after(end))
    ski = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    cert = cert.add_extension(ski, critical=False)
    if issuer is not None:
        aki = x509.AuthorityKeyIdentifier.from_issuer_public_key(
            signer.public_key())
        cert = cert.add_extension(aki, critical=False)
    is_ca = ca is not None
    cert = cert.add_extension(
        x509.BasicConstraints(ca=is_ca, path_length=ca if is_ca and ca >= 0
                              else None), critical=True)
    if is_ca:
        cert = cert.add_extension(
            usage(key_cert_sign=True, crl_sign=True,
                  digital_signature=True), critical=True)
    else:
        cert = cert.add_extension(
            usage(digital_signature=True, key_encipherment=True),
            critical=True)
        cert = cert.add_extension(
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH,
                                   ExtendedKeyUsageOID.CLIENT_AUTH]),
            critical=False)
        cert = cert.add_extension(
            x509.SubjectAlternativeName([x509.DNSName(n) for n in san]),
            critical=False)
    return cert.sign(signer, hashes.SHA256())


class WebPki:
    """Everything above, loaded from or made in directory (private keys in
    directory/pki, 0600).  cache: a directory whose keys are used instead of
    new ones, and filled with new ones; it saves the seconds of generation."""

    def __init__(self, directory, maa_host="sharedeus.eus.attest.azure.net",
                 cache=None):
        self.dir = directory
        self.maa_host = maa_host
        self.private = os.path.join(directory, "pki")
        os.makedirs(self.private, mode=0o700, exist_ok=True)
        if cache:
            os.makedirs(cache, mode=0o700, exist_ok=True)
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            order = sorted(KEYS, key=lambda n: -KEYS[n])
            found = pool.map(lambda n: self.load_key(n, cache), order)
            self.keys = dict(zip(order, found))
        self.make_certificates()

    def load_key(self, label, cache):
        own = os.path.join(self.private, label + ".key")
        shared = os.path.join(cache, label + ".key") if cache else None
        for path in filter(None, (own, shared)):
            try:
                with open(path, "rb") as key_file:
                    key = keyfile.load(key_file.read())
                break
            except FileNotFoundError:
                continue
        else:
            key = new_rsa(KEYS[label])
        for path in filter(None, (own, shared)):
            if not os.path.exists(path):
                write_file(path, key_pem(key), 0o600)
        return key

    def root(self, label, common):
        """The self-signed root, kept as a file: its bytes are what users
        configure, so they must not change from start to start."""
        path = os.path.join(self.dir, {"tls-root": "tls-root.pem",
                                       "akv-root": "akv-signing-root.pem",
                                       }[label])
        try:
            with open(path, "rb") as cert_file:
                return x509.load_pem_x509_certificate(cert_file.read())
        except FileNotFoundError:
            cert = build(name(common), self.keys[label], ca=-1)
            write_file(path, pem(cert))
            return cert

    def kept(self, label, common):
        """A self-signed certificate that stays: tokens name it by hash."""
        path = os.path.join(self.private, label + ".pem")
        try:
            with open(path, "rb") as cert_file:
                cert = x509.load_pem_x509_certificate(cert_file.read())
            if cert.subject == name(common):
                return cert
        except FileNotFoundError:
            pass
        cert = build(name(common), self.keys[label], ca=0)
        write_file(path, pem(cert))
        return cert

    def make_certificates(self):
        k = self.keys
        self.tls_root = self.root("tls-root", "Sallyport emulator TLS root")
        self.akv_root = self.root("akv-root",
                                  "Sallyport emulator key service root")
        self.akv_intermediate = build(
            name("Sallyport emulator TLS issuing CA 01"),
            k["akv-intermediate"], self.akv_root, k["akv-root"], ca=0)
        self.akv_leaf = self.akv_signer(["vault.azure.net",
                                         "*.vault.azure.net",
                                         "*.vaultcore.azure.net"])
        self.maa_cert = self.kept("maa", "https://" + self.maa_host)
        self.sts_cert = self.kept("sts", "accounts.accesscontrol.windows.net")

    def akv_signer(self, san, start=None, end=None, key=None):
        """A leaf of the release chain (5.5: TLS server class)."""
        return build(name(san[0]), key or self.keys["akv-leaf"],
                     self.akv_intermediate, self.keys["akv-intermediate"],
                     san=san, start=start, end=end)

    def server_names(self):
        region = self.maa_host.split(".", 1)[1]
        return {
            "vault": ["vault.azure.net", "*.vault.azure.net",
                      "*.vaultcore.azure.net", "*.managedhsm.azure.net"],
            "maa": [self.maa_host, "*." + region, "*.attest.azure.net",
                    "*.eus.attest.azure.net"],
            "login": ["login.microsoftonline.com", "login.windows.net",
                      "login.microsoft.com", "sts.windows.net"],
            "blob": ["*.blob.core.windows.net"],
            "arm": ["management.azure.com", "management.core.windows.net"]}

    def server_contexts(self):
        """group -> SSLContext; the first one made also picks by SNI."""
        contexts = {}
        key_path = os.path.join(self.private, "tls-leaf.key")
        for group, san in self.server_names().items():
            san = list(dict.fromkeys(san))
            cert = build(name(san[0]), self.keys["tls-leaf"], self.tls_root,
                         self.keys["tls-root"], san=san)
            path = os.path.join(self.private, "tls-%s.pem" % group)
            write_file(path, pem(cert))
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.minimum_version = ssl.TLSVersion.TLSv1_2
            context.load_cert_chain(path, key_path)
            contexts[group] = context

        def by_name(sock, server_name, _context):
            sock.context = contexts[group_of(server_name or "")]

        for context in contexts.values():
            context.sni_callback = by_name
        return contexts


def group_of(host):
    """Which certificate a host name gets."""
    host = host.lower()
    if host.endswith(".attest.azure.net"):
        return "maa"
    if host.endswith(".blob.core.windows.net"):
        return "blob"
    if host.startswith("management."):
        return "arm"
    if host.startswith(("login.", "sts.")):
        return "login"
    return "vault"


def thumbprint(cert, digest="sha1"):
    return hashlib.new(digest, der(cert)).digest()
