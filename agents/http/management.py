"""ASGI application of the management port: liveness, readiness, metrics."""

from collections.abc import Callable
from enum import StrEnum
from functools import partial

from prometheus_client import CollectorRegistry, Gauge
from prometheus_client.exposition import choose_encoder
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from meshed_mcp import contract


class Phase(StrEnum):
    """Phase of a process; only READY gets traffic."""

    STARTING = "starting"
    READY = "ready"
    STOPPING = "stopping"


def management_app(
    phase: Callable[[], Phase], registry: CollectorRegistry, keeps_sessions: Callable[[], bool] = lambda: False
) -> Starlette:
    """Return the application: liveness is always 200, readiness 503 unless READY, metrics in the requested format.

    `keeps_sessions`: whether a STOPPING process still serves its sessions. Kubernetes removes a terminating pod from
    the ready endpoints by itself; its readiness then decides whether proxies keep it for its own sessions.
    Source: Kubernetes, EndpointSlice conditions `serving` and `terminating`.
    """
    phases = Gauge(contract.METRIC_PHASE, "Phase of the process: 1 for the current one.", ("phase",), registry=registry)
    for each in Phase:
        phases.labels(each).set_function(partial(lambda one: phase() is one, each))

    async def livez(_: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def readyz(_: Request) -> Response:
        serves = phase() is Phase.READY or (phase() is Phase.STOPPING and keeps_sessions())
        return PlainTextResponse(f"{phase()}\n", status_code=200 if serves else 503)

    async def metrics(request: Request) -> Response:
        encode, content_type = choose_encoder(request.headers.get("accept", ""))
        return Response(encode(registry), headers={"Content-Type": content_type})

    return Starlette(
        routes=[
            Route(contract.LIVENESS_PATH, livez),
            Route(contract.READINESS_PATH, readyz),
            Route(contract.METRICS_PATH, metrics),
        ]
    )
