"""Token and authorization filters of Envoy from RequestAuthentications and AuthorizationPolicies. Pure.

DENY policies come first, then default deny if an ALLOW policy exists. Keys are inline (process/token_issuer.py).
Source: Istio, "Authorization Policy", implicit enablement and evaluation order; istiod 1.31, `JwtFilter`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from meshed_mcp.local.translate.envoy.api import Message, extension
from meshed_mcp.local.translate.objects.policies import (
    CLAIM_KEY,
    HEADER_KEY,
    AuthorizationPolicy,
    Condition,
    JWTRule,
    Operation,
    PeerAuthentication,
    RequestAuthentication,
    Rule,
    Source,
    Telemetry,
)

ROOT_NAMESPACE: Final = "istio-system"
"""Its policies apply to every namespace. Source: Istio MeshConfig, default of `rootNamespace`."""

ANY: Final[Message] = {"any": True}

JWT_FILTER: Final = "envoy.filters.http.jwt_authn"
PAYLOAD: Final = "payload"
"""Metadata key of the claims. Source: istiod, `payloadInMetadata`."""


@dataclass(frozen=True)
class _Logic:
    """Conjunction, disjunction and negation of principals or permissions; an empty list is no condition."""

    conjunction: str
    disjunction: str
    members: str
    negation: str

    def every(self, parts: Iterable[Message | None]) -> Message:
        given = [part for part in parts if part is not None]
        return {self.conjunction: {self.members: given}} if given else ANY

    def one_of(self, parts: Sequence[Message]) -> Message | None:
        return {self.disjunction: {self.members: list(parts)}} if parts else None

    def none_of(self, parts: Sequence[Message]) -> Message | None:
        return {self.negation: {self.disjunction: {self.members: list(parts)}}} if parts else None


PRINCIPAL: Final = _Logic("and_ids", "or_ids", "ids", "not_id")
PERMISSION: Final = _Logic("and_rules", "or_rules", "rules", "not_rule")
"""Source: Envoy, config.rbac.v3.Principal and config.rbac.v3.Permission."""


S = TypeVar("S", AuthorizationPolicy, PeerAuthentication, RequestAuthentication, Telemetry)
"""An object that selects workloads."""


def policies_for(policies: Iterable[S], namespace: str, labels: dict[str, str]) -> list[S]:
    """Policies that apply to a workload."""
    scopes = (namespace, ROOT_NAMESPACE)
    return [each for each in policies if each.namespace in scopes and each.spec.selector.selects(labels)]


def most_specific(policies: Iterable[S], namespace: str, labels: dict[str, str]) -> S | None:
    """The policy that decides for a workload: with a selector, then of its namespace, then of the root namespace."""
    return max(
        policies_for(policies, namespace, labels),
        key=lambda each: (bool(each.spec.selector.match_labels), each.namespace == namespace),
        default=None,
    )


def rbac_filters(policies: Sequence[AuthorizationPolicy], port: int) -> list[Message]:
    """The filters of a workload that listens on `port`; none without a policy."""
    actions = {action: [each for each in policies if each.spec.action == action] for action in ("DENY", "ALLOW")}
    return [_filter(action, chosen, port) for action, chosen in actions.items() if chosen]


def _filter(action: str, policies: Iterable[AuthorizationPolicy], port: int) -> Message:
    named = {
        f"ns[{policy.namespace}]-policy[{policy.name}]-rule[{index}]": _policy(policy, rule, port)
        for policy in policies
        for index, rule in enumerate(policy.spec.rules)
    }
    return extension(
        "envoy.filters.http.rbac",
        "extensions.filters.http.rbac.v3.RBAC",
        rules={"action": action, "policies": named},
        rules_stat_prefix=f"{action.lower()}_",
    )


def _policy(owner: AuthorizationPolicy, rule: Rule, port: int) -> Message:
    sources = [_principal(each.source, owner.namespace) for each in rule.from_]
    conditions = [_condition(each) for each in rule.when]
    return {
        "permissions": [_permission(each.operation, port) for each in rule.to] or [ANY],
        "principals": [PRINCIPAL.every([PRINCIPAL.one_of(sources), *conditions])],
    }


def _principal(source: Source, namespace: str) -> Message:
    accounts = [account_suffix(account, namespace) for account in source.service_accounts]
    return PRINCIPAL.every(
        [
            PRINCIPAL.one_of([_peer(_pattern(each, "spiffe://")) for each in source.principals]),
            PRINCIPAL.none_of([_peer(_pattern(each, "spiffe://")) for each in source.not_principals]),
            PRINCIPAL.one_of([_token(each) for each in source.request_principals]),
            PRINCIPAL.one_of([_peer(_in_namespace(each)) for each in source.namespaces]),
            PRINCIPAL.none_of([_peer(_in_namespace(each)) for each in source.not_namespaces]),
            PRINCIPAL.one_of([_peer({"suffix": account}) for account in accounts]),
        ]
    )


def account_suffix(account: str, namespace: str) -> str:
    """Suffix of the identity of an entry "[namespace/]name" of `serviceAccounts`."""
    owner, _, name = account.rpartition("/")
    return f"/ns/{owner or namespace}/sa/{name}"


def _permission(operation: Operation, port: int) -> Message:
    return PERMISSION.every(
        [
            PERMISSION.one_of([_header(":method", each) for each in operation.methods]),
            PERMISSION.none_of([_header(":method", each) for each in operation.not_methods]),
            PERMISSION.one_of([_url_path(each) for each in operation.paths]),
            PERMISSION.none_of([_url_path(each) for each in operation.not_paths]),
            # The sidecar has another port than the application, so Envoy cannot compare it.
            PERMISSION.one_of([ANY if each == str(port) else {"not_rule": ANY} for each in operation.ports]),
        ]
    )


def _condition(condition: Condition) -> Message:
    if claim := CLAIM_KEY.fullmatch(condition.key):
        names = claim[1].strip("[]").split("][")
        return PRINCIPAL.every(
            [
                PRINCIPAL.one_of([_claim(names, each) for each in condition.values]),
                PRINCIPAL.none_of([_claim(names, each) for each in condition.not_values]),
            ]
        )
    header = HEADER_KEY.sub(r"\1", condition.key)
    return PRINCIPAL.every(
        [
            PRINCIPAL.one_of([_header(header, each) for each in condition.values]),
            PRINCIPAL.none_of([_header(header, each) for each in condition.not_values]),
        ]
    )


def _peer(matcher: Message) -> Message:
    return {"authenticated": {"principal_name": matcher}}


def _token(request_principal: str) -> Message:
    """Issuer and subject of a verified token. Source: istiod 1.31, `requestPrincipalGenerator`."""
    issuer, _, subject = request_principal.rpartition("/")
    return PRINCIPAL.every([_text_claim("iss", issuer), _text_claim("sub", subject)])


def _text_claim(name: str, value: str) -> Message:
    path = [{"key": PAYLOAD}, {"key": name}]
    return {"metadata": {"filter": JWT_FILTER, "path": path, "value": {"string_match": _pattern(value)}}}


def _claim(names: Sequence[str], value: str) -> Message:
    """A claim that is the text, or a list with it. Source: istiod 1.31, `requestClaimGenerator`."""
    path = [{"key": each} for each in (PAYLOAD, *names)]
    text = {"string_match": _pattern(value)}
    either = {"or_match": {"value_matchers": [text, {"list_match": {"one_of": text}}]}}
    return {"metadata": {"filter": JWT_FILTER, "path": path, "value": either}}


def _header(name: str, value: str) -> Message:
    if value == "*":
        return {"header": {"name": name, "present_match": True}}
    return {"header": {"name": name, "string_match": _pattern(value)}}


def _url_path(value: str) -> Message:
    return {"url_path": {"path": _pattern(value)}}


def _in_namespace(namespace: str) -> Message:
    return {"contains": f"/ns/{namespace}/"}


def _pattern(value: str, prefix: str = "") -> Message:
    """Exact, prefix, suffix and presence match. Source: Istio AuthorizationPolicy, "Value matching"."""
    if value == "*":
        return {"safe_regex": {"regex": ".+"}}
    if value.endswith("*"):
        return {"prefix": prefix + value[:-1]}
    if value.startswith("*"):
        return {"suffix": value[1:]}
    return {"exact": prefix + value}


def jwt_filters(found: Sequence[RequestAuthentication]) -> list[Message]:
    """The filter of a workload. It accepts requests without a token and rejects invalid tokens."""
    if not found:
        return []
    rules = [rule for each in found for rule in each.spec.jwt_rules]
    providers = {f"origins-{number}": _provider(rule) for number, rule in enumerate(rules)}
    requires = _requirement(list(providers))
    return [
        extension(
            JWT_FILTER,
            "extensions.filters.http.jwt_authn.v3.JwtAuthentication",
            providers=providers,
            rules=[{"match": {"prefix": "/"}, "requires": requires}],
            bypass_cors_preflight=True,
        )
    ]


def _requirement(providers: Sequence[str]) -> Message:
    """A token of any provider, or none. Source: istiod 1.31, `convertToEnvoyJwtConfig`."""
    valid: list[Message] = [{"provider_name": name} for name in providers]
    optional = [{"requires_any": {"requirements": [each, {"allow_missing": {}}]}} for each in valid]
    if len(optional) == 1:
        return optional[0]
    return {"requires_any": {"requirements": [*valid, {"requires_all": {"requirements": optional}}]}}


def _provider(rule: JWTRule) -> Message:
    return {
        "issuer": rule.issuer,
        "audiences": list(rule.audiences),
        "local_jwks": {"inline_string": rule.jwks},
        "forward": rule.forward_original_token,
        "from_headers": [{"name": each.name, "value_prefix": each.prefix} for each in rule.from_headers],
        "payload_in_metadata": PAYLOAD,
        "normalize_payload_in_metadata": {"space_delimited_claims": ["permission", "scope"]},
        "claim_to_headers": [{"header_name": to.header, "claim_name": to.claim} for to in rule.output_claim_to_headers],
    }
