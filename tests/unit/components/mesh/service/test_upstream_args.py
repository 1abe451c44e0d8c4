"""Probes, processes, URLs and credentials of servers without the runtime."""

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from meshed_mcp.components.mesh.egress.destinations import ExternalHost
from meshed_mcp.components.mesh.service.remote_url import remote_host, remote_url
from meshed_mcp.components.mesh.service.upstream_args import (
    OutboundAuth,
    Probes,
    ProbeSettings,
    StdioSettings,
)
from meshed_mcp.error_codes.code import MessageError
from tests.unit.components.mesh.mesh_rendering import lines

SECRET = {"secret": "s", "key": "k"}


@pytest.mark.parametrize(
    ("value", "settings"),
    [
        ("tcp", ProbeSettings()),
        ("none", ProbeSettings(enabled=False)),
        ({"http": "/healthz"}, ProbeSettings(http="/healthz")),
        ({"http": "/z", "port": 81, "startup_seconds": 9}, ProbeSettings(http="/z", port=81, startup_seconds=9)),
    ],
)  # fmt: skip
def test_probes_are_a_word_or_a_path(value: Any, settings: ProbeSettings) -> None:
    """Kubernetes, "Configure Liveness, Readiness and Startup Probes": `tcpSocket` and `httpGet`."""
    assert TypeAdapter(Probes).validate_python(value) == settings


@pytest.mark.parametrize(
    ("probes", "words"),
    [
        ({"http": "healthz"}, "probes.http: 'healthz' is not the path of a probe"),
        ({"http": "/a b"}, "probes.http: '/a b' is not the path of a probe"),
        ({"enabled": False, "port": 80}, "probes: enabled: false has no probes, so port would have no effect"),
        ("grpc", "probes: 'grpc' is not a mapping"),
    ],
)
def test_unusable_probes_are_rejected(probes: Any, words: str) -> None:
    """Requirement CFG-2: the line names the field and what to set."""
    (line,) = lines(runtime="external", probes=probes)
    assert line.startswith(words)


def test_one_shared_process_has_no_maximum() -> None:
    """Requirement CFG-6: a bound of one process would have no effect."""
    with pytest.raises(ValidationError, match="max: has no effect with process: shared"):
        StdioSettings.model_validate({"process": "shared", "max": 3})


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://mcp.example.com/mcp", ExternalHost("mcp.example.com", 443)),
        ("https://mcp.example.com:8443", ExternalHost("mcp.example.com", 8443)),
        ("https://mcp.example.com/mcp?tenant=a", ExternalHost("mcp.example.com", 443)),
        ("http://mcp.example.com/mcp", ExternalHost("mcp.example.com", 80, plain=True)),
    ],
)
def test_the_way_to_a_remote_server_follows_from_its_url(url: str, host: ExternalHost) -> None:
    """RFC 9110, section 4.2: default ports of http and https."""
    assert remote_host(remote_url(url)) == host


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("mcp.example.com", "MM0314"),
        ("ftp://mcp.example.com/", "MM0314"),
        ("https:///mcp", "MM0314"),
        ("https://mcp.example.com:port/", "MM0314"),
        ("https://mcp.example.com/mcp#a", "MM0314"),
        ("https://mcp.example.com?a=b", "MM0314"),
        ("https://mcp.example.com/\n", "MM0314"),
        ("https://203.0.113.7/mcp", "MM0315"),
        ("https://[2001:db8::1]/mcp", "MM0315"),
        ("https://0x7f000001/mcp", "MM0315"),
        ("https://user:word@mcp.example.com/mcp", "MM0316"),
        ("https://metadata.google.internal/mcp", "MM0253"),
        ("https://mcp-search.mcp-system.svc.cluster.local/mcp", "MM0254"),
        ("https://localhost/mcp", "MM0254"),
        ("https://MCP_x.example.com/mcp", "MM0023"),
    ],
)
def test_a_url_that_is_no_remote_server_is_rejected(url: str, code: str) -> None:
    """Requirement SRV-7: external host names alone; OWASP, "SSRF Prevention"."""
    with pytest.raises(MessageError) as raised:
        remote_url(url)
    assert [message.code for message in raised.value.messages] == [code]


def test_credentials_in_a_url_are_not_repeated_in_the_message() -> None:
    """Requirement CFG-11: an error is no place for a secret."""
    with pytest.raises(MessageError) as raised:
        remote_url("https://user:hunter2@mcp.example.com/mcp")
    assert "hunter2" not in str(raised.value)


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        ({}, "names no Secret"),
        ({"headers": {"Mcp-Name": SECRET}}, "'Mcp-Name' is not free"),
        ({"headers": {"Host": SECRET}}, "'Host' is not free"),
        ({"headers": {"X Key": SECRET}}, "'X Key' is not free"),
        ({"headers": {"X-Key": SECRET, "x-key": SECRET}}, "'X-Key' is not free"),
        ({"bearer": SECRET, "headers": {"Authorization": SECRET}}, "'Authorization' is not free"),
    ],
)
def test_unusable_credentials_are_rejected(raw: dict[str, Any], code: str) -> None:
    """RFC 9110, section 5.1: a header name is a token; MCP owns its own headers."""
    with pytest.raises(ValidationError, match=code):
        OutboundAuth.model_validate(raw)


def test_an_own_authorization_scheme_is_a_header() -> None:
    """RFC 9110, section 11.6.2: schemes other than Bearer."""
    assert OutboundAuth.model_validate({"headers": {"Authorization": SECRET}}).bearer is None
