"""Changes of a running stack: scale, roll out, node failure.

A new replica becomes an endpoint once it is ready; a terminating one leaves the endpoints and gets SIGTERM at the same
time, and its sidecar stops after it. Call the functions from the thread that started the stack.
Source: Kubernetes, "Pod Lifecycle", termination of Pods; "Deployments", rolling update.
"""

import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

from meshed_mcp.error_codes.local import UNKNOWN_DEPLOYMENT
from meshed_mcp.local.errors import LocalRunError
from meshed_mcp.local.process.container import UPSTREAM
from meshed_mcp.local.process.stack_runner import PROXY_STOP_SECONDS, READY_SECONDS, Running, pods_ready, programs_of
from meshed_mcp.local.translate.objects.workload import Deployment
from meshed_mcp.local.translate.references import unresolved_references
from meshed_mcp.local.translate.stack import Stack
from meshed_mcp.local.translate.topology import Pod, Topology, next_pod, validated

SERVING_SECONDS: Final = 1.0
"""Sessions reach a terminating replica, less than PRE_STOP_DELAY_SECONDS. Source: EndpointSlice, `serving`."""

GRACE_SECONDS: Final = 30.0
"""Source: Kubernetes, default of `terminationGracePeriodSeconds`."""


def scale(up: Running, deployment: str, replicas: int) -> None:
    """Scale a Deployment; the newest replicas end first. Raises LocalRunError for an unknown Deployment.

    A server on one port of this machine keeps one replica.
    """
    wanted = deployment_of(up, deployment)
    replicas = replicas if wanted.loopback_server is None else min(replicas, 1)
    now = replicas_of(up, deployment)
    if replicas > len(now):
        add_replicas(up, wanted, replicas - len(now))
    elif replicas < len(now):
        drain(up, now[replicas:])


def replicas_of(up: Running, deployment: str) -> list[Pod]:
    """Replicas in the endpoints, oldest first."""
    return [pod for pod in up.topology.pods if pod.deployment.name == deployment]


def add_replicas(up: Running, deployment: Deployment, count: int) -> list[Pod]:
    """Start replicas, and add them to the endpoints once they are ready. Raises LocalRunError."""
    new = start_replicas(up, deployment, count)
    names, ready = {pod.name for pod in new}, pods_ready(new)
    up.proxies.wait_until(up.envoys.ready, READY_SECONDS, lambda _: None)
    up.services.wait_until(lambda name: name not in names or ready(name), READY_SECONDS, lambda _: None)
    add_endpoints(up, new)
    return new


def start_replicas(up: Running, deployment: Deployment, count: int) -> list[Pod]:
    """Start replicas without waiting; add_endpoints makes them endpoints."""
    new: list[Pod] = []
    trust = up.topology.trust_domain
    for _ in range(count):
        new.append(next_pod(deployment, [*up.made, *new], up.configurations.block, trust, up.topology.localities))
    programs = programs_of(new, up.folders, up.configurations.collector)
    up.made.extend(new)
    configurations = up.configurations.of(up.topology, new)
    for pod in new:
        up.envoys.start(pod.name, configurations[pod.name])
    up.alive |= {pod.name: pod for pod in new}
    for program in programs:
        up.services.start(program)
    return new


def are_ready(up: Running, pods: Sequence[Pod]) -> bool:
    """Whether these replicas and their sidecars are ready."""
    ready = pods_ready(pods)
    return all(up.envoys.ready(pod.name) and ready(pod.name) for pod in pods)


def add_endpoints(up: Running, pods: Sequence[Pod]) -> None:
    """Add replicas to the endpoints; returns when every proxy has them."""
    apply_topology(up, replace(up.topology, pods=(*up.topology.pods, *pods)))


