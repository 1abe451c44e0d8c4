"""Every rendered object on a real API server: schemas, CEL rules, immutable fields, no unknown field.

The recording itself is tested in tests/unit/infra; the same objects against the schemas alone in tests/unit.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from meshed_mcp.components.mesh.cluster.args import ServiceMeshArgs
from meshed_mcp.components.mesh.cluster.revisions import revision_tag_webhooks
from meshed_mcp.infra.recording import record
from tests.engines import stack_pods
from tests.engines.api_client import Refusal
from tests.engines.api_server import ApiServer
from tests.engines.waiting import wait_for
from tests.stacks import EXAMPLES, JUDGED
from tests.stacks import STACKS as OWN

PROJECT: Final = Path(__file__).parent.parent.parent

WEBHOOK_SECONDS: Final = 30
"""Longest delay until the API server calls a webhook that was just registered."""


def namespace(name: str) -> dict[str, Any]:
    """A namespace that an object of another chart's or person's making needs."""
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def namespaces_first(objects: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The objects in an order the server can take: namespaces, those of Helm releases included, then the rest."""
    rendered = [item for item in objects if item["kind"] == "Namespace"]
    named = {item["metadata"]["name"] for item in rendered}
    needed = {item["metadata"].get("namespace", "default") for item in objects} - named
    rest = [item for item in objects if item["kind"] != "Namespace"]
    return [*rendered, *map(namespace, sorted(needed)), *rest]


STACKS: Final = {
    **{stack: (PROJECT if stack in OWN else EXAMPLES, stack) for stack in JUDGED},
    "conformance": (PROJECT / "examples" / "conformance", "dev"),
}
"""The repository's stacks, those of examples/stacks, and the example with sessions."""


@pytest.fixture(params=STACKS)
def rendered(request: pytest.FixtureRequest, api_server: ApiServer) -> Iterator[list[dict[str, Any]]]:
    """The objects of a stack, gone afterwards (stacks are for clusters of their own), except the namespaces.

    A namespace would stay "being terminated": to end it takes a controller.
    """
    objects = namespaces_first(record(*STACKS[request.param]).objects)
    yield objects
    for item in objects:
        if item["kind"] != "Namespace":
            api_server.client.delete(item)


def test_every_rendered_object_is_accepted_by_a_real_api_server(
    api_server: ApiServer, rendered: list[dict[str, Any]]
) -> None:
    """Server-side apply with strict field validation (Kubernetes API concepts); an unknown field is an error."""
    refusals = [refusal for item in rendered if (refusal := api_server.client.apply(item))]
    assert not refusals, "\n".join(map(str, refusals))
    assert all(api_server.client.get(item) for item in rendered)


def version(item: dict[str, Any]) -> Any:
    """What tells that the server wrote an object anew; of one whose status only its CRD fills in, the generation: the
    server writes such a status at every apply until a controller owns it.
    """  # noqa: D205 - one sentence
    is_waiting = item["apiVersion"].startswith("gateway.networking.k8s.io/")
    return item["metadata"]["generation" if is_waiting else "resourceVersion"]


def test_a_second_apply_of_the_same_objects_changes_nothing(
    api_server: ApiServer, rendered: list[dict[str, Any]]
) -> None:
    """Requirement CMP-6: the server keeps what is rendered, or every later preview would show a difference."""
    versions = []
    for _ in range(2):
        assert not [refusal for item in rendered if (refusal := api_server.client.apply(item))]
        # Namespaces without labels are the test's, not the stack's.
        kept = [api_server.client.get(item) or {} for item in rendered if "labels" in item["metadata"]]
        versions.append([version(item) for item in kept])
    assert versions[0] == versions[1]


