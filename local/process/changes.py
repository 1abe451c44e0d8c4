"""Changes of a stack that runs: more or fewer replicas, a new version, new routes, the death of a replica.

A running stack in, the same one changed. The order is Kubernetes': a new replica gets calls once it is ready; one that
is to end leaves the endpoints and gets SIGTERM at the same time, and its sidecar ends after it.
Source: Kubernetes, "Pod Lifecycle", termination of Pods; "Deployments", rolling update.
Call it from the thread that started the stack: the processes die with it.
"""

import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

from meshed_mcp.error_codes.local import UNKNOWN_DEPLOYMENT
from meshed_mcp.local.errors import LocalRunError
from meshed_mcp.local.process.stack_runner import PROXY_STOP_SECONDS, READY_SECONDS, Running, pods_ready, programs_of
from meshed_mcp.local.translate.objects.workload import Deployment
from meshed_mcp.local.translate.references import dangling
from meshed_mcp.local.translate.stack import Stack
from meshed_mcp.local.translate.topology import Pod, Topology, checked, next_pod

SERVING_SECONDS: Final = 1.0
"""How long a replica that ends stays in reach of the sessions it has: until its readiness probe has failed often
enough, which must be before it refuses calls (PRE_STOP_DELAY_SECONDS). Source: Kubernetes, EndpointSlice, `serving`."""

GRACE_SECONDS: Final = 30.0
"""Longest wait for a replica where the pod names none. Source: Kubernetes, `terminationGracePeriodSeconds`."""


def scale(up: Running, deployment: str, replicas: int) -> None:
    """Bring a Deployment to `replicas`; the newest go first. Raises LocalRunError for one that is not in the stack."""
    wanted = deployment_of(up, deployment)
    now = replicas_of(up, deployment)
    if replicas > len(now):
        add(up, wanted, replicas - len(now))
    elif replicas < len(now):
        drain(up, now[replicas:])


def replicas_of(up: Running, deployment: str) -> list[Pod]:
    """Replicas that get calls, oldest first."""
    return [pod for pod in up.topology.pods if pod.deployment.name == deployment]


def add(up: Running, deployment: Deployment, count: int) -> list[Pod]:
    """Start replicas, wait until they are ready, then let them have calls. Raises LocalRunError when one is not."""
    new = begin(up, deployment, count)
    names, ready = {pod.name for pod in new}, pods_ready(new)
    up.proxies.wait_until(up.envoys.ready, READY_SECONDS, lambda _: None)
    up.services.wait_until(lambda name: name not in names or ready(name), READY_SECONDS, lambda _: None)
    admit(up, new)
    return new


def begin(up: Running, deployment: Deployment, count: int) -> list[Pod]:
    """Start replicas, and wait for nothing; `admit` lets them have calls."""
    new: list[Pod] = []
    trust = up.topology.domains.trust
    for _ in range(count):
        new.append(next_pod(deployment, [*up.made, *new], up.configurations.block, trust, up.topology.places))
    programs = programs_of(new, up.places, up.configurations.collector)
    up.made.extend(new)
    for pod, configuration in up.configurations.of(up.topology, new).items():
        if pod in {each.name for each in new}:
            up.envoys.start(pod, configuration)
    up.alive |= {pod.name: pod for pod in new}
    for program in programs:
        up.services.start(program)
    return new


def are_ready(up: Running, pods: Sequence[Pod]) -> bool:
    """Whether these replicas and their sidecars are."""
    ready = pods_ready(pods)
    return all(up.envoys.ready(pod.name) and ready(pod.name) for pod in pods)


def admit(up: Running, pods: Sequence[Pod]) -> None:
    """Let replicas that are ready have calls; returns when every proxy knows them."""
    serve(up, replace(up.topology, pods=(*up.topology.pods, *pods)))


def drain(up: Running, pods: Sequence[Pod]) -> dict[str, int]:
    """End replicas as Kubernetes does; returns when they are gone. Exit codes by name, negative for a signal.

    A sidecar goes when nobody leads calls to it any more, however late the others learn of it.
    """
    for pod in pods:
        up.services.ask_to_end(pod.name)
    leave(up, pods)
    time.sleep(SERVING_SECONDS)
    forget(up, pods)
    codes = {}
    for pod in pods:
        grace = pod.deployment.spec.template.spec.termination_grace_period_seconds
        codes[pod.name] = up.services.await_end(pod.name, GRACE_SECONDS if grace is None else grace)
        up.envoys.settle()
        up.envoys.stop(pod.name, PROXY_STOP_SECONDS)
        del up.alive[pod.name]
    return codes


def kill(up: Running, pod: Pod) -> None:
    """The machine under a replica dies: process and sidecar at once, without a word; the endpoint stays."""
    up.envoys.forget(pod.name)
    up.services.kill(pod.name)
    del up.alive[pod.name]


def leave(up: Running, pods: Iterable[Pod]) -> None:
    """Take replicas out of all endpoints, as the control plane does when it learns of an end; waits for no proxy. Those
    with sessions stay in reach of requests that name them.
    """  # noqa: D205 - two sentences
    gone = {pod.name: pod for pod in pods}
    left = tuple(pod for pod in up.topology.pods if pod.name not in gone)
    ending = [pod for pod in gone.values() if pod.name in up.alive]
    up.topology = replace(up.topology, pods=left, ending=(*up.topology.ending, *ending))
    up.envoys.publish(up.configurations.of(up.topology, up.alive.values()))


def forget(up: Running, pods: Iterable[Pod]) -> None:
    """Take replicas that have ended out of reach altogether."""
    gone = {pod.name for pod in pods}
    up.topology = replace(up.topology, ending=tuple(pod for pod in up.topology.ending if pod.name not in gone))
    up.envoys.publish(up.configurations.of(up.topology, up.alive.values()))


def serve(up: Running, topology: Topology) -> None:
    """Let every proxy know the topology; returns when all do."""
    if faults := dangling(topology):
        raise LocalRunError(*faults)
    configurations = up.configurations.of(checked(topology), up.alive.values())
    up.envoys.update(configurations)
    up.topology = topology


def roll_out(up: Running, stack: Stack) -> None:
    """Change to other objects of the same stack: new replicas, then routes and policies, then the end of the old ones.

    Changed pod templates are replaced one replica at a time, a new one before an old one (`maxSurge: 1`,
    `maxUnavailable: 0`). Raises LocalRunError before anything is changed where the objects do not fit.
    """
    stack = up.issuer.adopted(stack)
    before = {each.name: each for each in up.topology.stack.deployments}
    known = replace(up.topology, stack=replace(stack, deployments=stack.deployments))
    for wanted in stack.deployments:
        if wanted.name not in before:
            add(up, wanted, wanted.spec.replicas)
        elif wanted.spec.template != before[wanted.name].spec.template:
            _replace(up, wanted)
    serve(up, replace(known, pods=up.topology.pods))
    for wanted in stack.deployments:
        scale(up, wanted.name, wanted.spec.replicas)
    for name in before.keys() - {each.name for each in stack.deployments}:
        drain(up, replicas_of(up, name))


def _replace(up: Running, wanted: Deployment) -> None:
    for old in replicas_of(up, wanted.name):
        add(up, wanted, 1)
        drain(up, [old])


def deployment_of(up: Running, name: str) -> Deployment:
    """A Deployment of the stack. Raises LocalRunError for one that is not in it."""
    found = up.topology.stack.deployments
    for each in found:
        if each.name == name:
            return each
    known = ", ".join(sorted(each.name for each in found))
    raise LocalRunError(UNKNOWN_DEPLOYMENT.message(name=name, known=known))
