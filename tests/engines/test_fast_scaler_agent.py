"""The fast scaler as a process with its service account, a real Prometheus and a real API server."""

import contextlib
import json
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from bench.dashboards.engine import PreviewPrometheus, local_prometheus
from meshed_mcp import contract
from meshed_mcp.components.autoscaling import scalers
from meshed_mcp.components.autoscaling.args import AutoscalingPolicyArgs
from meshed_mcp.components.autoscaling.fast_scaler import live_query
from meshed_mcp.components.autoscaling.fast_scaler.manifests import (
    AGENT_NAME,
    MODULE,
    eligible_targets,
    fast_scaler_manifests,
)
from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.components.promql import fast_scaler
from tests.engines import service_account
from tests.engines.api_server import ApiServer
from tests.engines.processes import Engine, free_port, running
from tests.engines.waiting import wait_for

pytestmark = pytest.mark.engine("prometheus", "etcd", "kube-apiserver")

NAMESPACE, SERVER = "default", "pulled"
RECORDED = f'{fast_scaler.NEEDED}{{{contract.LABEL_SCALED_OBJECT}="{SERVER}"}}'
HOLD_SECONDS = 10
"""Shorter than a stack may write, so that the fall is seen."""

POLICY = AutoscalingPolicyArgs.model_validate(
    {
        "targets": {SERVER: {"in_flight_per_replica": 10, "max_replicas": 6}},
        "namespace": NAMESPACE,
        "prometheus_url": "http://prometheus",
        "keda": {"install": "existing", "fast_scaler": {"image": "runtime:1"}},
    }
)
"""One service with a fast scaler."""


class Load:
    """A scrape target whose load the test sets; None = the gauge is gone."""

    value: float | None = 0
    recorded: float | None = None
    """What the rule has recorded, where the test stands in for it."""


@pytest.fixture
def load() -> Load:
    """Nothing in work."""
    return Load()


@pytest.fixture
def target(load: Load) -> Iterator[str]:
    """Where the gauge is scraped."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            numbers = {contract.METRIC_ACTIVE_REQUESTS: load.value, RECORDED: load.recorded}
            text = "".join(f"{name} {value}\n" for name, value in numbers.items() if value is not None)
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: Any) -> None:
            """Keep quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{server.server_address[1]}"
        server.shutdown()


@pytest.fixture
def scaled(api_server: ApiServer) -> Iterator[Manifest]:
    """The ScaledObject, the fast scaler's rights, all as rendered."""
    (item,) = scalers.autoscaler_manifests(POLICY)
    applied = [item, *fast_scaler_manifests(POLICY)]
    assert [refusal for each in applied if (refusal := api_server.client.apply(each))] == []
    yield item
    for each in applied:
        api_server.client.delete(each)


@pytest.fixture
def prometheus(tmp_path: Path, target: str) -> Iterator[PreviewPrometheus]:
    """Scrapes every second and evaluates the rendered rules at their own interval."""
    (rules,) = [item for item in fast_scaler_manifests(POLICY) if item["kind"] == "PrometheusRule"]
    (tmp_path / "rules.yaml").write_text(json.dumps({"groups": rules["spec"]["groups"]}), encoding="utf-8")
    labels = {"namespace": NAMESPACE, contract.LABEL_SERVER: SERVER}
    job = {"job_name": "server", "scrape_interval": "1s", "static_configs": [{"targets": [target], "labels": labels}]}
    with local_prometheus(tmp_path) as (engine, config):
        config.write_text(json.dumps({"rule_files": ["rules.yaml"], "scrape_configs": [job]}), encoding="utf-8")
        engine.reload()
        yield engine


Start = Callable[[str], contextlib.AbstractContextManager[Engine]]


