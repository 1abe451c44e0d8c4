"""Proxy configuration of a real istiod for tokens, an external authorizer and egress gateway hosts.

What proxies then do with real traffic: test_local_tokens.py.
"""

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from meshed_mcp.components.mesh.authorization import tokens
from meshed_mcp.local.process.engines import envoy_program
from tests.engines import identity_mesh, local_stack, stock_bootstrap
from tests.engines import proxy_views as views
from tests.engines.api_server import ApiServer
from tests.engines.istiod import started

JWT: Final = "envoy.filters.http.jwt_authn"
RBAC: Final = "envoy.filters.http.rbac"
EXTERNAL: Final = "envoy.filters.http.ext_authz"
AUTHORIZER_CLUSTER: Final = "outbound|9191||opa.policy.svc.cluster.local"
VAULT: Final = f"vault.{local_stack.NAMESPACE}.svc.cluster.local:8000"


@pytest.fixture(scope="module")
def proxies(
    find_engine: Callable[[str], Path], api_server: ApiServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Any]]:
    """The configuration of every pod's proxy, by pod; the stack leaves the API server afterwards."""
    program, folder = find_engine("pilot-discovery"), tmp_path_factory.mktemp("istiod")
    objects = identity_mesh.objects()
    pods = identity_mesh.pods(objects)
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
    """The last filter of that name; the first of two for policies only chooses what an authorizer is asked."""
    return dict([entry["typedConfig"] for entry in manager["httpFilters"] if entry["name"] == name][-1])


def last(manager: views.Config, name: str) -> int:
    """Where that filter stands."""
    return max(index for index, each in enumerate(views.filter_names(manager)) if each == name)


def test_tokens_are_verified_before_policies_and_only_at_their_service(proxies: dict[str, Any]) -> None:
    """Istio, "Request authentication": policies know principals of tokens that were verified before them."""
    assert inbound(proxies, "vault")
    for manager in inbound(proxies, "vault"):
        assert last(manager, JWT) < last(manager, RBAC)
    assert all(JWT not in views.filter_names(manager) for manager in inbound(proxies, "front"))
    for listener in views.listeners(proxies["gateway"]).values():
        assert all(JWT not in views.filter_names(manager) for manager in views.managers(listener))


def test_a_token_is_verified_with_the_stacks_keys_and_forwarded_with_its_claims(proxies: dict[str, Any]) -> None:
    """Envoy, JwtProvider: keys in the configuration, so no proxy fetches any."""
    found = {each["issuer"]: each for each in typed(inbound(proxies, "vault")[0], JWT)["providers"].values()}
    provider = found[identity_mesh.ISSUER]
    assert "audiences" not in found[identity_mesh.SECOND_ISSUER]
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
    """RFC 9728, section 3; Istio's filter passes requests without a token, so policies must require one."""
    found = typed(inbound(proxies, "vault")[0], RBAC)["rules"]["policies"]
    rules = {name: policy for name, policy in found.items() if "policy[vault]" in name}
    asks = {name: JWT in views.texts(policy["principals"]) for name, policy in rules.items()}
    assert sorted(asks.values()) == [False, True, True]
    (open_rule,) = [rules[name] for name, asking in asks.items() if not asking]
    paths = [text for text in views.texts(open_rule["permissions"]) if text.startswith("/")]
    assert paths == ["/.well-known/oauth-protected-resource/vault/mcp", "/.well-known/oauth-protected-resource"]


def test_an_audience_in_another_claim_is_a_condition_of_its_issuer_alone(proxies: dict[str, Any]) -> None:
    """Istio API, AuthorizationPolicy, `request.auth.claims`: of the rule with the issuer's request principal."""
    found = typed(inbound(proxies, "vault")[0], RBAC)["rules"]["policies"]
    rules = [policy["principals"] for name, policy in found.items() if "policy[vault]" in name]
    second = [rule for rule in rules if identity_mesh.SECOND_ISSUER in views.texts(rule)]
    assert [identity_mesh.CLIENT in views.texts(rule) for rule in second] == [True]
    first = [rule for rule in rules if identity_mesh.ISSUER in views.texts(rule)]
    assert [identity_mesh.CLIENT in views.texts(rule) for rule in first] == [False]


def test_rejections_of_tokens_are_challenges_at_the_service_alone(proxies: dict[str, Any]) -> None:
    """Requirement IDP-4; Envoy, LocalReplyConfig: both EnvoyFilters of the service merge into one list."""
    for manager in inbound(proxies, "vault"):
        mappers = manager["localReplyConfig"]["mappers"]
        assert len(mappers) == 3
        challenged = [each for each in mappers if each.get("statusCode") == 401]
        values = [each["headersToAdd"][0]["header"]["value"] for each in challenged]
        assert len(values) == 2
        assert all("resource_metadata=" in value for value in values)
        assert ['error="invalid_token"' in value for value in values] == [True, False]
    for manager in inbound(proxies, "front"):
        assert len(manager["localReplyConfig"]["mappers"]) == 1


