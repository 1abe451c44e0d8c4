"""Objects of a small stack: `front` is exposed and the only caller of `back`, which has two versions."""

from typing import Any

NAMESPACE = "mcp-system"
BACK = "back.mcp-system.svc.cluster.local"
FRONT = "front.mcp-system.svc.cluster.local"
GATEWAY_PRINCIPAL = "cluster.local/ns/istio-ingress/sa/istio-ingress"
FRONT_PRINCIPAL = "cluster.local/ns/mcp-system/sa/front"


def stack_objects() -> list[dict[str, Any]]:
    """All objects."""
    return [
        item("security.istio.io/v1", "PeerAuthentication", "default", "istio-system", {"mtls": {"mode": "STRICT"}}),
        item("security.istio.io/v1", "AuthorizationPolicy", "default-deny", NAMESPACE, {}),
        gateway(),
        *service("front", FRONT, GATEWAY_PRINCIPAL),
        deployment("front", "stable", 1),
        virtual_service("front-ingress", ["mcp.example.com"], ["istio-ingress/mcp"], [ingress_route()]),
        *service("back", BACK, FRONT_PRINCIPAL),
        deployment("back", "stable", 2),
        deployment("back", "canary", 1),
        virtual_service("back", [BACK], ["mesh"], [weighted_route()]),
    ]


def item(api_version: str, kind: str, name: str, namespace: str, spec: dict[str, Any]) -> dict[str, Any]:
    """One object."""
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": name, "namespace": namespace}, "spec": spec}


def gateway() -> dict[str, Any]:
    """Plain HTTP for one host."""
    server = {"port": {"number": 80, "name": "http", "protocol": "HTTP"}, "hosts": ["mcp.example.com"]}
    spec = {"selector": {"istio": "ingress"}, "servers": [server]}
    return item("networking.istio.io/v1", "Gateway", "mcp", "istio-ingress", spec)


def service(name: str, host: str, caller: str) -> list[dict[str, Any]]:
    """ServiceAccount, AuthorizationPolicy, DestinationRule and Service."""
    rule = {
        "from": [{"source": {"principals": [caller]}}],
        "to": [{"operation": {"methods": ["GET", "POST"], "paths": ["/mcp", "/mcp/*"]}}],
    }
    policy = {"selector": {"matchLabels": {"app": name}}, "action": "ALLOW", "rules": [rule]}
    account = item("v1", "ServiceAccount", name, NAMESPACE, {})
    del account["spec"]
    return [
        account,
        item("security.istio.io/v1", "AuthorizationPolicy", name, NAMESPACE, policy),
        item("networking.istio.io/v1", "DestinationRule", name, NAMESPACE, destination_rule(host)),
        item(
            "v1",
            "Service",
            name,
            NAMESPACE,
            {"selector": {"app": name}, "ports": [{"name": "http", "port": 8000, "targetPort": "http"}]},
        ),
    ]


def destination_rule(host: str) -> dict[str, Any]:
    """Policy and subsets as a spec."""
    return {
        "host": host,
        "trafficPolicy": {
            "tls": {"mode": "ISTIO_MUTUAL"},
            "loadBalancer": {"simple": "LEAST_REQUEST"},
            "connectionPool": {
                "tcp": {"maxConnections": 4096, "connectTimeout": "3s", "idleTimeout": "15m"},
                "http": {"http1MaxPendingRequests": 1024, "http2MaxRequests": 2048, "idleTimeout": "900s"},
            },
            "outlierDetection": {
                "consecutive5xxErrors": 5,
                "consecutiveGatewayErrors": 4,
                "interval": "10s",
                "baseEjectionTime": "30s",
                "maxEjectionPercent": 50,
            },
        },
        "subsets": [{"name": each, "labels": {"version": each}} for each in ("stable", "canary")],
    }


def deployment(name: str, version: str, replicas: int) -> dict[str, Any]:
    """Replicas of one version."""
    labels = {"app": name, "version": version}
    container = {
        "name": "server",
        "image": "registry.example.com/server:1",
        "command": ["python", "-m", "server"],
        "ports": [{"name": "http", "containerPort": 8000}, {"name": "http-metrics", "containerPort": 9464}],
        "env": [
            {"name": "MESHED_MCP_DATA_DIR", "value": "/data"},
            {"name": "POD", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
        ],
        "resources": {"requests": {"cpu": "100m"}, "limits": {"memory": "512Mi"}},
        "readinessProbe": {"httpGet": {"path": "/readyz", "port": "http-metrics"}, "periodSeconds": 1},
        "securityContext": {"readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}},
        "volumeMounts": [{"name": "data", "mountPath": "/data"}],
    }
    pod = {
        "serviceAccountName": name,
        "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [container],
        "volumes": [{"name": "data", "emptyDir": {"sizeLimit": "1Gi"}}],
    }
    template = {"metadata": {"labels": labels}, "spec": pod}
    spec = {"replicas": replicas, "selector": {"matchLabels": labels}, "template": template}
    workload = name if version == "stable" else f"{name}-{version}"
    return item("apps/v1", "Deployment", workload, NAMESPACE, spec)


def virtual_service(name: str, hosts: list[str], gateways: list[str], http: list[dict[str, Any]]) -> dict[str, Any]:
    """Routes."""
    spec = {"hosts": hosts, "gateways": gateways, "http": http}
    return item("networking.istio.io/v1", "VirtualService", name, NAMESPACE, spec)


def weighted_route() -> dict[str, Any]:
    """Three quarters to stable, a quarter to canary."""
    return {
        "name": "default",
        "route": [
            {"destination": {"host": BACK, "subset": "stable", "port": {"number": 8000}}, "weight": 75},
            {"destination": {"host": BACK, "subset": "canary", "port": {"number": 8000}}, "weight": 25},
        ],
        "retries": {"attempts": 2, "retryOn": "connect-failure,refused-stream"},
    }


def ingress_route() -> dict[str, Any]:
    """Route of the endpoint under the service's name."""
    return {
        "name": "front-endpoint",
        "match": [{"uri": {"exact": "/front/mcp"}}],
        "rewrite": {"uri": "/mcp"},
        "route": [{"destination": {"host": FRONT, "subset": "stable"}}],
    }


def find(objects: list[dict[str, Any]], kind: str, name: str) -> dict[str, Any]:
    """The one object of that kind and name."""
    (found,) = [each for each in objects if each["kind"] == kind and each["metadata"]["name"] == name]
    return found
