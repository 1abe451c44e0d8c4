"""Labels and annotations of a stack: syntax, owned keys, and their place on objects."""

from typing import Any

import pytest
from pydantic import ValidationError

from meshed_mcp.components.core.object_metadata import ObjectDefaults, with_defaults

DEFAULTS = ObjectDefaults(labels={"team": "tools"}, annotations={"a.example/b": "c"}, image_pull_secrets=["pull"])


def template(**meta: Any) -> dict[str, Any]:
    """A pod template."""
    return {"metadata": meta, "spec": {"containers": []}}


def test_an_object_without_pods_gets_labels_and_annotations() -> None:
    """Requirement POD-3: every object."""
    item = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "labels": {"team": "own"}}}
    found = with_defaults(item, DEFAULTS)
    assert found["metadata"] == {"name": "a", "labels": {"team": "own"}, "annotations": {"a.example/b": "c"}}
    assert item["metadata"] == {"name": "a", "labels": {"team": "own"}}


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob", "PodTemplate"])
def test_pod_templates_of_every_kind_get_the_defaults(kind: str) -> None:
    """Kubernetes API: where each kind has its pod template."""
    inner = template(labels={"app": "a"})
    fields: dict[str, Any] = {"spec": {"template": inner}}
    if kind == "CronJob":
        fields = {"spec": {"jobTemplate": {"spec": {"template": inner}}}}
    if kind == "PodTemplate":
        fields = {"template": inner}
    text = str(with_defaults({"apiVersion": "v1", "kind": kind, "metadata": {"name": "a"}, **fields}, DEFAULTS))
    assert text.count("'team': 'tools'") == 2
    assert "'imagePullSecrets': [{'name': 'pull'}]" in text


def test_no_defaults_change_nothing() -> None:
    """Requirement CMP-6: a stack without the keys renders as before."""
    item = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a"}}
    assert with_defaults(item, ObjectDefaults()) is item


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        ({"app": "x"}, "'app' is set by the platform"),
        ({"istio.io/rev": "x"}, "'istio.io/rev' is set by the platform"),
        ({"a b": "x"}, "'a b' is not a key"),
        ({"a/b/c": "x"}, "'a/b/c' is not a key"),
        ({"team": "a b"}, "team: 'a b' is not a value of a label"),
        ({"team": "x" * 64}, "is not a value of a label"),
    ],
)
def test_labels_follow_the_syntax_of_kubernetes_and_leave_selectors_alone(labels: dict[str, str], words: str) -> None:
    """Kubernetes, "Labels and Selectors", syntax and character set."""
    with pytest.raises(ValidationError, match="1 validation error") as raised:
        ObjectDefaults(labels=labels)
    assert words in str(raised.value)


def test_usual_keys_are_accepted() -> None:
    """Kubernetes, "Recommended Labels": keys that the platform does not set."""
    labels = {"app.kubernetes.io/component": "search", "cost-center": "42", "example.com/Team_1": ""}
    assert ObjectDefaults(labels=labels).labels == labels