@pytest.fixture
def start(api_server: ApiServer, scaled: Manifest, prometheus: PreviewPrometheus, tmp_path: Path) -> Start:
    """Starts a fast scaler with the token of its own account, which Kubernetes issues."""
    assert scaled
    account = service_account.environment(api_server, AGENT_NAME, NAMESPACE, tmp_path)

    def started(name: str) -> contextlib.AbstractContextManager[Engine]:
        environment = {
            **account,
            contract.ENV_PROMETHEUS_URL: str(prometheus.http.base_url),
            contract.ENV_FAST_SCALER_QUERY: asked(),
            contract.ENV_MANAGEMENT_PORT: str(free_port()),
            contract.ENV_BIND_ADDRESS: "127.0.0.1",
        }
        return running([sys.executable, "-m", MODULE], tmp_path / f"{name}.log", environment)

    return started


def asked() -> str:
    """The rendered query, with the shorter hold."""
    live = [part.text for part in live_query.parts(eligible_targets(POLICY), NAMESPACE)]
    return fast_scaler.minimum_replicas(NAMESPACE, HOLD_SECONDS, live)


def minimum(server: ApiServer, item: Manifest) -> int:
    """The ScaledObject's minimum at this moment."""
    return int((server.client.get(item) or {})["spec"]["minReplicaCount"])


def test_a_step_raises_the_minimum_and_it_falls_back_after_the_hold(
    api_server: ApiServer, scaled: Manifest, start: Start, load: Load
) -> None:
    """Measured with KEDA: a raised minimum is the size at once. Requirement SCL-6: held, never above the maximum."""
    with start("first"), start("second"):
        load.value = 35
        wait_for(lambda: minimum(api_server, scaled) == 4, "four replicas for 35 calls at 10 each")
        load.value = 1000
        wait_for(lambda: minimum(api_server, scaled) == 6, "the maximum")
        load.value = 0
        wait_for(lambda: minimum(api_server, scaled) == 2, "the stack's own minimum")


def test_a_step_raises_the_minimum_without_waiting_for_the_rule(
    api_server: ApiServer, scaled: Manifest, start: Start, load: Load, prometheus: PreviewPrometheus, tmp_path: Path
) -> None:
    """Requirement SCL-6: the scrape that sees the step suffices; no recording rule is read."""
    (tmp_path / "rules.yaml").write_text('{"groups": []}', encoding="utf-8")
    prometheus.reload()
    load.recorded = 2
    with start("only"):
        load.value = 35
        wait_for(lambda: minimum(api_server, scaled) == 4, "four replicas")
        load.value = 0
        wait_for(lambda: minimum(api_server, scaled) == 2, "what is recorded")


def test_missing_metrics_change_no_minimum(
    api_server: ApiServer, scaled: Manifest, start: Start, load: Load, prometheus: PreviewPrometheus, tmp_path: Path
) -> None:
    """Requirement SCL-2: neither a lost gauge nor an unreachable Prometheus shrinks a service."""
    with start("only"):
        load.value = 35
        wait_for(lambda: minimum(api_server, scaled) == 4, "four replicas")
        load.value = None
        wait_for(lambda: prometheus.result("query", {"query": asked()}) == [], "no opinion")
        assert minimum(api_server, scaled) == 4
        prometheus.http.post("/-/quit")
        wait_for(lambda: "Prometheus does not respond" in (tmp_path / "only.log").read_text(), "its complaint")
        assert minimum(api_server, scaled) == 4


def test_the_fast_scalers_account_may_do_nothing_else(api_server: ApiServer, start: Start, tmp_path: Path) -> None:
    """Kubernetes RBAC, evaluated by the server: least privilege."""
    assert callable(start)
    http = api_server.client.http
    token = {"Authorization": f"Bearer {(tmp_path / 'token').read_text()}"}
    here = f"/namespaces/{NAMESPACE}"
    refused = [
        http.get(f"/api/v1{here}/secrets", headers=token),
        http.get(f"/apis/keda.sh/v1alpha1{here}/scaledobjects", headers=token),
        http.delete(f"/apis/keda.sh/v1alpha1{here}/scaledobjects/{SERVER}", headers=token),
        http.patch(
            f"/apis/keda.sh/v1alpha1{here}/scaledobjects/another",
            headers={**token, "Content-Type": "application/merge-patch+json"},
            content="{}",
        ),
    ]
    assert [answer.status_code for answer in refused] == [httpx.codes.FORBIDDEN] * len(refused)
