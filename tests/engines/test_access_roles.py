"""RBAC roles of a services namespace, verified on a real API server."""

from collections.abc import Iterator
from typing import Final

import pytest

from meshed_mcp.components.mesh.authorization.kubernetes_roles import role_manifests
from tests.engines import identity_mesh
from tests.engines.api_client import Object
from tests.engines.api_server import ApiServer
from tests.engines.local_stack import NAMESPACE

GROUPS: Final = {"viewer": "mcp-readers", "operator": "mcp-operators", "admin": "mcp-admins", "no role": "others"}
OBJECT: Final[Object] = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"name": "role-probe", "namespace": NAMESPACE},
    "data": {"a": "1"},
}
SECRET: Final[Object] = {
    "apiVersion": "v1",
    "kind": "Secret",
    "metadata": {"name": "role-probe", "namespace": NAMESPACE},
    "stringData": {"password": "x"},
}


@pytest.fixture(scope="module")
def server(api_server: ApiServer) -> Iterator[ApiServer]:
    """The API server with the roles, a configuration and a Secret."""
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}
    objects = [namespace, *role_manifests(identity_mesh.MESH), OBJECT, SECRET]
    for item in objects:
        assert api_server.client.apply(item) is None
    yield api_server
    for item in objects[1:]:
        api_server.client.delete(item)


def may(server: ApiServer, who: str, verb: str, what: str, group: str = "", namespace: str = NAMESPACE) -> bool:
    """Decision of the API server. Source: Kubernetes, SubjectAccessReview."""
    resource, _, subresource = what.partition("/")
    attributes = {
        "namespace": namespace, "verb": verb, "group": group, "resource": resource, "subresource": subresource,
    }  # fmt: skip
    spec = {"user": "ada", "groups": [GROUPS[who]], "resourceAttributes": attributes}
    review = {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": spec}
    answer = server.client.http.post("/apis/authorization.k8s.io/v1/subjectaccessreviews", json=review)
    answer.raise_for_status()
    return bool(answer.json()["status"]["allowed"])


ISTIO: Final = "networking.istio.io"
SECURITY: Final = "security.istio.io"
RBAC: Final = "rbac.authorization.k8s.io"


@pytest.mark.parametrize(
    ("verb", "what", "group", "allowed"),
    [
        ("list", "pods", "", {"viewer", "operator", "admin"}),
        ("get", "pods/log", "", {"viewer", "operator", "admin"}),
        ("watch", "deployments", "apps", {"viewer", "operator", "admin"}),
        ("get", "virtualservices", ISTIO, {"viewer", "operator", "admin"}),
        ("list", "authorizationpolicies", SECURITY, {"viewer", "operator", "admin"}),
        ("get", "scaledobjects", "keda.sh", {"viewer", "operator", "admin"}),
        ("delete", "pods", "", {"operator", "admin"}),
        ("create", "pods/eviction", "", {"operator", "admin"}),
        ("patch", "deployments/scale", "apps", {"operator", "admin"}),
        ("patch", "virtualservices", ISTIO, {"operator", "admin"}),
        ("patch", "scaledobjects", "keda.sh", {"operator", "admin"}),
        ("patch", "deployments", "apps", {"admin"}),
        ("create", "virtualservices", ISTIO, {"admin"}),
        ("patch", "envoyfilters", ISTIO, {"admin"}),
        ("patch", "authorizationpolicies", SECURITY, {"admin"}),
        ("delete", "requestauthentications", SECURITY, {"admin"}),
        ("get", "secrets", "", {"admin"}),
        ("list", "secrets", "", {"admin"}),
        ("create", "pods/exec", "", {"admin"}),
        ("create", "serviceaccounts/token", "", set()),
        ("impersonate", "serviceaccounts", "", set()),
        ("create", "rolebindings", RBAC, set()),
        ("update", "roles", RBAC, set()),
        ("escalate", "roles", RBAC, set()),
        ("bind", "roles", RBAC, set()),
    ],
)
def test_each_role_has_exactly_its_permissions(
    server: ApiServer, verb: str, what: str, group: str, allowed: set[str]
) -> None:
    """Requirement SEC-13: viewers read, operators run, admins change; no role grants rights to others."""
    assert {who for who in GROUPS if may(server, who, verb, what, group)} == allowed


@pytest.mark.parametrize("namespace", ["kube-system", "istio-system", "default"])
@pytest.mark.parametrize("who", ["viewer", "operator", "admin"])
def test_no_role_applies_beyond_the_namespace_of_the_services(server: ApiServer, who: str, namespace: str) -> None:
    """Kubernetes, "Using RBAC Authorization": a Role applies to its namespace."""
    assert not may(server, who, "list", "pods", namespace=namespace)
    assert not may(server, who, "get", "secrets", namespace=namespace)


@pytest.mark.parametrize(
    ("who", "expected"),
    [
        ("viewer", (200, 403, 403)),
        ("operator", (200, 403, 403)),
        ("admin", (200, 200, 200)),
        ("no role", (403, 403, 403)),
    ],
)
def test_the_api_server_allows_roles_their_actions(server: ApiServer, who: str, expected: tuple[int, int, int]) -> None:
    """Kubernetes, "User impersonation": requests in the name of a member, to read, to write, and for a Secret."""
    client = server.client
    name = {"Impersonate-User": "ada", "Impersonate-Group": GROUPS[who]}
    content = {"Content-Type": "application/merge-patch+json"}
    read = client.http.get(client.path(OBJECT), headers=name)
    write = client.http.patch(client.path(OBJECT), headers=name | content, content='{"data": {"a": "2"}}')
    secret = client.http.get(client.path(SECRET), headers=name)
    assert (read.status_code, write.status_code, secret.status_code) == expected
