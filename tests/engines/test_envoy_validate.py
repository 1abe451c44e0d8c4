"""Every Envoy configuration of the local run passes `envoy --mode validate`."""

import json
import subprocess
from pathlib import Path

import pytest

from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.components.mesh.service import manifests as service
from meshed_mcp.infra import recording
from meshed_mcp.local.process.certificates import KeyFolder
from meshed_mcp.local.process.engines import envoy_program
from meshed_mcp.local.translate.envoy.bootstrap import ingress, sidecar
from meshed_mcp.local.translate.envoy.gateway import gateway_identity, serving_gateways
from meshed_mcp.local.translate.stack import read_stack
from meshed_mcp.local.translate.topology import topology
from tests.engines import local_stack

ROOT = Path(__file__).parents[2]


def everything_on() -> list[Manifest]:
    """The small stack with every field that is translated and that neither dev nor prod renders."""
    outside = local_stack.arguments(runtime="external", callers=["front"])
    objects = [*local_stack.rendered(), *service.service_manifests("outside", outside)]
    for item in objects:
        spec = item.get("spec", {})
        match item["kind"], item["metadata"]["name"]:
            case "VirtualService", "back":
                spec["http"].insert(0, {**spec["http"][0], "name": "rare", **RARE_ROUTE})
            case "DestinationRule", "back":
                spec["subsets"][1]["trafficPolicy"] = RARE_POLICY
            case "AuthorizationPolicy", "back":
                spec["rules"] += [RARE_RULE]
            case "PeerAuthentication", _:
                spec["mtls"]["mode"] = "PERMISSIVE"
    return objects


RARE_ROUTE = {
    "match": [
        {
            "uri": {"regex": "/mcp/.*"},
            "method": {"exact": "POST"},
            "headers": {"mcp-name": {"prefix": "a"}, "mcp-session-id": {}},
            "withoutHeaders": {"x-legacy": {"regex": ".+"}},
        }
    ],
    "rewrite": {"authority": "back:8000"},
    "retries": {"attempts": 1, "perTryTimeout": "2s", "retryOn": "reset-before-request,503"},
    "timeout": "30s",
    "headers": {
        "request": {"set": {"x-a": "1"}, "add": {"x-b": "2"}, "remove": ["x-c"]},
        "response": {"set": {"x-a": "1"}, "remove": ["x-d"]},
    },
}
RARE_POLICY = {
    "loadBalancer": {"simple": "RANDOM"},
    "connectionPool": {
        "tcp": {"maxConnectionDuration": "1h", "tcpKeepalive": {"time": "60s"}},
        "http": {"maxRequestsPerConnection": 100, "maxRetries": 3, "h2UpgradePolicy": "DO_NOT_UPGRADE"},
    },
    "outlierDetection": {
        "splitExternalLocalOriginErrors": True,
        "consecutiveLocalOriginFailures": 3,
        "minHealthPercent": 10,
    },
}
RARE_RULE = {
    "from": [{"source": {"notPrincipals": ["*/sa/x"], "namespaces": ["a"], "notNamespaces": ["b"]}}],
    "to": [{"operation": {"notMethods": ["DELETE"], "notPaths": ["/x*"], "ports": ["8000"]}}],
    "when": [{"key": "request.headers[mcp-name]", "values": ["a", "*"], "notValues": ["b*"]}],
}


@pytest.mark.parametrize("which", ["dev", "prod", "everything on"])
def test_envoy_accepts_every_configuration(which: str, tmp_path: Path) -> None:
    """Envoy, "Command line options", --mode validate."""
    objects = everything_on() if which == "everything on" else recording.record(ROOT, which).objects
    laid = topology(read_stack(objects), 16)
    (gateway,) = serving_gateways(laid.stack)
    edge = gateway_identity(gateway, laid.trust_domain)
    keys = KeyFolder(tmp_path)
    first_of_each = {pod.deployment.name: pod for pod in reversed(laid.pods)}
    configurations = {name: sidecar(laid, pod, keys.files(pod.identity)) for name, pod in first_of_each.items()}
    configurations["gateway"] = ingress(laid, gateway, keys.files(edge), 8080, "127.16.0.2")
    for name, configuration in configurations.items():
        file = tmp_path / f"{name}.json"
        file.write_text(json.dumps(configuration))
        command = [str(envoy_program()), "--mode", "validate", "-c", str(file), "--log-level", "error"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{name}: {done.stderr}"
