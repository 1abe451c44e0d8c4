"""Client of the Prometheus HTTP API for commands. Source: Prometheus, "HTTP API"."""

from typing import Any, Final

import httpx

from meshed_mcp.components.core.errors import ConfigurationError
from meshed_mcp.error_codes.cli import INVALID_PROMETHEUS_URL, PROMETHEUS_SILENT, QUERY_REJECTED

TIMEOUT_SECONDS: Final = 120.0


class Prometheus:
    """Client of one Prometheus, without the proxies of the environment. Close it after use."""

    def __init__(self, url: str) -> None:
        if not url.startswith(("http://", "https://")):
            raise ConfigurationError.single("--prometheus", INVALID_PROMETHEUS_URL.message(url=url))
        self.http: Final = httpx.Client(base_url=url, trust_env=False, timeout=TIMEOUT_SECONDS)

    def values(self, expression: str, now: float) -> list[tuple[dict[str, str], float]]:
        """Labels and value of every series at `now` (Unix time). Raises ConfigurationError."""
        found = self.result("query", {"query": expression, "time": now})
        return [(each["metric"], float(each["value"][1])) for each in found]

    def result(self, path: str, parameters: dict[str, Any]) -> list[dict[str, Any]]:
        """`data.result` of the API's `path`. Raises ConfigurationError if Prometheus is down or rejects the query."""
        try:
            response = self.http.post(f"/api/v1/{path}", data=parameters)
        except httpx.HTTPError as error:
            message = PROMETHEUS_SILENT.message(url=self.http.base_url, error=error)
            raise ConfigurationError.single("--prometheus", message) from None
        try:
            body = response.json()
        except ValueError:
            body = {"error": f"status {response.status_code} without JSON"}
        if body.get("status") != "success":
            message = QUERY_REJECTED.message(url=self.http.base_url, reason=body.get("error"))
            raise ConfigurationError.single("--prometheus", message)
        found = body["data"]["result"]
        return found if isinstance(found, list) else []

    def close(self) -> None:
        """Close the connections."""
        self.http.close()
