"""Policy enforcement without the runtime, and by an external authorizer."""

from typing import Any, Final

import pytest

from meshed_mcp import contract
from meshed_mcp.components.core.errors import model_issues
from meshed_mcp.components.mesh.authorization.external import authorizer_providers
from meshed_mcp.components.mesh.cluster.istio_releases import mesh_config
from meshed_mcp.components.mesh.service.args import MeshedMCPServiceArgs, ServiceMeshArgs
from tests.unit.components.mesh.mesh_rendering import mesh_args, render, render_exposed, render_mesh

AUTH: Final[dict[str, Any]] = {
    "issuers": [{"issuer": "https://login.example.com", "jwks_url": "https://login.example.com/keys"}],
}
OPA: Final[dict[str, Any]] = {"service": "opa.policy.svc.cluster.local", "port": 9191}
VERSION: Final = {"key": "request.headers[mcp-protocol-version]", "values": ["2026-07-28"]}


def mesh_lines(**settings: Any) -> list[str]:
    """Issues of a mesh with these settings."""
    return [str(fault) for fault in model_issues(ServiceMeshArgs, {"domain": "mcp.example.com", **settings}, "mesh")]


@pytest.mark.parametrize("value", ["mesh", "process"])
def test_the_former_key_names_the_new_one(value: str) -> None:
    """Requirement CFG-8: its values changed too, so the message names the new key with its value."""
    found = model_issues(MeshedMCPServiceArgs, {"image": "search:1", "enforcement": value}, "mcp-search")
    assert [(issue.code, issue.field) for issue in found] == [("MM0323", "enforcement")]
    assert "set runtime: external in place of enforcement: mesh" in found[0].message


def test_without_the_runtime_the_sidecar_rejects_old_revisions() -> None:
    """Requirement RUN-16: `legacy: off` holds for any server, by the version header."""
    objects = render(callers=["mcp-controller"], runtime="external", legacy="off")
    rules = objects.one("AuthorizationPolicy")["spec"]["rules"]
    assert rules
    assert all(VERSION in rule["when"] for rule in rules)
    (own, *_) = render(callers=["mcp-controller"], legacy="off").one("AuthorizationPolicy")["spec"]["rules"]
    assert "when" not in own


def test_external_authorizer_is_used_per_service_and_fails_closed() -> None:
    """Istio, "External Authorization": the provider mesh-wide, the policy per service."""
    args = mesh_args(external_authorizers={"opa": OPA})
    assert authorizer_providers(args) == [
        {
            "name": "opa",
            "envoyExtAuthzGrpc": {
                "service": "opa.policy.svc.cluster.local",
                "port": 9191,
                "timeout": "0.5s",
                "failOpen": False,
                "statusOnError": "503",
            },
        }
    ]
    assert authorizer_providers(args)[0] in mesh_config(args)["extensionProviders"]
    policy = render(external_authorization="opa").one("AuthorizationPolicy", "mcp-search-external")["spec"]
    assert policy == {
        "selector": {"matchLabels": {"app": "mcp-search"}},
        "action": "CUSTOM",
        "provider": {"name": "opa"},
        "rules": [{}],
    }


def test_protected_resource_metadata_needs_no_external_authorization() -> None:
    """RFC 9728, section 3: clients without a token learn the issuer here."""
    policy = render_exposed(external_authorization="opa", auth=AUTH).one("AuthorizationPolicy", "mcp-search-external")
    paths = ["/.well-known/oauth-protected-resource/mcp-search/mcp", "/.well-known/oauth-protected-resource"]
    assert policy["spec"]["rules"] == [{"to": [{"operation": {"notPaths": paths}}]}]


