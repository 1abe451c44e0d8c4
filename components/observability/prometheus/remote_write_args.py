"""Arguments of remote write: where samples go besides Prometheus, and which of them.

Stack keys in, frozen models out. Not here: the chart's values made of them (`values.py`).
"""

from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field

from meshed_mcp.components.core.args import Model
from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.components.observability.alertmanager.args import SecretFile
from meshed_mcp.error_codes.values import INVALID_WEB_ADDRESS

KEPT_SERIES: Final = "([a-z]+:)?mcp[_:].*|http_server_.*|traces_span_metrics_.*|workload:.*"
"""Metrics of servers and what is recorded of them, of which the level stands first (`server:mcp_errors:rate5m`); not
the cluster's. The whole name must match. Source: Prometheus, "Relabel config"."""


def write_address(text: str) -> str:
    """`text` as it is, if samples can go there. Raises ValueError with what to write instead."""
    if not text.startswith(("https://", "http://")):
        raise INVALID_WEB_ADDRESS.error(text=text, example="https://metrics.example.com/api/v1/write")
    return text


class RemoteWrite(Model):
    """A second place that gets samples as they are scraped: for longer than the volume holds, or for all clusters."""

    url: Annotated[str, AfterValidator(write_address)]
    """Where it takes them. Source: Prometheus, "Remote-Write specification"."""

    token: SecretFile | None = None
    """Key of a Secret in the stack's namespace with a bearer token; unset = none is sent."""

    series: Literal["servers", "all"] = "servers"
    """`servers`: metrics of MCP servers and what is recorded of them; `all`: the cluster's too, ten times as many."""

    labels: dict[str, str] = Field(default_factory=dict)
    """Labels that every series and alert gets on its way out, such as `{cluster: europe}`."""


def remote_write_values(settings: RemoteWrite) -> Manifest:
    """Part of the spec of Prometheus. Source: Prometheus operator 0.93, RemoteWriteSpec."""
    target: Manifest = {"url": settings.url, "sendExemplars": True}
    if settings.token is not None:
        secret = {"name": settings.token.secret, "key": settings.token.key}
        target["authorization"] = {"type": "Bearer", "credentials": secret}
    if settings.series == "servers":
        keep = {"sourceLabels": ["__name__"], "regex": KEPT_SERIES, "action": "keep"}
        target["writeRelabelConfigs"] = [keep]
    named = {"externalLabels": dict(settings.labels)} if settings.labels else {}
    return {"remoteWrite": [target], **named}
