"""AuthorizationPolicies and PeerAuthentications as Envoy's RBAC and TLS, and the authorized callers."""

from collections.abc import Callable
from typing import Any

import pytest

from meshed_mcp.local.translate.endpoints import callers, endpoint_path
from meshed_mcp.local.translate.envoy.bootstrap import accepts_plaintext
from meshed_mcp.local.translate.envoy.security import policies_for, rbac_filters
from meshed_mcp.local.translate.stack import read_stack
from meshed_mcp.local.translate.topology import Topology
from tests.unit.local import local_objects

LaidOut = Callable[[list[dict[str, Any]]], Topology]
PORT = 8000


def filters(objects: list[dict[str, Any]], app: str = "back") -> list[dict[str, Any]]:
    """RBAC rules of a workload, in the order in which Envoy applies them."""
    policies = policies_for(read_stack(objects).authorization_policies, "mcp-system", {"app": app})
    return [each["typed_config"]["rules"] for each in rbac_filters(policies, PORT)]


def rule(objects: list[dict[str, Any]]) -> dict[str, Any]:
    """The rule of policy `back`."""
    found: dict[str, Any] = local_objects.find(objects, "AuthorizationPolicy", "back")["spec"]["rules"][0]
    return found


def translated(objects: list[dict[str, Any]]) -> dict[str, Any]:
    """The rule of policy `back` in Envoy's RBAC configuration."""
    return dict(filters(objects)[0]["policies"]["ns[mcp-system]-policy[back]-rule[0]"])


def source(objects: list[dict[str, Any]], **fields: list[str]) -> Any:
    """Principals of the rule with another source."""
    rule(objects)["from"] = [{"source": fields}]
    (principals,) = translated(objects)["principals"]
    return principals["and_ids"]["ids"][0]["or_ids"]["ids"][0]["and_ids"]["ids"]


def operation(objects: list[dict[str, Any]], **fields: list[str]) -> Any:
    """Permissions of the rule with another operation."""
    rule(objects)["to"] = [{"operation": fields}]
    return translated(objects)["permissions"][0]["and_rules"]["rules"]


def peer(matcher: dict[str, Any]) -> dict[str, Any]:
    """Envoy's principal of a peer certificate."""
    return {"or_ids": {"ids": [{"authenticated": {"principal_name": matcher}}]}}


def test_an_empty_policy_denies_everything(objects: list[dict[str, Any]]) -> None:
    """Istio AuthorizationPolicy, example "allow-nothing": an ALLOW filter without a policy matches no request."""
    assert filters(objects, app="unheard") == [{"action": "ALLOW", "policies": {}}]


def test_without_any_policy_there_is_no_filter(objects: list[dict[str, Any]]) -> None:
    """Istio, "Implicit enablement": a workload that no policy selects accepts everything."""
    assert filters([each for each in objects if each["kind"] != "AuthorizationPolicy"]) == []


def test_deny_is_evaluated_before_allow(objects: list[dict[str, Any]]) -> None:
    """Istio AuthorizationPolicy, evaluation order."""
    objects.append(
        local_objects.item("security.istio.io/v1", "AuthorizationPolicy", "no", "mcp-system", {"action": "DENY"})
    )
    assert [each["action"] for each in filters(objects)] == ["DENY", "ALLOW"]


def test_a_policy_of_the_root_namespace_applies_everywhere(objects: list[dict[str, Any]]) -> None:
    """Istio AuthorizationPolicy: a policy in the root namespace applies to all namespaces."""
    policy = local_objects.item("security.istio.io/v1", "AuthorizationPolicy", "all", "istio-system", {"rules": [{}]})
    assert "ns[istio-system]-policy[all]-rule[0]" in filters([*objects, policy])[0]["policies"]


def test_a_policy_of_another_namespace_does_not_apply(objects: list[dict[str, Any]]) -> None:
    """Istio AuthorizationPolicy, scope."""
    policy = local_objects.item("security.istio.io/v1", "AuthorizationPolicy", "all", "other", {"rules": [{}]})
    assert filters([*objects, policy]) == filters(objects)


