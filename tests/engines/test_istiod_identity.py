"""What a real istiod makes of tokens, an external authorizer and hosts behind the egress gateway.

What proxies then do with real traffic: test_local_tokens.py.
"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import identity_mesh
import judged_mesh
import local_stack
import proxy_views as views
import pytest
from api_server import ApiServer
from istiod import started

from meshed_mcp.components.mesh import tokens

JWT: Final = "envoy.filters.http.jwt_authn"
RBAC: Final = "envoy.filters.http.rbac"
VAULT: Final = f"vault.{local_stack.NAMESPACE}.svc.cluster.local:8000"


@pytest.fixture(scope="module")
def proxies(
    find_engine: Callable[[str], Path], api_server: ApiServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Any]]:
    """The configuration of every pod's proxy, by pod; the stack leaves the API server afterwards."""
    program, folder = find_engine("pilot-discovery"), tmp_path_factory.mktemp("istiod")
    objects = identity_mesh.objects()
    pods = judged_mesh.pods(objects)
    try:
        for item in sorted([*objects, *pods.values()], key=lambda item: item["kind"] != "Namespace"):
            assert api_server.client.apply(item) is None
        for pod in pods.values():
            assert api_server.client.merge(f"{api_server.client.path(pod)}/status", {"status": pod["status"]})
        with started(program, api_server, identity_mesh.mesh_config(), folder) as istiod:
            yield {
                name: istiod.gateway(pod) if "gateway" in name else istiod.sidecar(pod) for name, pod in pods.items()
            }
    finally:
        for item in [*pods.values(), *objects]:
            if item["kind"] != "Namespace":
                api_server.client.delete(item)


def inbound(proxies: dict[str, Any], pod: str) -> list[views.Config]:
    """What the sidecar of `pod` does with HTTP that arrives, by port and for all other ports."""
    return list(views.managers(views.listeners(proxies[pod])["virtualInbound"]))


def typed(manager: views.Config, name: str) -> views.Config:
    """The one filter of that name."""
    (found,) = [entry["typedConfig"] for entry in manager["httpFilters"] if entry["name"] == name]
    return dict(found)


def test_tokens_are_judged_before_policies_and_at_no_other_service(proxies: dict[str, Any]) -> None:
    """Istio, "Request authentication": policies know principals of tokens that were verified before them."""
    assert inbound(proxies, "vault")
    for manager in inbound(proxies, "vault"):
        names = views.filter_names(manager)
        assert names.index(JWT) < names.index(RBAC)
    assert all(JWT not in views.filter_names(manager) for manager in inbound(proxies, "front"))
    for listener in views.listeners(proxies["gateway"]).values():
        assert all(JWT not in views.filter_names(manager) for manager in views.managers(listener))


def test_a_token_is_verified_with_the_stacks_keys_and_handed_on_with_its_claims(proxies: dict[str, Any]) -> None:
    """Envoy, JwtProvider: keys in the configuration, so no proxy fetches any."""
    (provider,) = typed(inbound(proxies, "vault")[0], JWT)["providers"].values()
    resource = f"https://{local_stack.HOST}/vault/mcp"
    assert (provider["issuer"], provider["audiences"]) == (identity_mesh.ISSUER, [resource, f"{resource}/"])
    assert json.loads(provider["localJwks"]["inlineString"]) == identity_mesh.JWKS
    assert provider["fromHeaders"] == [{"name": "authorization", "valuePrefix": "Bearer "}]
    assert "fromParams" not in provider
    assert provider["forward"] is True
    assert provider["claimToHeaders"] == [
        {"headerName": "x-organization-id", "claimName": "org"},
        {"headerName": "x-plan", "claimName": "plan.name"},
    ]


def test_only_the_metadata_is_open_without_a_token(proxies: dict[str, Any]) -> None:
    """RFC 9728, section 3; Istio lets requests without a token through the filter, so policies must ask for one."""
    found = typed(inbound(proxies, "vault")[0], RBAC)["rules"]["policies"]
    rules = {name: policy for name, policy in found.items() if "policy[vault]" in name}
    asks = {name: JWT in views.texts(policy["principals"]) for name, policy in rules.items()}
    assert sorted(asks.values()) == [False, True]
    (open_rule,) = [rules[name] for name, asking in asks.items() if not asking]
    paths = [text for text in views.texts(open_rule["permissions"]) if text.startswith("/")]
    assert paths == ["/.well-known/oauth-protected-resource/vault/mcp"]


@pytest.mark.parametrize(
    ("pod", "table", "host"), [("front", "8000", VAULT), ("gateway", "http.80", f"{local_stack.HOST}:80")]
)
def test_the_challenge_comes_first_and_for_every_request_without_a_bearer_token(
    proxies: dict[str, Any], pod: str, table: str, host: str
) -> None:
    """Envoy, HeaderMatcher: inverted, a header that is missing must count as an empty one."""
    routes = [each for each in views.routes(proxies[pod], table)[host] if "/front/" not in str(each["match"])]
    challenges = [each for each in routes if "directResponse" in each]
    assert len(challenges) == 2
    assert [each for each in routes if each["name"].startswith("vault") or pod == "front"][:2] == challenges
    for each in challenges:
        (header,) = each["match"]["headers"]
        assert (header["name"], header["stringMatch"]) == ("authorization", {"prefix": "Bearer "})
        assert (header["invertMatch"], header["treatMissingHeaderAsEmpty"]) == (True, True)
        assert each["directResponse"] == {"status": 401, "body": {"inlineString": tokens.CHALLENGE_TEXT}}
        (added,) = each["responseHeadersToAdd"]
        assert added["header"]["key"] == "www-authenticate"
        assert "resource_metadata=" in added["header"]["value"]


def test_forged_claims_are_removed_before_the_service_is_reached(proxies: dict[str, Any]) -> None:
    """Envoy, `request_headers_to_remove`, on each route that leads to the service."""
    leading = [
        each
        for pod, table in (("front", "8000"), ("gateway", "http.80"))
        for routes in views.routes(proxies[pod], table).values()
        for each in routes
        if VAULT.partition(":")[0] in str(each.get("route"))
    ]
    assert leading
    assert {tuple(each["requestHeadersToRemove"]) for each in leading} == {("x-organization-id", "x-plan")}
