"""Certificate authority of a run: a root in memory, and a certificate per service account as PEM files of mode 0600."""

import datetime as dt
import os
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from meshed_mcp.local.translate.envoy.tls import KeyFiles
from meshed_mcp.local.translate.topology import Identity

LIFETIME: Final = dt.timedelta(hours=24)
"""Source: Istio, default lifetime of a workload certificate. A run ends before it expires."""

ISSUER: Final = "meshed-mcp local run"
"""Organization in the root certificate."""

UNUSED_KEY_USAGES: Final = dict.fromkeys(
    ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "encipher_only", "decipher_only"),
    False,
)

CLOCK_SKEW: Final = dt.timedelta(minutes=2)
"""Source: istiod, backdating of workload certificates."""


class Authority:
    """Root that signs workload certificates; its private key is never written."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, ISSUER)])
        self._certificate = (
            _builder(self._name, self._name, self._key.public_key())
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_key_usage(signs_certificates=True), critical=True)
            .sign(self._key, hashes.SHA256())
        )

    @property
    def root(self) -> bytes:
        """The root certificate, PEM."""
        return self._certificate.public_bytes(serialization.Encoding.PEM)

    def issue(self, identity: Identity) -> tuple[bytes, bytes]:
        """Certificate chain and private key of an identity, PEM. Source: SPIFFE X.509-SVID, section 2 and 4."""
        key = ec.generate_private_key(ec.SECP256R1())
        usage = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
        names = [x509.UniformResourceIdentifier(identity.uri)]
        certificate = (
            _builder(x509.Name([]), self._name, key.public_key())
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_key_usage(signs_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage(usage), critical=False)
            .add_extension(x509.SubjectAlternativeName(names), critical=True)
            .sign(self._key, hashes.SHA256())
        )
        encoding, plain = serialization.Encoding.PEM, serialization.NoEncryption()
        pem = key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, plain)
        return certificate.public_bytes(encoding), pem


class KeyFolder:
    """Certificates of one run, issued on first use."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.absolute()
        self._authority = Authority()
        self._root = write_private(self._folder / "root.pem", self._authority.root)
        self._files: dict[Identity, KeyFiles] = {}

    def files(self, identity: Identity) -> KeyFiles:
        """Files of one identity."""
        if identity not in self._files:
            chain, key = self._authority.issue(identity)
            stem = self._folder / f"{identity.namespace}.{identity.service_account}"
            self._files[identity] = KeyFiles(
                chain=write_private(stem.with_name(f"{stem.name}.pem"), chain),
                key=write_private(stem.with_name(f"{stem.name}.key"), key),
                root=self._root,
            )
        return self._files[identity]


def _builder(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    now = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - CLOCK_SKEW)
        .not_valid_after(now + LIFETIME)
    )


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    signs = dict.fromkeys(("key_cert_sign", "crl_sign"), signs_certificates)
    return x509.KeyUsage(digital_signature=not signs_certificates, **signs, **UNUSED_KEY_USAGES)


def write_private(path: Path, content: bytes) -> Path:
    """Write a file that only this user can read. Returns the path."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
    return path
