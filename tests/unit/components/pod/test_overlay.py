"""Strategic merge of overlays, compared with the rules of Kubernetes."""

from typing import Any

import pytest

from meshed_mcp.components.pod.overlay import with_overlay

BASE: dict[str, Any] = {
    "serviceAccountName": "mcp-a",
    "securityContext": {"runAsNonRoot": True},
    "topologySpreadConstraints": [{"topologyKey": "zone", "maxSkew": 1}, {"topologyKey": "host", "maxSkew": 1}],
    "volumes": [{"name": "data", "emptyDir": {"sizeLimit": "1Gi"}}],
    "containers": [
        {
            "name": "server",
            "image": "a:1",
            "command": ["serve"],
            "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}],
            "ports": [{"containerPort": 8000, "name": "http-mcp"}],
            "volumeMounts": [{"name": "data", "mountPath": "/data"}],
        }
    ],
}


def server(patch: dict[str, Any]) -> Any:
    """The container `server` after a patch of it."""
    return with_overlay(BASE, {"containers": [{"name": "server", **patch}]})["containers"][0]


def test_an_empty_overlay_changes_nothing() -> None:
    """Requirement CMP-8: what a stack does not ask for is not rendered."""
    assert with_overlay(BASE, {}) is BASE


@pytest.mark.parametrize(
    ("field", "patch", "wanted"),
    [
        ("env", [{"name": "A", "value": "3"}], [{"name": "A", "value": "3"}, {"name": "B", "value": "2"}]),
        (
            "ports",
            [{"containerPort": 9, "name": "x"}],
            [*BASE["containers"][0]["ports"], {"containerPort": 9, "name": "x"}],
        ),
        (
            "volumeMounts",
            [{"mountPath": "/data", "readOnly": True}],
            [{"name": "data", "mountPath": "/data", "readOnly": True}],
        ),
        ("command", ["other"], ["other"]),
    ],
    ids=["env by name", "ports by containerPort", "mounts by mountPath", "a list without a key"],
)
def test_lists_of_a_container_merge_by_their_keys(field: str, patch: Any, wanted: Any) -> None:
    """Kubernetes API, Container: `patchMergeKey` of `env`, `ports` and `volumeMounts`; other lists are replaced."""
    assert server({field: patch})[field] == wanted


def test_containers_and_volumes_merge_by_name() -> None:
    """Kubernetes, "Update API Objects in Place Using kubectl patch", strategic merge patch."""
    sidecar = {"name": "sync", "image": "sync:1"}
    volume = {"name": "cache", "emptyDir": {}}
    found = with_overlay(BASE, {"containers": [sidecar], "volumes": [volume]})
    assert found["containers"] == [*BASE["containers"], sidecar]
    assert found["volumes"] == [*BASE["volumes"], volume]


def test_mappings_merge_and_null_removes() -> None:
    """RFC 7396, section 2, as in strategic merge patches: null removes a field."""
    found = with_overlay(BASE, {"securityContext": {"sysctls": []}, "topologySpreadConstraints": None})
    assert found["securityContext"] == {"runAsNonRoot": True, "sysctls": []}
    assert "topologySpreadConstraints" not in found


def test_the_base_is_not_changed() -> None:
    """Requirement CMP-4: equal input gives equal objects, so a pure function changes none of it."""
    server({"env": [{"name": "A", "value": "3"}]})
    assert BASE["containers"][0]["env"][0]["value"] == "1"


def test_nulls_of_new_items_are_left_out() -> None:
    """RFC 7396, section 2: a null in a patch never becomes a value."""
    sidecar = {"name": "sync", "image": "sync:1", "env": None, "resources": {"limits": None}}
    found = with_overlay(BASE, {"containers": [sidecar], "dnsConfig": {"options": None}})
    assert found["containers"][1] == {"name": "sync", "image": "sync:1", "resources": {}}
    assert found["dnsConfig"] == {}
