"""Read-only access to a cluster: the official Kubernetes client with a kubeconfig, credential plugins included."""

import json
import os
from typing import Any, Final, Protocol
from urllib.parse import urlencode

from meshed_mcp.components.core.errors import ConfigurationError
from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.error_codes.live import CLIENT_MISSING, CLUSTER_UNREACHABLE

REQUEST_SECONDS: Final = 20
"""Longest wait for a response of the API server."""

MAXIMUM_REASON: Final = 300
"""Characters of an error of the client in the message."""

OK: Final = 200
FORBIDDEN: Final = (401, 403)
NOT_FOUND: Final = 404
"""Status codes. Source: RFC 9110, sections 15.3.1, 15.5.2, 15.5.4 and 15.5.5."""


class ForbiddenError(Exception):
    """The user of the kubeconfig may not read something."""

    def __init__(self, path: str) -> None:
        self.path = path
        super().__init__(path)


class Reader(Protocol):
    """Reads objects of a cluster. Both methods raise ForbiddenError."""

    def get(self, path: str) -> Manifest | None:
        """The object or document at a path of the API; None if there is none."""

    def items(self, path: str, labels: str = "", limit: int = 0) -> list[Manifest]:
        """Objects of a list that have the labels (a selector such as `app=istiod`); none if the kind is not served."""


class Cluster:
    """A cluster that a kubeconfig names."""

    def __init__(self, context: str | None = None) -> None:
        self.subject = f"context {context}" if context else "kubeconfig"
        try:
            from kubernetes import config  # noqa: PLC0415 - an extra
            from kubernetes.config.config_exception import ConfigException  # noqa: PLC0415 - as above
        except ModuleNotFoundError as error:
            raise ConfigurationError.single("--live", CLIENT_MISSING.message()) from error
        try:
            # The client reads the variable when it is imported.
            path = os.environ.get("KUBECONFIG") or None
            self.client: Any = config.new_client_from_config(path, context)  # type: ignore[no-untyped-call]
        except (ConfigException, OSError, ValueError) as error:
            raise self.unreachable(str(error)) from error

    def get(self, path: str) -> Manifest | None:
        """The object or document at a path; None if there is none."""
        request = self.client.param_serialize(
            "GET", path, header_params={"Accept": "application/json"}, auth_settings=["BearerToken"]
        )
        try:
            # Typed methods would drop fields that the client does not know.
            response = self.client.call_api(*request, _request_timeout=REQUEST_SECONDS)
            body = response.read()
        except Exception as error:  # the client's, of its HTTP library and of credential plugins
            raise self.unreachable(str(error) or type(error).__name__) from error
        if response.status == NOT_FOUND:
            return None
        if response.status in FORBIDDEN:
            raise ForbiddenError(path)
        if response.status != OK:
            raise self.unreachable(f"{response.status} {response.reason} for {path}")
        return dict(json.loads(body))

    def items(self, path: str, labels: str = "", limit: int = 0) -> list[Manifest]:
        """Objects of a list with the labels."""
        query = {**({"labelSelector": labels} if labels else {}), **({"limit": limit} if limit else {})}
        found = self.get(f"{path}?{urlencode(query)}" if query else path) or {}
        return list(found.get("items") or ())

    def unreachable(self, text: str) -> ConfigurationError:
        """One line of why the cluster cannot be read."""
        reason = " ".join(text.split())[:MAXIMUM_REASON]
        return ConfigurationError.single(self.subject, CLUSTER_UNREACHABLE.message(reason=reason))
