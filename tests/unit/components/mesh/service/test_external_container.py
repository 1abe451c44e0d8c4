"""Container of another HTTP server, as it is."""

from typing import Any

import pytest

from meshed_mcp.components.mesh.service.external_container import EXTERNAL_READINESS_PERIOD_SECONDS
from meshed_mcp.components.mesh.service.workload import SIDECAR_EXIT_SECONDS
from tests.unit.components.mesh.service.kinds import EXTERNAL, container, plain, pod, secrets


def server(**settings: Any) -> dict[str, Any]:
    """The container of the server."""
    return container("server", **{**EXTERNAL, **settings})


def test_the_server_keeps_its_command_port_and_variables() -> None:
    """Requirement SRV-2: only what the stack sets reaches the server."""
    found = server(
        command=["node", "dist/index.js"],
        args=["--port", "3001"],
        env={"LOG_LEVEL": "info"},
        secret_env={"TOKEN": {"secret": "files", "key": "token"}},
    )
    assert (found["command"], found["args"]) == (["node", "dist/index.js"], ["--port", "3001"])
    assert found["ports"] == [{"name": "http", "containerPort": 3001, "protocol": "TCP"}]
    assert plain(found) == {"LOG_LEVEL": "info"}
    assert secrets(found) == {"TOKEN": ("files", "token")}
    assert server().keys().isdisjoint({"command", "args", "env"})


@pytest.mark.parametrize(
    ("probes", "how"),
    [
        (None, {"tcpSocket": {"port": 3001}}),
        ("tcp", {"tcpSocket": {"port": 3001}}),
        ({"http": "/healthz"}, {"httpGet": {"path": "/healthz", "port": 3001}}),
        ({"http": "/healthz", "port": 8081}, {"httpGet": {"path": "/healthz", "port": 8081}}),
    ],
)
def test_probes_check_the_server_and_not_its_sidecar(probes: Any, how: dict[str, Any]) -> None:
    """Kubernetes, "Configure Liveness, Readiness and Startup Probes"."""
    found = server(probes=probes)
    for name in ("startupProbe", "livenessProbe", "readinessProbe"):
        assert how.items() <= found[name].items()
    assert found["readinessProbe"]["periodSeconds"] == EXTERNAL_READINESS_PERIOD_SECONDS


def test_a_slow_start_gets_its_time() -> None:
    """Kubernetes, startup probe: `failureThreshold` times `periodSeconds`."""
    startup = server(probes={"startup_seconds": 300})["startupProbe"]
    assert startup["failureThreshold"] * startup["periodSeconds"] == 300


def test_probes_can_be_switched_off() -> None:
    """Requirement SRV-2: a server without any health endpoint runs too."""
    assert {"startupProbe", "livenessProbe", "readinessProbe"}.isdisjoint(server(probes="none"))


def test_the_kubelet_delays_the_end_of_the_server() -> None:
    """Kubernetes, "Container Lifecycle Hooks", `sleep`: it needs no shell in the image; 0 is rejected before 1.33."""
    drain = {"pre_stop_delay_seconds": 7, "grace_seconds": 60}
    assert server(drain=drain)["lifecycle"] == {"preStop": {"sleep": {"seconds": 7}}}
    assert pod(**EXTERNAL, drain=drain)["terminationGracePeriodSeconds"] == 60 + SIDECAR_EXIT_SECONDS
    assert "lifecycle" not in server(drain={"pre_stop_delay_seconds": 0})
