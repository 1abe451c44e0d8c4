"""CA bundle of a container: its volume, its mount, and the variables with which clients find the certificates."""

from typing import Final

from meshed_mcp import contract
from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.components.mesh.egress.proxy_args import CaBundle

VOLUME: Final = "meshed-mcp-ca-bundle"
FOLDER, _, FILE = contract.CA_BUNDLE_PATH.rpartition("/")
CA_VARIABLES: Final = (
    "SSL_CERT_FILE",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "NODE_EXTRA_CA_CERTS",
    "AWS_CA_BUNDLE",
    "GIT_SSL_CAINFO",
)
"""Variables with the path of the file: OpenSSL (Python, httpx, Ruby) and Go; requests; curl; Node.js, which keeps its
own authorities; the AWS SDKs; Git. Source: OpenSSL, "SSL_CTX_load_verify_locations"; Go, `crypto/x509`; requests, "SSL
Cert Verification"; Node.js, "CLI"; AWS, "SDK and tools reference"; Git, "http.sslCAInfo"."""


def ca_volumes(bundle: CaBundle | None) -> list[Manifest]:
    """The volume with the one key."""
    if bundle is None:
        return []
    return [{"name": VOLUME, "configMap": {"name": bundle.config_map, "items": [{"key": bundle.key, "path": FILE}]}}]


def mount_bundle(containers: Manifest, bundle: CaBundle | None) -> Manifest:
    """`containers` and `initContainers` of a pod, with the volume in each of them."""
    if bundle is None:
        return containers
    mount = {"name": VOLUME, "mountPath": FOLDER, "readOnly": True}
    return {
        field: [each | {"volumeMounts": [*each["volumeMounts"], dict(mount)]} for each in group]
        for field, group in containers.items()
    }


def ca_environment(bundle: CaBundle | None) -> dict[str, str]:
    """Variable -> path of the certificates."""
    return {} if bundle is None else dict.fromkeys(CA_VARIABLES, contract.CA_BUNDLE_PATH)
