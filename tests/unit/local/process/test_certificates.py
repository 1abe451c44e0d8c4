"""Certificates of a run: identity, signature, lifetime, file modes."""

import datetime as dt
import stat
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization

from meshed_mcp.local.process.certificates import KeyFolder
from meshed_mcp.local.translate.topology import Identity

RAG = Identity("cluster.local", "mcp-system", "mcp-rag")


def loaded(path: Path) -> x509.Certificate:
    """A certificate from its file."""
    return x509.load_pem_x509_certificate(path.read_bytes())


def test_a_certificate_names_one_identity_and_is_signed_by_the_root(tmp_path: Path) -> None:
    """SPIFFE X.509-SVID, section 2: exactly one URI; section 4: the critical name where the subject is empty."""
    files = KeyFolder(tmp_path).files(RAG)
    certificate = loaded(files.chain)
    certificate.verify_directly_issued_by(loaded(files.root))
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    assert names.critical
    assert list(names.value) == [x509.UniformResourceIdentifier("spiffe://cluster.local/ns/mcp-system/sa/mcp-rag")]


def test_only_the_root_may_sign(tmp_path: Path) -> None:
    """SPIFFE X.509-SVID, section 4.1 and 4.3."""
    files = KeyFolder(tmp_path).files(RAG)
    may_sign = [
        loaded(path).extensions.get_extension_for_class(x509.BasicConstraints).value.ca
        for path in (files.root, files.chain)
    ]
    assert may_sign == [True, False]


def test_the_private_key_belongs_to_the_certificate(tmp_path: Path) -> None:
    """X.509: the certificate holds the key's public half."""
    files = KeyFolder(tmp_path).files(RAG)
    key = serialization.load_pem_private_key(files.key.read_bytes(), None)
    assert key.public_key() == loaded(files.chain).public_key()


def test_certificates_live_for_a_day(tmp_path: Path) -> None:
    """Istio: default lifetime of a workload certificate is 24 hours."""
    certificate = loaded(KeyFolder(tmp_path).files(RAG).chain)
    left = certificate.not_valid_after_utc - dt.datetime.now(dt.UTC)
    assert dt.timedelta(hours=23) < left <= dt.timedelta(hours=24)


def test_only_the_current_user_can_read_certificates(tmp_path: Path) -> None:
    """Requirement CFG-11: files have mode 0600; the root's private key is in none of them."""
    folder = tmp_path / "certificates"
    KeyFolder(folder).files(RAG)
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    assert sorted(path.name for path in folder.iterdir()) == [
        "mcp-system.mcp-rag.key",
        "mcp-system.mcp-rag.pem",
        "root.pem",
    ]


def test_every_run_has_its_own_root(tmp_path: Path) -> None:
    """Requirement LOC-1: no certificate of one run is trusted in the next."""
    first = loaded(KeyFolder(tmp_path).files(RAG).chain)
    second = KeyFolder(tmp_path).files(RAG)
    with pytest.raises(InvalidSignature):
        first.verify_directly_issued_by(loaded(second.root))