def test_http_authorizer_gets_declared_headers_and_whole_bodies() -> None:
    """Istio, `envoyExtAuthzHttp`; half a body would let the other half through unchecked."""
    settings = {
        "protocol": "http",
        "timeout_seconds": 2,
        "request_headers": ["authorization", "mcp-name"],
        "upstream_headers": ["x-tenant"],
        "body_bytes": 8192,
    }
    (provider,) = authorizer_providers(mesh_args(external_authorizers={"opa": OPA | settings}))
    assert provider["envoyExtAuthzHttp"] == {
        "service": "opa.policy.svc.cluster.local",
        "port": 9191,
        "timeout": "2s",
        "failOpen": False,
        "statusOnError": "503",
        "includeRequestBodyInCheck": {"maxRequestBytes": 8192, "allowPartialMessage": False},
        "includeRequestHeadersInCheck": ["authorization", "mcp-name"],
        "headersToUpstreamOnAllow": ["x-tenant"],
    }


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        (
            {"external_authorizers": {"opa": {**OPA, "service": "opa.example.com"}}},
            (
                "external_authorizers.opa.service: 'opa.example.com' is not a Service of the "
                "cluster; use its full name, such as 'opa.policy.svc.cluster.local'"
            ),
        ),
        (
            {"external_authorizers": {"opa": {**OPA, "timeout_seconds": 60}}},
            "external_authorizers.opa.timeout_seconds: 60 is above 10.0; set 10.0 or less",
        ),
        (
            {"external_authorizers": {"otlp": OPA}},
            (
                "external_authorizers: 'otlp' is the name of a telemetry provider of the mesh; use "
                "another name, such as 'opa'"
            ),
        ),
        (
            {"external_authorizers": {"my opa": OPA}},
            (
                "external_authorizers: 'my opa' is not a name of a Kubernetes object; use "
                "lower-case letters, digits, '-' and '.'"
            ),
        ),
        (
            {"access": {"viewer": ["system:authenticated"]}},
            (
                "access.viewer: 'system:authenticated' is a group of the cluster itself; use one of "
                "your identity provider, such as 'mcp-operators'"
            ),
        ),
        (
            {"access": {"admin": [" "]}},
            "access.admin: holds an empty name; use groups of your identity provider, such as 'mcp-operators'",
        ),
        ({"access": {"admin": ["a", "a"]}}, "access.admin: 'a' is listed twice; remove one"),
        (
            {"egress": {"a.example.com": [], "a.example.com:8443": []}},
            (
                "egress: 'a.example.com' is listed with two ports, and the egress gateway "
                "distinguishes hosts by name alone; use one port"
            ),
        ),
    ],
)
def test_unenforceable_mesh_policy_is_rejected_with_what_to_set(settings: dict[str, Any], line: str) -> None:
    """Requirement CFG-2: preview rejects it, names the field and says what to set."""
    assert mesh_lines(**settings) == [f"mesh: {line}"]


def test_roles_exist_in_every_namespace_and_are_bound_to_given_groups_only() -> None:
    """Kubernetes, "Using RBAC Authorization"."""
    objects = render_mesh(namespaces=["a", "b"], access={"operator": ["mcp-operators"]})
    roles = [(item["metadata"]["namespace"], item["metadata"]["name"]) for item in objects if item["kind"] == "Role"]
    assert roles == [(namespace, name) for namespace in "ab" for name in ("mcp-viewer", "mcp-operator", "mcp-admin")]
    bindings = [item for item in objects if item["kind"] == "RoleBinding"]
    assert [item["metadata"]["namespace"] for item in bindings] == ["a", "b"]
    assert bindings[0]["roleRef"]["name"] == "mcp-operator"
    assert bindings[0]["subjects"] == [
        {"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": "mcp-operators"}
    ]


def test_no_pod_mounts_a_kubernetes_api_token() -> None:
    """Requirement SEC-6: account and pod may each mount a token; both opt out."""
    objects = render()
    assert objects.one("ServiceAccount")["automountServiceAccountToken"] is False
    spec = objects.one("Deployment")["spec"]["template"]["spec"]
    assert spec["automountServiceAccountToken"] is False
    assert not [volume for volume in spec["volumes"] if "projected" in volume or "secret" in volume]
    assert contract.CONTAINER_NAME in {container["name"] for container in spec["containers"]}