def test_principals_are_compared_as_spiffe_ids(objects: list[dict[str, Any]]) -> None:
    """Istio Source, `principals`: without the prefix spiffe://."""
    assert source(objects, principals=["a/ns/b/sa/c"]) == [peer({"exact": "spiffe://a/ns/b/sa/c"})]


@pytest.mark.parametrize(
    ("pattern", "matcher"),
    [
        ("a/ns/b/*", {"prefix": "spiffe://a/ns/b/"}),
        ("*/sa/c", {"suffix": "/sa/c"}),
        ("*", {"safe_regex": {"regex": ".+"}}),
    ],
)
def test_principal_patterns_match(objects: list[dict[str, Any]], pattern: str, matcher: dict[str, Any]) -> None:
    """Istio AuthorizationPolicy, "Value matching schemes"."""
    assert source(objects, principals=[pattern]) == [peer(matcher)]


def test_namespaces_and_service_accounts_are_parts_of_the_identity(objects: list[dict[str, Any]]) -> None:
    """Istio Source, `namespaces` and `serviceAccounts`; a bare account is of the policy's namespace."""
    assert source(objects, namespaces=["b"], serviceAccounts=["c", "d/e"]) == [
        peer({"contains": "/ns/b/"}),
        {
            "or_ids": {
                "ids": [
                    {"authenticated": {"principal_name": {"suffix": "/ns/mcp-system/sa/c"}}},
                    {"authenticated": {"principal_name": {"suffix": "/ns/d/sa/e"}}},
                ]
            }
        },
    ]


def test_negated_fields_are_negated(objects: list[dict[str, Any]]) -> None:
    """Istio Source and Operation, fields that begin with `not`."""
    assert source(objects, notNamespaces=["b"]) == [{"not_id": peer({"contains": "/ns/b/"})}]
    header = {"header": {"name": ":method", "string_match": {"exact": "DELETE"}}}
    assert operation(objects, notMethods=["DELETE"]) == [{"not_rule": {"or_rules": {"rules": [header]}}}]


def test_methods_and_paths_must_both_hold(objects: list[dict[str, Any]]) -> None:
    """Istio Operation: lists are alternatives, fields are conjunctions; the query is not part of the path."""
    assert operation(objects, methods=["GET"], paths=["/mcp", "/mcp/*"]) == [
        {"or_rules": {"rules": [{"header": {"name": ":method", "string_match": {"exact": "GET"}}}]}},
        {
            "or_rules": {
                "rules": [{"url_path": {"path": {"exact": "/mcp"}}}, {"url_path": {"path": {"prefix": "/mcp/"}}}]
            }
        },
    ]


def test_ports_mean_the_applications_port(objects: list[dict[str, Any]]) -> None:
    """Istio Operation, `ports`: the sidecar's own listening port is never meant."""
    never = {"not_rule": {"any": True}}
    assert operation(objects, ports=["8000"]) == [{"or_rules": {"rules": [{"any": True}]}}]
    assert operation(objects, ports=["15006"]) == [{"or_rules": {"rules": [never]}}]


def test_conditions_on_headers_are_translated(objects: list[dict[str, Any]]) -> None:
    """Istio Condition, key request.headers[NAME]; `*` means presence."""
    rule(objects)["when"] = [{"key": "request.headers[mcp-name]", "values": ["search", "*"], "notValues": ["drop*"]}]
    (principals,) = translated(objects)["principals"]
    assert principals["and_ids"]["ids"][1]["and_ids"]["ids"] == [
        {
            "or_ids": {
                "ids": [
                    {"header": {"name": "mcp-name", "string_match": {"exact": "search"}}},
                    {"header": {"name": "mcp-name", "present_match": True}},
                ]
            }
        },
        {"not_id": {"or_ids": {"ids": [{"header": {"name": "mcp-name", "string_match": {"prefix": "drop"}}}]}}},
    ]


def test_a_rule_without_source_and_operation_matches_everything(objects: list[dict[str, Any]]) -> None:
    """Istio Rule: an empty rule always matches."""
    local_objects.find(objects, "AuthorizationPolicy", "back")["spec"]["rules"] = [{}]
    assert translated(objects) == {"permissions": [{"any": True}], "principals": [{"any": True}]}


