"""Mutual TLS of the mesh: certificates of a run, peers verified by SPIFFE ID. Pure."""

from collections.abc import Iterable
from pathlib import Path
from typing import Final, NamedTuple

from meshed_mcp.local.translate.envoy.api import Message, extension
from meshed_mcp.local.translate.topology import Identity

TRANSPORT: Final = "extensions.transport_sockets.tls.v3"


class KeyFiles(NamedTuple):
    """PEM files of one identity and of the root."""

    chain: Path
    key: Path
    root: Path


def server_tls(files: KeyFiles, trust_domain: str) -> Message:
    """Require a client certificate of the trust domain. Source: Istio, PeerAuthentication mode STRICT."""
    peers = [{"san_type": "URI", "matcher": {"prefix": f"spiffe://{trust_domain}/"}}]
    return extension(
        "envoy.transport_sockets.tls",
        f"{TRANSPORT}.DownstreamTlsContext",
        common_tls_context=_common(files, peers),
        require_client_certificate=True,
    )


def client_tls(files: KeyFiles, servers: Iterable[Identity], server_name: str) -> Message:
    """Present the certificate and accept the service accounts of the destination (secure naming)."""
    names = sorted({identity.uri for identity in servers})
    peers = [{"san_type": "URI", "matcher": {"exact": name}} for name in names]
    return extension(
        "envoy.transport_sockets.tls",
        f"{TRANSPORT}.UpstreamTlsContext",
        common_tls_context=_common(files, peers),
        sni=server_name,
    )


def _common(files: KeyFiles, peers: list[Message]) -> Message:
    certificate = {"certificate_chain": {"filename": str(files.chain)}, "private_key": {"filename": str(files.key)}}
    return {
        "tls_params": {"tls_minimum_protocol_version": "TLSv1_2"},
        "tls_certificates": [certificate],
        "validation_context": {"trusted_ca": {"filename": str(files.root)}, "match_typed_subject_alt_names": peers},
    }
