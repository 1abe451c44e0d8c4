"""The fast scaler's path in `make bench-scale-out`: from a step in load to the replicas of a raised minimum.

Real: the rendered query and rule on a real Prometheus, the fast scaler as a process, its patch over HTTPS, replicas
and sidecars. Simulated: the API server (fake_keda.py) and KEDA. As KEDA's scale executor does, the simulation sets
the replica count to a raised minimum at once while no trigger is above its `activationThreshold`. The HPA takes no
part.
"""

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NamedTuple

from bench import stacks
from bench.fake_keda import ADDRESS, Minimums, api_server
from bench.processes import free_port
from meshed_mcp import contract
from meshed_mcp.components.autoscaling import scalers
from meshed_mcp.components.autoscaling.args import AutoscalingPolicyArgs
from meshed_mcp.components.autoscaling.fast_scaler.manifests import AGENT_NAME, fast_scaler_manifests
from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.components.promql import fast_scaler
from meshed_mcp.local.observe.prometheus import ScrapeExtras, Scraping
from meshed_mcp.local.process.autoscaler import instant_query
from meshed_mcp.local.process.changes import add_endpoints, are_ready, deployment_of, replicas_of, start_replicas
from meshed_mcp.local.process.processes import Processes, Program
from meshed_mcp.local.process.stack_runner import Running
from meshed_mcp.local.translate.topology import Pod

STOP_SECONDS: Final = 10.0
LOOK_SECONDS: Final = 0.05
IMAGE: Final = "registry.example.com/bench:1"


PATCH_TO_READY_SECONDS: Final = 5.2
"""From a patched minimum to ready pods that start in 5 s, as in the goal. With KEDA 2.21, a real API server and
scheduler it took 5.1 s at the median of 25 steps and 5.3 s at most. Processes here start in 1 s. They get no calls
before this time, because replicas that take load before a scrape has seen all of it would change the result."""


class Batch(NamedTuple):
    """Replicas of one patch."""

    patched: float
    pods: list[Pod]


@dataclass
class Raised:
    """Replica counts that raised minimums set, as (seconds, count), and the replicas that are starting."""

    up: Running
    changes: list[tuple[float, int]] = field(default_factory=list)
    coming: list[Batch] = field(default_factory=list)
    ready: float = 0.0
    """When the last replica was reachable."""

    def raise_to(self, minimum: int, at: float) -> None:
        """Start the replicas that are missing to `minimum`, which was patched `at`."""
        coming = sum(len(batch.pods) for batch in self.coming)
        missing = minimum - len(replicas_of(self.up, stacks.COUNTED)) - coming
        if missing > 0:
            self.changes.append((at, minimum))
            self.coming.append(
                Batch(at, list(start_replicas(self.up, deployment_of(self.up, stacks.COUNTED), missing)))
            )

    def settle(self) -> None:
        """Add ready replicas to load balancing, at the time at which pods would be ready."""
        started = time.perf_counter() - PATCH_TO_READY_SECONDS
        for batch in [each for each in self.coming if each.patched <= started and are_ready(self.up, each.pods)]:
            self._admit(batch)

    def end(self) -> None:
        """Add all replicas to load balancing, so that cleanup includes them."""
        for batch in list(self.coming):
            self._admit(batch)

    def _admit(self, batch: Batch) -> None:
        add_endpoints(self.up, batch.pods)
        self.coming.remove(batch)
        self.ready = time.perf_counter()


def policy(targets: dict[str, Any]) -> AutoscalingPolicyArgs:
    """The benchmark's service with a fast scaler; all other settings are defaults."""
    keda = {"install": "existing", "fast_scaler": {"image": IMAGE}}
    raw = {"targets": targets, "namespace": stacks.NAMESPACE, "prometheus_url": "http://prometheus", "keda": keda}
    return AutoscalingPolicyArgs.model_validate(raw)


def extras(targets: dict[str, Any]) -> ScrapeExtras:
    """The rendered rules."""
    (rules,) = [item for item in fast_scaler_manifests(policy(targets)) if item["kind"] == "PrometheusRule"]
    return ScrapeExtras(rules={"groups": rules["spec"]["groups"]})


@contextmanager
def fast_scalers(targets: dict[str, Any], seen: Scraping, folder: Path) -> Iterator[Minimums]:
    """As many processes as the Deployment has replicas, with its command and variables, and the object they patch."""
    (deployment,) = [item for item in fast_scaler_manifests(policy(targets)) if item["kind"] == "Deployment"]
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    rendered = {item["name"]: item["value"] for item in container["env"]}
    with (
        api_server(stacks.NAMESPACE, stacks.COUNTED, folder / "account") as (minimums, account),
        Processes(STOP_SECONDS) as processes,
    ):
        for number in range(deployment["spec"]["replicas"]):
            own = {
                contract.ENV_PROMETHEUS_URL: str(seen.client.http.base_url),
                contract.ENV_MANAGEMENT_PORT: str(free_port()),
                contract.ENV_BIND_ADDRESS: ADDRESS,
            }
            command = (sys.executable, *container["command"][1:])
            environment = {**os.environ, **rendered, **account, **own}
            name = f"{AGENT_NAME}-{number}"
            processes.start(Program(name, command, environment, folder / f"{name}.log"))
        yield minimums


def pull(raised: Raised, seen: Scraping, minimums: Minimums, triggers: list[Manifest], begun: float) -> None:
    """Poll once: act on the latest minimum as KEDA does."""
    seen.follow(raised.up.alive.values())
    patched = minimums.since(begun)
    if patched and patched[-1][1] > (raised.changes or [(0.0, 0)])[-1][1] and not active(triggers, seen):
        raised.raise_to(patched[-1][1], patched[-1][0])
    raised.settle()


def active(triggers: list[Manifest], seen: Scraping) -> bool:
    """Whether KEDA leaves the replica count to the HPA. Source: KEDA, `activationThreshold`; resources do not count."""
    ask = instant_query(seen.client.result)
    queried = [each["metadata"] for each in triggers if each["type"] == "prometheus"]
    return any((ask(each["query"]) or 0.0) > float(each.get("activationThreshold", 0)) for each in queried)


def triggers_of(targets: dict[str, Any]) -> list[Manifest]:
    """The value of the rendered ScaledObject."""
    (scaled,) = scalers.autoscaler_manifests(policy(targets))
    return list(scaled["spec"]["triggers"])


def wait_until_recorded(seen: Scraping, seconds: float) -> None:
    """Wait until the rule has recorded the need of the base load, as for a running service. Raises TimeoutError."""
    ask, end = instant_query(seen.client.result), time.perf_counter() + seconds
    while ask(fast_scaler.NEEDED) is None:
        if time.perf_counter() > end:
            raise TimeoutError(f"no need was recorded within {seconds} s")
        time.sleep(LOOK_SECONDS)
