"""`server.json` of the MCP registry: packages, images, remotes, inputs, and the spelling of early schemas."""

from typing import Any

import pytest

from tests.unit.infra.importing.importer import issues_of, lines_of, report_of, service_of

STDIO = {"type": "stdio"}


def server(**fields: Any) -> dict[str, Any]:
    """A description with one package or remote."""
    return {"name": "io.github.example/weather-mcp", "description": "Weather", "version": "0.5.0", **fields}


def package(**fields: Any) -> dict[str, Any]:
    """A description with one package of PyPI."""
    own = {"registryType": "pypi", "identifier": "weather", "version": "0.5.0", "transport": STDIO}
    return server(packages=[{**own, **fields}])


def test_a_package_becomes_a_service_with_its_inputs() -> None:
    """MCP registry, "server.json format specification": packages, arguments and environment variables."""
    report = report_of(
        package(
            runtimeHint="uvx",
            packageArguments=[
                {"type": "named", "name": "--mode", "default": "local"},
                {"type": "positional", "value": "serve-{kind}", "variables": {"kind": {"default": "all"}}},
                {"type": "positional", "valueHint": "folder", "isRequired": True},
            ],
            environmentVariables=[
                {"name": "WEATHER_API_KEY", "isRequired": True, "isSecret": True},
                {"name": "WEATHER_SEED", "isSecret": True},
                {"name": "WEATHER_UNITS", "default": "celsius"},
                {"name": "WEATHER_CITY", "isRequired": True},
                {"name": "WEATHER_OPTIONAL"},
            ],
        )
    )
    assert report.servers[0].settings == {
        "package": "pypi:weather==0.5.0",
        "args": ["--mode", "local", "serve-all"],
        "env": {"WEATHER_UNITS": "celsius"},
        "secret_env": {"WEATHER_API_KEY": {"secret": "weather-mcp-credentials", "key": "WEATHER_API_KEY"}},
    }
    assert list(report.must_set)[:2] == ["weather-mcp.args.folder", "weather-mcp.env.WEATHER_CITY"]
    assert issues_of(report) == []


def test_an_image_over_http_is_external_at_the_port_of_its_url() -> None:
    """MCP registry, "server.json format specification": a transport of a package has a URL on the local machine."""
    found = service_of(
        package(
            registryType="oci", identifier="docker.io/example/weather:1",
            transport={"type": "streamable-http", "url": "http://localhost:8080/mcp"},
            runtimeArguments=[
                {"type": "named", "name": "-e", "value": "MODE={mode}", "variables": {"mode": {"default": "x"}}}
            ],
        )
    )  # fmt: skip
    image = "docker.io/example/weather:1"
    assert found == {"image": image, "runtime": "external", "env": {"MODE": "x"}, "port": 8080, "path": "/mcp"}


def test_an_image_of_an_early_schema_gets_its_version_as_tag() -> None:
    """MCP registry, "server.json changelog": `registry_type` and the tag in `version` came first."""
    report = report_of(
        server(
            packages=[{"registry_type": "oci", "identifier": "example/weather", "version": "2.0", "transport": STDIO}]
        )
    )
    assert report.servers[0].settings == {"image": "example/weather:2.0", "transport": "stdio"}
    assert "weather-mcp.command" in report.must_set


def test_a_remote_becomes_a_url_with_its_headers() -> None:
    """MCP registry, "server.json format specification": remotes with headers and variables."""
    remote = {
        "type": "streamable-http", "url": "https://{tenant}.example.com/mcp",
        "variables": {"tenant": {"default": "eu"}},
        "headers": [{"name": "Authorization", "value": "Bearer {token}", "isRequired": True, "isSecret": True},
                    {"name": "X-Trace", "value": "on"}],
    }  # fmt: skip
    assert service_of(server(remotes=[remote])) == {
        "url": "https://eu.example.com/mcp",
        "outbound_auth": {"bearer": {"secret": "weather-mcp-credentials", "key": "token"}},
    }


def test_the_first_way_that_can_run_is_imported_and_the_others_are_listed() -> None:
    """Requirement IMP-2: a description has several ways to run one server."""
    document = server(
        packages=[
            {"registryType": "nuget", "identifier": "Weather", "version": "1.0.0", "transport": STDIO},
            {"registryType": "npm", "identifier": "weather", "version": "1.0.0", "transport": {"type": "sse"}},
            {"registryType": "npm", "identifier": "weather", "version": "1.0.0", "transport": STDIO},
        ],
        remotes=[{"type": "streamable-http", "url": "https://x.example.com/mcp"}],
    )
    assert service_of(document) == {"package": "npm:weather@1.0.0"}
    lines = "\n".join(lines_of(document))
    assert "packages[0]: is not carried over: only packages of npm and PyPI" in lines
    assert "packages[1]: is not carried over: it serves HTTP+SSE" in lines
    assert "remotes[0]: is not carried over: another way to run this server is imported" in lines


@pytest.mark.parametrize("wrap", [lambda item: {"server": item}, lambda item: {"servers": [{"server": item}]}])
def test_responses_of_the_api_are_understood(wrap: Any) -> None:
    """MCP registry, "API reference": a response has the description below `server`."""
    assert service_of(wrap(package())) == {"package": "pypi:weather==0.5.0"}


def test_a_description_that_only_serves_sse_is_left_out() -> None:
    """Requirement IMP-2: the transport of revision 2024-11-05 is named, and nothing is imported."""
    report = report_of(server(remotes=[{"type": "sse", "url": "https://x.example.com/sse"}]))
    assert report.servers == []
    assert any("it serves HTTP+SSE" in issue.line for issue in report.issues())
