"""Kubernetes API client of a pod. Source: Kubernetes, "Accessing the Kubernetes API from a Pod"."""

import json
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import httpx

from meshed_mcp.agents.http.addresses import host_and_port
from meshed_mcp.agents.process.start_error import StartError
from meshed_mcp.error_codes.runtime import NO_KUBERNETES_API

ACCOUNT_PATH: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount")
"""Mount point of token, ca.crt and namespace. Source: as above."""

ENV_ACCOUNT_PATH: Final = "MESHED_MCP_ACCOUNT_PATH"  # variable with another folder that holds these files
MERGE_PATCH: Final = "application/merge-patch+json"
"""Source: RFC 7396. Custom resources do not support strategic merge patches."""

TIMEOUT_SECONDS: Final = 4.0
"""Below the interval of scrapes, so that a server that hangs costs the fast scaler one of them."""


class KubernetesClient:
    """Client of the pod's API server, for the pod's namespace."""

    def __init__(self, environment: Mapping[str, str], manager: str) -> None:
        """Use `manager` as the field manager of patches. Raises StartError outside a pod."""
        self._manager = manager
        self._folder = Path(environment.get(ENV_ACCOUNT_PATH) or ACCOUNT_PATH)
        try:
            host, port = environment["KUBERNETES_SERVICE_HOST"], environment["KUBERNETES_SERVICE_PORT"]
            self.namespace: Final = (self._folder / "namespace").read_text(encoding="utf-8").strip()
            trust = ssl.create_default_context(cafile=self._folder / "ca.crt")
            self._token()
        except (KeyError, OSError) as error:
            raise StartError(NO_KUBERNETES_API.message(error=error)) from None
        address = f"https://{host_and_port(host, int(port))}"
        self._http = httpx.Client(base_url=address, verify=trust, timeout=TIMEOUT_SECONDS, trust_env=False)

    def patch(self, resource: str, name: str, change: Mapping[str, Any]) -> None:
        """Merge `change` into an object of the pod's namespace. `resource` is `[group/]version/plural`.

        Raises httpx.HTTPError if the server rejects the patch or does not respond.
        """
        names = {"fieldManager": self._manager}
        headers = {"Authorization": f"Bearer {self._token()}", "Content-Type": MERGE_PATCH}
        group, plural = resource.rsplit("/", 1)
        root = f"/apis/{group}" if "/" in group else f"/api/{group}"
        path = f"{root}/namespaces/{quote(self.namespace, safe='')}/{plural}/{quote(name, safe='')}"
        self._http.patch(path, params=names, content=json.dumps(change), headers=headers).raise_for_status()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def _token(self) -> str:
        """Return the current token; the kubelet rotates it within the hour."""
        return (self._folder / "token").read_text(encoding="utf-8").strip()
