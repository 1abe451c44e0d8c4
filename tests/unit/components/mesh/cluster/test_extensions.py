"""Proxy extensions: rendered TrafficExtensions, and rejected settings."""

from typing import Any, Final

import pytest
from pydantic import ValidationError

from meshed_mcp.components.mesh.cluster import manifests as cluster
from meshed_mcp.components.mesh.cluster.extensions import LUA_FILTER, WASM_FILTER
from meshed_mcp.components.mesh.cluster.proxy_filters import PROXY_FILTERS
from meshed_mcp.components.mesh.service import manifests as service
from tests.unit.components.mesh.mesh_rendering import Objects, mesh_args, service_args

SUM: Final = "a" * 64
LUA: Final[dict[str, Any]] = {"kind": "lua", "code": "function envoy_on_response(handle) end"}
WASM: Final[dict[str, Any]] = {"kind": "wasm", "url": "oci://registry.example.com/filter:1", "sha256": SUM}


def extension(**settings: Any) -> dict[str, Any]:
    """Specification of one extension of a service."""
    found = Objects(service.service_manifests("mcp-x", service_args(extensions={"stamp": settings})))
    spec: dict[str, Any] = found.one("TrafficExtension", "mcp-x-stamp")["spec"]
    return spec


def test_lua_extension_runs_only_in_the_proxies_of_its_service() -> None:
    """Istio API, TrafficExtension: `selector`, `match`, `phase`, `priority`, `lua`."""
    assert extension(**LUA, priority=5) == {
        "selector": {"matchLabels": {"app": "mcp-x"}},
        "match": [{"mode": "SERVER"}],
        "phase": "STATS",
        "priority": 5,
        "lua": {"inlineCode": LUA["code"]},
    }


def test_wasm_extension_is_pinned_and_fails_closed() -> None:
    """Requirement SEC-10: with FAIL_OPEN, a crash of the extension would bypass its check."""
    settings = {"phase": "authz", "direction": "both", "pull_secret": "registry", "config": {"deny": True}}
    wasm = extension(**WASM, **settings)["wasm"]
    assert wasm == {
        "url": WASM["url"],
        "sha256": SUM,
        "type": "HTTP",
        "failStrategy": "FAIL_CLOSE",
        "imagePullPolicy": "IfNotPresent",
        "imagePullSecret": "registry",
        "pluginConfig": {"deny": True},
    }


def test_digest_in_the_url_is_the_checksum_too() -> None:
    """Istio API, TrafficExtension `sha256`: it must match the digest of the url."""
    url = f"oci://registry.example.com/filter@sha256:{SUM}"
    assert extension(kind="wasm", url=url)["wasm"]["sha256"] == SUM


def test_extensions_of_the_mesh_are_in_the_root_namespace_and_select_no_pod() -> None:
    """Istio API, TrafficExtension: without a selector in the root namespace it holds everywhere."""
    found = Objects(cluster.mesh_manifests(mesh_args(extensions={"stamp": LUA}))).one("TrafficExtension")
    assert found["metadata"]["namespace"] == "istio-system"
    assert "selector" not in found["spec"]


@pytest.mark.parametrize("name", [LUA_FILTER, WASM_FILTER])
def test_istio_proxy_has_the_filter_of_each_extension(name: str) -> None:
    """Requirement SEC-14: a filter that the proxy lacks breaks the listener."""
    assert all(name in known for known in PROXY_FILTERS.values())


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        pytest.param(
            {"kind": "wasm", "url": "oci://registry.example.com/filter:latest"},
            (
                "url 'oci://registry.example.com/filter:latest' is not pinned, so a change in its "
                "registry could run other code in the proxies; set sha256 to the checksum, or end "
                "the url with @sha256:..."
            ),
            id="a module that may change",
        ),
        pytest.param(
            {"kind": "wasm", "url": "http://example.com/filter.wasm", "sha256": SUM},
            (
                "'http://example.com/filter.wasm' is not the address of a module; use "
                "oci://registry/name:tag or https://... (http:// is not protected on the way)"
            ),
            id="in the clear",
        ),
        pytest.param(
            WASM | {"sha256": "ABC"},
            "sha256 'ABC' is not a checksum; use its 64 digits in lower case",
            id="no checksum",
        ),
        pytest.param(
            {"kind": "wasm", "url": f"oci://registry.example.com/filter@sha256:{SUM}", "sha256": "b" * 64},
            f"sha256 {'b' * 64} contradicts the digest {SUM} in the url; remove one of the two",
            id="two checksums",
        ),
        pytest.param(
            {"kind": "lua", "code": "return 1"},
            (
                "the script has neither envoy_on_request nor envoy_on_response, so the proxy would "
                "never call it; define one: function envoy_on_request(handle) ... end"
            ),
            id="a script that is never called",
        ),
        pytest.param(
            LUA | {"code": "-- envoy_on_request" + " " * 65_536},
            ("the script has 65555 bytes, and at most 65536 are allowed; use a shorter script, or a Wasm module"),
            id="a long script",
        ),
        pytest.param(
            LUA | {"phase": "authz"},
            (
                "phase authz comes before authorization, where an error of the script would let the "
                "request through unauthorized; set phase: stats, or use a Wasm module, which "
                "rejects requests when it fails"
            ),
            id="a script as a guard",
        ),
    ],
)
def test_unsafe_extensions_are_rejected_with_the_fix(settings: dict[str, Any], message: str) -> None:
    """Requirement CFG-2: preview rejects them with the reason and what to set instead."""
    with pytest.raises(ValidationError) as caught:
        service_args(extensions={"stamp": settings})
    assert message in str(caught.value)
