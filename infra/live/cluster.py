"""Read-only access to a cluster: the official Kubernetes client with a kubeconfig, credential plugins included."""

import json
from collections.abc import Mapping
from typing import Any, Final, Protocol
from urllib.parse import urlencode

from meshed_mcp.components.core.errors import ConfigurationError
from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.error_codes.live import CLIENT_MISSING, CLUSTER_UNREACHABLE

REQUEST_SECONDS: Final = 20
"""Longest wait for a response of the API server."""

FORBIDDEN: Final = (401, 403)
NOT_FOUND: Final = 404
"""Status codes. Source: RFC 9110, sections 15.5.2, 15.5.4 and 15.5.5."""


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
            self.client: Any = config.new_client_from_config(context=context)
        except (ConfigException, OSError, ValueError) as error:
            raise self.unreachable(error) from error

    def get(self, path: str) -> Manifest | None:
        """The object or document at a path; None if there is none."""
        from kubernetes.client.exceptions import ApiException  # noqa: PLC0415 - an extra
        from urllib3.exceptions import HTTPError  # noqa: PLC0415 - the client's

        try:
            # Typed methods would drop fields that the client does not know.
            response = self.client.call_api(
                "GET", self.client.configuration.host + path, self.headers(), _request_timeout=REQUEST_SECONDS
            )
            return dict(json.loads(response.read()))
        except ApiException as error:
            if error.status == NOT_FOUND:
                return None
            if error.status in FORBIDDEN:
                raise ForbiddenError(path) from error
            raise self.unreachable(error) from error
        except (HTTPError, OSError, ValueError) as error:
            raise self.unreachable(error) from error

    def items(self, path: str, labels: str = "", limit: int = 0) -> list[Manifest]:
        """Objects of a list with the labels."""
        query = {**({"labelSelector": labels} if labels else {}), **({"limit": limit} if limit else {})}
        found = self.get(f"{path}?{urlencode(query)}" if query else path) or {}
        return list(found.get("items") or ())

    def headers(self) -> Mapping[str, str]:
        """Headers with the credentials, which a plugin may renew."""
        headers: dict[str, str] = {"Accept": "application/json"}
        self.client.update_params_for_auth(headers, [], ["BearerToken"])
        return headers

    def unreachable(self, error: Exception) -> ConfigurationError:
        """One line of why the cluster cannot be read."""
        reason = " ".join(str(error).split())[:300] or type(error).__name__
        return ConfigurationError.single(self.subject, CLUSTER_UNREACHABLE.message(reason=reason))
