"""Settings of remote write and their part of Prometheus' spec."""

from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field

from meshed_mcp.components.core.args import Model
from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.components.observability.alertmanager.args import SecretFile
from meshed_mcp.error_codes.values import INVALID_WEB_ADDRESS

SERVER_SERIES: Final = "([a-z]+:)?mcp[_:].*|http_server_.*|traces_span_metrics_.*|workload:.*"
"""Metrics of servers and their recorded series, such as `server:mcp_errors:rate5m`; Prometheus anchors the expression.
Source: Prometheus, "Relabel config"."""


def write_address(text: str) -> str:
    """`text` unchanged, if it is an HTTP URL. Raises ValueError with what to set instead."""
    if not text.startswith(("https://", "http://")):
        raise INVALID_WEB_ADDRESS.error(text=text, example="https://metrics.example.com/api/v1/write")
    return text


class RemoteWrite(Model):
    """Remote endpoint that receives all samples, for long-term storage or for several clusters."""

    url: Annotated[str, AfterValidator(write_address)]
    """URL of the endpoint. Source: Prometheus, "Remote-Write specification"."""

    token: SecretFile | None = None
    """Key of a Secret in the stack's namespace with a bearer token; unset = no authentication."""

    series: Literal["servers", "all"] = "servers"
    """`servers`: metrics of MCP servers and their recorded series; `all`: the cluster's as well, ten times as many."""

    labels: dict[str, str] = Field(default_factory=dict)
    """External labels of every sent series and alert, such as `{cluster: europe}`."""


def remote_write_values(settings: RemoteWrite) -> Manifest:
    """Part of the spec of Prometheus. Source: Prometheus operator 0.93, RemoteWriteSpec."""
    target: Manifest = {"url": settings.url, "sendExemplars": True}
    if settings.token is not None:
        secret = {"name": settings.token.secret, "key": settings.token.key}
        target["authorization"] = {"type": "Bearer", "credentials": secret}
    if settings.series == "servers":
        keep = {"sourceLabels": ["__name__"], "regex": SERVER_SERIES, "action": "keep"}
        target["writeRelabelConfigs"] = [keep]
    external = {"externalLabels": dict(settings.labels)} if settings.labels else {}
    return {"remoteWrite": [target], **external}
