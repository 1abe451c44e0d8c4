"""A certificate authority of a test, and the certificates of servers and clients that it signs."""

import base64
import datetime as dt
import hashlib
import ipaddress
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from cryptography.x509.oid import NameOID

LOOPBACK = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))


class KeyPair(NamedTuple):
    """A certificate and its private key, PEM."""

    certificate: str
    private_key: str

    @property
    def pin(self) -> str:
        """Hash of the public key, as browsers pin it. Source: RFC 7469, section 2.4."""
        key = x509.load_pem_x509_certificate(self.certificate.encode()).public_key()
        info = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return base64.b64encode(hashlib.sha256(info).digest()).decode()

    def write(self, file: Path) -> Path:
        """Write certificate and key to one file, as servers read them."""
        file.write_text(self.certificate + self.private_key, "ascii")
        return file


class PrivateAuthority:
    """An authority with a key of its own; two of one name differ."""

    def __init__(self, name: str = "authority") -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = common_name(name)
        usage = dict.fromkeys(("key_cert_sign", "crl_sign", "digital_signature"), True)
        others = ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement")
        unused = dict.fromkeys((*others, "encipher_only", "decipher_only"), False)
        signed = (
            self._builder(self._name, self._key.public_key())
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(x509.KeyUsage(**usage, **unused), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(self._key.public_key()), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        self.certificate = signed.public_bytes(Encoding.PEM).decode()

    def issue(self, name: str, *hosts: str) -> KeyPair:
        """A certificate for a server at 127.0.0.1 and at `hosts`, or for the client `name`."""
        key = ec.generate_private_key(ec.SECP256R1())
        names = [LOOPBACK, *map(x509.DNSName, hosts)]
        signed = (
            self._builder(common_name(name), key.public_key())
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return KeyPair(signed.public_bytes(Encoding.PEM).decode(), private.decode())

    def _builder(self, subject: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
        now = dt.datetime.now(dt.UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(minutes=1))
            .not_valid_after(now + dt.timedelta(hours=1))
        )


def common_name(text: str) -> x509.Name:
    """A name with a common name alone."""
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])