def test_limits_read_the_organization_of_the_tokens_issuer(proxies: dict[str, Any]) -> None:
    """Requirement IDP-3; Envoy, rate limit action `extension`: the expression names each issuer with its claim."""
    limits = typed(inbound(proxies, "vault")[0], "envoy.filters.http.local_ratelimit")["rateLimits"]
    (action,) = [each for limit in limits for each in limit["actions"] if "extension" in each]
    text = action["extension"]["typedConfig"]["text"]
    assert identity_mesh.ISSUER in text
    assert identity_mesh.SECOND_ISSUER in text


@pytest.mark.parametrize(
    ("pod", "table", "host"), [("front", "8000", VAULT), ("gateway", "http.80", f"{local_stack.HOST}:80")]
)
def test_the_challenge_comes_first_for_every_request_without_a_bearer_token(
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


def test_the_authorizer_is_called_first_and_fails_closed(proxies: dict[str, Any]) -> None:
    """Istio 1.31, filter order: before tokens are verified, so it must not trust them; before all other policies.

    Envoy, ext_authz `failure_mode_allow`, unset = deny.
    """
    for manager in inbound(proxies, "vault"):
        assert last(manager, EXTERNAL) < last(manager, JWT) < last(manager, RBAC)
        asked = typed(manager, EXTERNAL)
        assert asked["grpcService"]["envoyGrpc"]["clusterName"] == AUTHORIZER_CLUSTER
        assert asked["grpcService"]["timeout"] == "0.500s"
        assert not asked.get("failureModeAllow", False)
        assert asked["statusOnError"] == {"code": "ServiceUnavailable"}
    assert AUTHORIZER_CLUSTER in views.clusters(proxies["vault"])
    assert all(EXTERNAL not in views.filter_names(manager) for manager in inbound(proxies, "front"))


def test_a_declared_host_is_sent_to_the_egress_gateway_in_a_tunnel_of_its_name(proxies: dict[str, Any]) -> None:
    """Istio, "Egress Gateways": the server name selects the route; the tunnel is mutual TLS under the same name."""
    listener = views.listeners(proxies["front"])["0.0.0.0_443"]
    (chain,) = [each for each in listener["filterChains"] if each["filterChainMatch"].get("serverNames")]
    assert chain["filterChainMatch"]["serverNames"] == [identity_mesh.HOST]
    cluster = chain["filters"][-1]["typedConfig"]["cluster"]
    assert cluster.endswith("|istio-egress.istio-egress.svc.cluster.local")
    tls = views.clusters(proxies["front"])[cluster]["transportSocket"]["typedConfig"]
    assert tls["sni"] == identity_mesh.HOST
    assert tls["commonTlsContext"]["tlsCertificateSdsSecretConfigs"][0]["name"] == "default"
    assert f"outbound|443||{identity_mesh.HOST}" not in {
        text for text in views.texts(chain["filters"]) if text.startswith("outbound")
    }


def test_the_egress_gateway_authorizes_callers_per_host_and_passes_tls_through(proxies: dict[str, Any]) -> None:
    """Requirement NET-1: only services that declare a host reach it; the gateway checks it, too."""
    (listener,) = [
        each for name, each in views.listeners(proxies["egress-gateway"]).items() if name.startswith("0.0.0.0_443")
    ]
    (chain,) = listener["filterChains"]
    assert chain["filterChainMatch"]["serverNames"] == [identity_mesh.HOST]
    assert chain["transportSocket"]["typedConfig"]["requireClientCertificate"] is True
    (policy,) = [each["typedConfig"] for each in chain["filters"] if each["name"] == "envoy.filters.network.rbac"]
    found = set(views.texts(policy["rules"]))
    assert {f"spiffe://cluster.local/ns/{local_stack.NAMESPACE}/sa/front", identity_mesh.HOST} <= found
    assert chain["filters"][-1]["typedConfig"]["cluster"] == f"outbound|443||{identity_mesh.HOST}"
    assert "transportSocket" not in views.clusters(proxies["egress-gateway"])[f"outbound|443||{identity_mesh.HOST}"]


@pytest.mark.parametrize("pod", ["front", "vault", "gateway", "egress-gateway"])
def test_envoy_loads_istiods_configuration_of_policies(proxies: dict[str, Any], pod: str, tmp_path: Path) -> None:
    """Envoy, `--mode validate`: every listener, filter, route and cluster."""
    file = tmp_path / "envoy.json"
    file.write_text(json.dumps(stock_bootstrap.bootstrap(proxies[pod])))
    command = [str(envoy_program()), "--mode", "validate", "--config-path", str(file), "--log-level", "warning"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
