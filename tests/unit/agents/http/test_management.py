"""Responses of the management port."""

import httpx
import pytest
from prometheus_client import Counter

from meshed_mcp.agents.http.management import Phase, management_app
from meshed_mcp.agents.telemetry.metrics import process_registry

pytestmark = pytest.mark.anyio


def client(phase: Phase) -> httpx.AsyncClient:
    """A client of the management application in the given phase."""
    registry = process_registry()
    Counter("calls", "Calls.", registry=registry).inc()
    application = management_app(lambda: phase, registry)
    return httpx.AsyncClient(transport=httpx.ASGITransport(application), base_url="http://pod")


@pytest.mark.parametrize(("phase", "status"), [(Phase.STARTING, 503), (Phase.READY, 200), (Phase.STOPPING, 503)])
async def test_readiness_follows_state_and_liveness_always_passes(phase: Phase, status: int) -> None:
    """Kubernetes, "Probes": a failing liveness probe kills, so starting and stopping must not fail it."""
    response = await client(phase).get("/readyz")
    assert (response.status_code, response.text) == (status, f"{phase}\n")
    assert (await client(phase).get("/livez")).status_code == 200


@pytest.mark.parametrize(("keeps", "status"), [(True, 200), (False, 503)])
async def test_a_draining_process_stays_serving_for_its_sessions(keeps: bool, status: int) -> None:
    """Kubernetes, EndpointSlice: a terminating pod is `serving` while it is ready, and never `ready`."""
    application = management_app(lambda: Phase.STOPPING, process_registry(), lambda: keeps)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(application), base_url="http://pod") as pod:
        assert (await pod.get("/readyz")).status_code == status


@pytest.mark.parametrize(
    ("accept", "content_type", "last"),
    [
        ("text/plain;version=0.0.4", "text/plain", None),
        ("application/openmetrics-text;version=1.0.0", "application/openmetrics-text", "# EOF"),
    ],
)
async def test_metrics_use_the_format_that_the_scraper_requests(
    accept: str, content_type: str, last: str | None
) -> None:
    """Prometheus, "Exposition formats"; OpenMetrics 1.0 ends with `# EOF`."""
    response = await client(Phase.READY).get("/metrics", headers={"Accept": accept})
    lines = response.text.splitlines()
    assert response.headers["content-type"].startswith(content_type)
    assert "calls_total 1.0" in lines
    assert any(line.startswith("process_resident_memory_bytes ") for line in lines)
    assert not any("_created" in line for line in lines)
    assert last in (None, lines[-1])