def drain(up: Running, pods: Sequence[Pod]) -> dict[str, int]:
    """Terminate replicas as Kubernetes does, and unused sidecars. Returns exit codes by name, negative for a signal."""
    for pod in pods:
        up.services.terminate(pod.name)
    remove_endpoints(up, pods)
    time.sleep(SERVING_SECONDS)
    remove_draining(up, pods)
    codes = {}
    for pod in pods:
        grace = pod.deployment.spec.template.spec.termination_grace_period_seconds
        codes[pod.name] = up.services.wait_ended(pod.name, GRACE_SECONDS if grace is None else grace)
        _kill_upstream(up, pod)
        up.envoys.wait_endpoints()
        up.envoys.stop(pod.name, PROXY_STOP_SECONDS)
        del up.alive[pod.name]
    return codes


def kill(up: Running, pod: Pod) -> None:
    """Simulate a node failure: kill process and sidecar at once; the endpoint stays."""
    up.envoys.kill(pod.name)
    up.services.kill(pod.name)
    _kill_upstream(up, pod)
    del up.alive[pod.name]


def _kill_upstream(up: Running, pod: Pod) -> None:
    """Kill the server behind a bridge, which has no call left."""
    if (name := f"{pod.name}{UPSTREAM}") in up.services.pids:
        up.services.kill(name)


def remove_endpoints(up: Running, pods: Iterable[Pod]) -> None:
    """Remove replicas from all endpoints without waiting; those with sessions stay reachable for them."""
    removed = {pod.name: pod for pod in pods}
    left = tuple(pod for pod in up.topology.pods if pod.name not in removed)
    draining = [pod for pod in removed.values() if pod.name in up.alive]
    up.topology = replace(up.topology, pods=left, draining_pods=(*up.topology.draining_pods, *draining))
    up.envoys.update_endpoints(up.configurations.of(up.topology, up.alive.values()))


def remove_draining(up: Running, pods: Iterable[Pod]) -> None:
    """Make terminating replicas unreachable."""
    removed = {pod.name for pod in pods}
    left = tuple(pod for pod in up.topology.draining_pods if pod.name not in removed)
    up.topology = replace(up.topology, draining_pods=left)
    up.envoys.update_endpoints(up.configurations.of(up.topology, up.alive.values()))


def apply_topology(up: Running, topology: Topology) -> None:
    """Update every proxy; returns when all have the topology."""
    if issues := unresolved_references(topology):
        raise LocalRunError(*issues)
    up.envoys.update(up.configurations.of(validated(topology), up.alive.values()))
    up.topology = topology


def roll_out(up: Running, stack: Stack) -> None:
    """Change to other objects of the same stack: new replicas, then routes and policies, then the end of old replicas.

    Replicas of changed pod templates are replaced one at a time (`maxSurge: 1`, `maxUnavailable: 0`). Raises
    LocalRunError.
    """
    stack = up.issuer.with_local_keys(stack)
    before = {each.name: each for each in up.topology.stack.deployments}
    for wanted in stack.deployments:
        if wanted.name not in before:
            add_replicas(up, wanted, wanted.spec.replicas)
        elif wanted.spec.template != before[wanted.name].spec.template:
            for old in replicas_of(up, wanted.name):
                _replace(up, old, wanted)
    apply_topology(up, replace(up.topology, stack=stack))
    for wanted in stack.deployments:
        scale(up, wanted.name, wanted.spec.replicas)
    for name in before.keys() - {each.name for each in stack.deployments}:
        drain(up, replicas_of(up, name))


def _replace(up: Running, old: Pod, wanted: Deployment) -> None:
    """Replace a replica; two servers on one port of this machine cannot run at the same time."""
    if old.deployment.loopback_server is not None or wanted.loopback_server is not None:
        drain(up, [old])
        add_replicas(up, wanted, 1)
    else:
        add_replicas(up, wanted, 1)
        drain(up, [old])


def deployment_of(up: Running, name: str) -> Deployment:
    """A Deployment by name. Raises LocalRunError for an unknown one."""
    deployments = {each.name: each for each in up.topology.stack.deployments}
    if name not in deployments:
        raise LocalRunError(UNKNOWN_DEPLOYMENT.message(name=name, known=", ".join(sorted(deployments))))
    return deployments[name]