@pytest.mark.parametrize(
    ("more", "plaintext"),
    [
        ([], False),
        ([("default", "mcp-system", {"mtls": {"mode": "PERMISSIVE"}})], True),
        (
            [
                ("default", "mcp-system", {"mtls": {"mode": "PERMISSIVE"}}),
                ("back", "mcp-system", {"selector": {"matchLabels": {"app": "back"}}, "mtls": {"mode": "STRICT"}}),
            ],
            False,
        ),
        ([("other", "other", {"mtls": {"mode": "PERMISSIVE"}})], False),
    ],
)
def test_the_narrowest_peer_authentication_decides(
    objects: list[dict[str, Any]], laid_out: LaidOut, more: list[tuple[str, str, dict[str, Any]]], plaintext: bool
) -> None:
    """Istio PeerAuthentication: workload before namespace before mesh."""
    for name, namespace, spec in more:
        objects.append(local_objects.item("security.istio.io/v1", "PeerAuthentication", name, namespace, spec))
    laid = laid_out(objects)
    (pod,) = [each for each in laid.pods if each.name == "back-0"]
    assert accepts_plaintext(laid, pod) is plaintext


def test_plaintext_is_accepted_without_a_peer_authentication(objects: list[dict[str, Any]], laid_out: LaidOut) -> None:
    """Istio PeerAuthentication: PERMISSIVE by default."""
    laid = laid_out([each for each in objects if each["kind"] != "PeerAuthentication"])
    assert all(accepts_plaintext(laid, pod) for pod in laid.pods)


def names_of_callers(laid: Topology, name: str) -> tuple[list[str], list[str]]:
    """Names of one pod per allowed and per unauthorized identity."""
    (service,) = [each for each in laid.stack.services if each.name == name]
    allowed, unauthorized = (callers(laid, service, allowed=each) for each in (True, False))
    return [each.name for each in allowed], [each.name for each in unauthorized]


def test_callers_are_those_that_a_rule_names(objects: list[dict[str, Any]], laid_out: LaidOut) -> None:
    """Requirement LOC-5: the report measures one allowed caller and each rejected one."""
    laid = laid_out(objects)
    assert names_of_callers(laid, "back") == (["front-0"], [])
    assert names_of_callers(laid, "front") == ([], ["back-0"])


@pytest.mark.parametrize(
    ("fields", "allowed"),
    [
        ({"principals": ["*/sa/back"]}, True),
        ({"namespaces": ["mcp-system"]}, True),
        ({"serviceAccounts": ["back"]}, True),
        ({"namespaces": ["mcp-system"], "notPrincipals": ["*/sa/back"]}, False),
        ({"notNamespaces": ["mcp-system"]}, False),
    ],
)
def test_callers_are_matched_by_pattern(
    objects: list[dict[str, Any]], laid_out: LaidOut, fields: dict[str, list[str]], allowed: bool
) -> None:
    """Istio Source, every field that this run translates."""
    local_objects.find(objects, "AuthorizationPolicy", "front")["spec"]["rules"] = [{"from": [{"source": fields}]}]
    assert names_of_callers(laid_out(objects), "front") == ((["back-0"], []) if allowed else ([], ["back-0"]))


def test_a_deny_policy_removes_a_caller(objects: list[dict[str, Any]], laid_out: LaidOut) -> None:
    """Istio AuthorizationPolicy: DENY wins over ALLOW."""
    rules = [{"from": [{"source": {"principals": [local_objects.FRONT_PRINCIPAL]}}]}]
    spec = {"action": "DENY", "rules": rules}
    objects.append(local_objects.item("security.istio.io/v1", "AuthorizationPolicy", "no", "mcp-system", spec))
    assert names_of_callers(laid_out(objects), "back") == ([], ["front-0"])


def test_the_endpoint_is_the_path_that_the_policy_allows(objects: list[dict[str, Any]], laid_out: LaidOut) -> None:
    """Requirement LOC-1: a service's path is read from the rendered objects."""
    rule(objects)["to"] = [{"operation": {"paths": ["/tools/mcp", "/tools/mcp/*"]}}]
    laid = laid_out(objects)
    assert {each.name: endpoint_path(laid, each) for each in laid.stack.services} == {
        "front": "/mcp",
        "back": "/tools/mcp",
    }
