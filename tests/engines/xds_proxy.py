"""xDS client that subscribes as a proxy does, so that istiod generates its configuration.

A pod in, what istiod would send to its proxy out. No traffic flows and no Envoy runs. The messages are few and flat, so
they are written by hand: https://www.envoyproxy.io/docs/envoy/latest/api-docs/xds_protocol, `DiscoveryRequest`.
"""

import json
from collections.abc import Iterator
from queue import SimpleQueue
from typing import Any, Final

import grpc
import httpx
from google.protobuf.struct_pb2 import Struct

from meshed_mcp.components.core.charts import ISTIO_VERSION
from tests.engines.api_client import Object

STREAM: Final = "/envoy.service.discovery.v3.AggregatedDiscoveryService/StreamAggregatedResources"
TYPE: Final = "type.googleapis.com/envoy.config."
CLUSTERS: Final = f"{TYPE}cluster.v3.Cluster"
LISTENERS: Final = f"{TYPE}listener.v3.Listener"
ROUTES: Final = f"{TYPE}route.v3.RouteConfiguration"

STREAM_SECONDS: Final = 60
"""Timeout of one subscription."""

UNLIMITED: Final = (("grpc.max_receive_message_length", -1), ("grpc.enable_http_proxy", 0))


def varint(value: int) -> bytes:
    """A varint."""
    return bytes([value]) if value < 0x80 else bytes([value & 0x7F | 0x80]) + varint(value >> 7)


def field(number: int, content: bytes) -> bytes:
    """A length-delimited field."""
    return varint(number << 3 | 2) + varint(len(content)) + content


def node(kind: str, pod: Object) -> bytes:
    """The node: `sidecar` or `router`, and the pod. Source: Istio, node metadata of its bootstrap."""
    name, namespace = pod["metadata"]["name"], pod["metadata"]["namespace"]
    identity = f"{kind}~{pod['status']['podIP']}~{name}.{namespace}~{namespace}.svc.cluster.local"
    metadata = Struct()
    metadata.update(
        {
            "ISTIO_VERSION": ISTIO_VERSION,
            "CLUSTER_ID": "Kubernetes",
            "INSTANCE_IPS": ",".join(each["ip"] for each in pod["status"]["podIPs"]),
            "NAMESPACE": namespace,
            "LABELS": pod["metadata"]["labels"],
            "SERVICE_ACCOUNT": pod["spec"]["serviceAccountName"],
            "INTERCEPTION_MODE": "REDIRECT",
            **proxy_metadata(pod),
        }
    )
    return field(1, identity.encode()) + field(2, name.encode()) + field(3, metadata.SerializeToString())


def proxy_metadata(pod: Object) -> dict[str, str]:
    """Metadata of the proxy from the pod's `proxy.istio.io/config`. Source: Istio, ProxyConfig `proxyMetadata`."""
    text = pod["metadata"].get("annotations", {}).get("proxy.istio.io/config", "{}")
    given = json.loads(text).get("proxyMetadata", {})
    return {name.removeprefix("ISTIO_META_"): value for name, value in given.items()}


def request(asking: bytes, kind: str, names: list[str]) -> bytes:
    """A subscription to all resources of a type, or to the named ones."""
    return field(2, asking) + b"".join(field(3, name.encode()) for name in names) + field(4, kind.encode())


def configuration(xds: str, debug: httpx.Client, kind: str, pod: Object) -> Any:
    """The configuration dump of istiod's debug endpoint while the proxy is connected.

    Raises grpc.RpcError when istiod refuses the proxy or is silent for too long.
    """
    asking, requests = node(kind, pod), SimpleQueue[bytes | None]()
    with grpc.insecure_channel(xds, options=UNLIMITED) as channel:
        answers = channel.stream_stream(STREAM)(iter(requests.get, None), timeout=STREAM_SECONDS)
        for resources in (CLUSTERS, LISTENERS):
            requests.put(request(asking, resources, []))
            next(answers)
        if names := sorted(set(route_names(dump(debug, pod)))):
            requests.put(request(asking, ROUTES, names))
            next(answers)
        found = dump(debug, pod)
        requests.put(None)
    return found


def refusal(xds: str, pod: Object) -> None:
    """Subscribe to clusters and reject the response (NACK)."""
    asking, requests = node("sidecar", pod), SimpleQueue[bytes | None]()
    with grpc.insecure_channel(xds, options=UNLIMITED) as channel:
        answers = channel.stream_stream(STREAM)(iter(requests.get, None), timeout=STREAM_SECONDS)
        requests.put(request(asking, CLUSTERS, []))
        fault = field(2, b"unknown field")
        requests.put(request(asking, CLUSTERS, []) + field(5, nonce(next(answers))) + field(6, fault))
        requests.put(request(asking, LISTENERS, []))
        next(answers)  # istiod has read the refusal before this
        requests.put(None)


def nonce(answer: bytes) -> bytes:
    """The nonce of a response, field 5. Source: xDS, `DiscoveryResponse`."""
    while answer:
        number, (size, answer) = answer[0] >> 3, number_in(answer[1:])
        if number == 5:
            return answer[:size]
        answer = answer[size:]
    raise ValueError("an answer without a nonce")


def number_in(data: bytes) -> tuple[int, bytes]:
    """The varint at the start of `data`, and the rest. Source: Protocol Buffers, "Base 128 Varints"."""
    value = 0
    for place, byte in enumerate(data):
        value |= (byte & 0x7F) << 7 * place
        if byte < 0x80:
            return value, data[place + 1 :]
    raise ValueError("a number without an end")


def dump(debug: httpx.Client, pod: Object) -> Any:
    """Read the debug endpoint of one connected proxy."""
    proxy = f"{pod['metadata']['name']}.{pod['metadata']['namespace']}"
    answer = debug.get("/debug/config_dump", params={"proxyID": proxy})
    answer.raise_for_status()
    return answer.json()


def route_names(value: Any) -> Iterator[str]:
    """Names of the route configurations that listeners in `value` refer to."""
    if isinstance(value, dict):
        if "routeConfigName" in value.get("rds", {}):
            yield value["rds"]["routeConfigName"]
        for part in value.values():
            yield from route_names(part)
    elif isinstance(value, list):
        for part in value:
            yield from route_names(part)