@pytest.mark.parametrize(
    ("api_version", "kind", "spec", "words"),
    [
        pytest.param(
            "networking.istio.io/v1", "DestinationRule",
            {"host": "mcp-rag", "trafficPolicy": {"circuitBreaker": {"maxConnections": 5}}},
            "trafficPolicy.circuitBreaker: field not declared in schema",
            id="a field the kind does not have",
        ),
        pytest.param(
            "security.istio.io/v1", "PeerAuthentication",
            {"portLevelMtls": {"8000": {"mode": "STRICT"}}},
            "portLevelMtls requires selector",
            id="a CEL rule of the kind",
        ),
        pytest.param(
            "networking.istio.io/v1", "DestinationRule",
            {"host": "mcp-rag", "trafficPolicy": {"tls": {"mode": "STRICT"}}},
            'Unsupported value: "STRICT"',
            id="a value outside the enumeration",
        ),
        pytest.param(
            "keda.sh/v1alpha1", "ScaledObject",
            {"scaleTargetRef": {"name": "mcp-rag"}, "triggers": [{"type": "prometheus"}]},
            "triggers[0].metadata: Required value",
            id="a required field left out",
        ),
    ],
)  # fmt: skip
def test_the_api_server_rejects_invalid_objects(
    api_server: ApiServer, api_version: str, kind: str, spec: dict[str, Any], words: str
) -> None:
    """Negative control, in the words of the CRDs of Istio 1.31 and KEDA 2.21: proves that validation is active."""
    metadata = {"name": "refused", "namespace": "default"}
    refusal = api_server.client.apply({"apiVersion": api_version, "kind": kind, "metadata": metadata, "spec": spec})
    assert refusal is not None
    assert words in refusal.message


def test_a_kind_without_a_crd_is_rejected_by_name(api_server: ApiServer) -> None:
    """Negative control: an object whose CRD is missing is reported, not ignored."""
    unknown = {"apiVersion": "example.com/v1", "kind": "Nothing", "metadata": {"name": "refused"}}
    refusal = api_server.client.apply(unknown)
    assert refusal is not None
    assert refusal.message == "no matches for kind Nothing in example.com/v1"


def refused(api_server: ApiServer, pod: dict[str, Any]) -> Refusal | None:
    """The refusal to make a pod; one that was made goes again."""
    refusal = api_server.client.apply(pod)
    if refusal is None:
        api_server.client.delete(pod)
    return refusal


def tag(revision: str) -> list[dict[str, Any]]:
    """The tag `judged` where it stands for a revision, of two that run side by side."""
    mesh = ServiceMeshArgs.model_validate(
        {
            "domain": "mcp.example.com",
            "revision": "1-31-1",
            "canary_revision": {"revision": "1-32-0", "istio_version": "1.32.0"},
            "revision_tags": {"judged": revision},
        }
    )
    return revision_tag_webhooks(mesh)


@pytest.fixture
def lonely(api_server: ApiServer) -> Iterator[dict[str, Any]]:
    """A pod to be made in a namespace that follows the tag `judged`; the tag leaves afterwards."""
    place = namespace("tagged")
    place["metadata"]["labels"] = {"istio.io/rev": "judged"}
    metadata = {"name": "default", "namespace": "tagged"}
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata}
    assert not [refusal for item in (place, account) if (refusal := api_server.client.apply(item))]
    yield stack_pods.gateway_pod("lonely", "default", "tagged", {"app": "lonely"})
    for item in tag("1-31-1"):
        api_server.client.delete(item)


def test_without_its_control_plane_no_pod_is_created_without_a_sidecar(
    api_server: ApiServer, lonely: dict[str, Any]
) -> None:
    """Kubernetes, "Dynamic Admission Control", `failurePolicy: Fail`: a tag selects by namespace."""
    assert not [refusal for item in tag("1-31-1") if (refusal := api_server.client.apply(item))]
    refusal = wait_for(lambda: refused(api_server, lonely), "the webhook known to the API server", WEBHOOK_SECONDS)
    assert 'service "istiod-1-31-1" not found' in str(refusal)


def test_the_revision_tag_moves_new_pods_to_the_new_control_plane_and_back(
    api_server: ApiServer, lonely: dict[str, Any]
) -> None:
    """Istio, "Canary Upgrades": the upgrade and its rollback change one object in place, without a gap."""
    for revision in ("1-31-1", "1-32-0", "1-31-1"):
        assert not [refusal for item in tag(revision) if (refusal := api_server.client.apply(item))]

        def asked(name: str = f'service "istiod-{revision}" not found') -> bool:
            refusal = refused(api_server, lonely)
            return refusal is not None and name in refusal.message

        wait_for(asked, f"pods led to {revision}", WEBHOOK_SECONDS)
