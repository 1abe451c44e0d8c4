"""URLs and key sets of token issuers: public keys only, at places that the control plane may fetch from."""

from typing import Any, Final
from urllib.parse import SplitResult, urlsplit

from meshed_mcp.components.mesh.egress.destinations import (
    HTTPS_PORT,
    external_host_name,
    is_internal_host,
    is_ip_address,
)
from meshed_mcp.error_codes import service as codes

PUBLIC_KEY_TYPES: Final = ("RSA", "EC", "OKP")
"""Source: RFC 7518, section 6.1, and RFC 8037; `oct` is a shared secret that validators could sign with."""


def token_url(value: str) -> str:
    """Absolute HTTP URL without user and fragment."""
    _url(value)
    return value


def public_keys(value: dict[str, Any]) -> dict[str, Any]:
    """JWK Set of public keys only."""
    keys = value.get("keys")
    if not isinstance(keys, list) or not keys or not all(isinstance(key, dict) for key in keys):
        raise codes.NO_PUBLIC_KEYS.error()
    for number, key in enumerate(keys):
        if key.get("kty") not in PUBLIC_KEY_TYPES:
            raise codes.UNKNOWN_KEY_TYPE.error(number=number, kty=key.get("kty"), known=", ".join(PUBLIC_KEY_TYPES))
        if "d" in key:
            raise codes.PRIVATE_KEY_IN_STACK.error(number=number)
    return value


def key_url(value: str, *, in_cluster: bool) -> str:
    """URL of keys that the control plane fetches from inside the cluster. Source: OWASP, "SSRF Prevention"."""
    url = _url(value)
    host = url.hostname or ""
    if is_ip_address(host):
        raise codes.KEY_URL_IS_ADDRESS.error(value=value)
    if in_cluster:
        if ".svc" not in host:
            raise codes.KEY_URL_NOT_IN_CLUSTER.error(value=value)
        return value
    if is_internal_host(host):
        raise codes.KEY_URL_IN_CLUSTER.error(value=value)
    _validate_external(value, url)
    return value


def _validate_external(value: str, url: SplitResult) -> None:
    if url.scheme == "http":
        raise codes.KEY_URL_IN_PLAINTEXT.error(value=value)
    if url.port not in (None, HTTPS_PORT):
        raise codes.KEY_URL_PORT.error(value=value, port=url.port)
    external_host_name(url.hostname or "")


def _url(value: str) -> SplitResult:
    url = urlsplit(value)
    if url.scheme not in ("http", "https") or not url.hostname or url.fragment or url.username is not None:
        raise codes.INVALID_ISSUER_URL.error(value=value)
    return url
