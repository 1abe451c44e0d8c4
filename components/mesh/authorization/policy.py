"""Who may speak to whom in the mesh: mutual TLS everywhere, nobody by default, then named callers per service.

Arguments in, Istio policies out. Not here: names of identities (mesh/service/addresses.py), how tokens are checked
(tokens.py), what the server itself enforces per tool (environment.py tells it), the management port, which is outside
the mesh (mesh/service/workload.py).
"""

from typing import Final

from meshed_mcp import contract
from meshed_mcp.components.core.manifest import Manifest, manifest, metadata
from meshed_mcp.components.mesh.authorization.enforcement_args import Enforcement
from meshed_mcp.components.mesh.authorization.environment import allowed_principals, service_principals
from meshed_mcp.components.mesh.authorization.tool_policy_args import EVERY_OTHER_TOOL
from meshed_mcp.components.mesh.cluster.args import ROOT_NAMESPACE
from meshed_mcp.components.mesh.service.addresses import metadata_path
from meshed_mcp.components.mesh.service.args import MeshedMCPServiceArgs

SECURITY: Final = "security.istio.io/v1"
"""Source: Istio 1.31 CRDs, storage version of PeerAuthentication and AuthorizationPolicy."""

DEFAULT_DENY: Final = "default-deny"

CALL_METHOD: Final = "tools/call"
METHOD_HEADER: Final = "mcp-method"
NAME_HEADER: Final = "mcp-name"
VERSION_HEADER: Final = "mcp-protocol-version"
REVISION: Final = "2026-07-28"
"""The revision whose servers refuse headers that contradict the body. Source: MCP 2026-07-28, "Server Validation"."""

ENCODED: Final = "=?*"
"""Pattern of an encoded header value, `=?base64?...?=`. Source: MCP 2026-07-28, "Value Encoding"."""


def mutual_tls() -> Manifest:
    """Plain text is refused in the whole mesh. Source: Istio, "Mutual TLS", `default` in the root namespace."""
    return manifest(SECURITY, "PeerAuthentication", metadata("default", ROOT_NAMESPACE), {"mtls": {"mode": "STRICT"}})


def default_deny(namespace: str) -> Manifest:
    """An empty policy matches no request, so nothing in the namespace is reached unless a service allows it.

    Source: Istio, AuthorizationPolicy, example "allow-nothing".
    """
    return manifest(SECURITY, "AuthorizationPolicy", metadata(DEFAULT_DENY, namespace), {})


def allowed_callers(name: str, args: MeshedMCPServiceArgs) -> Manifest:
    """The callers of the service, by identity, on its path and its methods only; no callers = no rule = nobody."""
    return manifest(
        SECURITY,
        "AuthorizationPolicy",
        metadata(name, args.namespace),
        {
            "selector": {"matchLabels": {contract.LABEL_APP: name}},
            "action": "ALLOW",
            **({"rules": rules} if (rules := caller_rules(name, args)) else {}),
        },
    )


def caller_rules(name: str, args: MeshedMCPServiceArgs) -> list[Manifest]:
    """What is let through; the rules are alternatives, so each says all that it takes."""
    everybody = service_principals(args)
    current = [_header(VERSION_HEADER, values=[REVISION])] if mesh_refuses_legacy(args) else []
    operation = {"methods": list(args.methods), "paths": [args.path, f"{args.path}/*"]}
    if not everybody:
        return []
    if not restricted_tools(args):
        rules = [_rule(everybody, operation, *current)]
    else:
        no_call = _header(METHOD_HEADER, notValues=[CALL_METHOD, ENCODED])
        rules = [_rule(everybody, operation, no_call, *current)]
        rules += tool_rules(args, everybody, operation)
    if args.auth is not None:
        rules = [with_token(rule, args.auth.issuer) for rule in rules]
        rules.append(_rule(everybody, {"methods": ["GET", "OPTIONS"], "paths": [metadata_path(name, args)]}))
    return rules


def mesh_refuses_legacy(args: MeshedMCPServiceArgs) -> bool:
    """Whether old revisions end at the sidecar, because the server would not refuse them by itself."""
    return args.enforcement is Enforcement.MESH and args.legacy is contract.Legacy.OFF


def with_token(rule: Manifest, issuer: str) -> Manifest:
    """The rule for requests with a verified token of the issuer; by itself a RequestAuthentication lets others pass.

    Source: Istio API, RequestAuthentication: "A request with no authentication credentials will be accepted".
    """
    sources = [{"source": each["source"] | {"requestPrincipals": [f"{issuer}/*"]}} for each in rule["from"]]
    return rule | {"from": sources}


def restricted_tools(args: MeshedMCPServiceArgs) -> dict[str, list[str]]:
    """Identities that may call a tool, by tool, where these are not simply all callers."""
    return {tool: allowed_principals(rule.allow, args) for tool, rule in args.tools.items() if rule.allow is not None}


def tool_rules(args: MeshedMCPServiceArgs, everybody: list[str], operation: Manifest) -> list[Manifest]:
    """Calls of tools by header, which the server compares with the body: allowed are names, never all but some names.

    That holds for the one revision whose servers compare. Requests of earlier ones have no such headers; they pass as
    requests that are no calls, and the server judges them by their bodies, as it judges all. The rule for tools
    without one leaves encoded names out: behind one, a restricted tool would look like another.
    Source: MCP 2026-07-28, "Standard Request Headers" and "Server Validation".
    """
    restricted = restricted_tools(args)
    others = restricted.pop(EVERY_OTHER_TOOL, everybody)
    is_call = [_header(METHOD_HEADER, values=[CALL_METHOD]), _header(VERSION_HEADER, values=[REVISION])]
    named = [
        _rule(principals, operation, *is_call, _header(NAME_HEADER, values=[tool]))
        for tool, principals in restricted.items()
        if principals
    ]
    unnamed = _header(NAME_HEADER, notValues=[*restricted, ENCODED])
    return [*named, *([_rule(others, operation, *is_call, unnamed)] if others else [])]


def _rule(principals: list[str], operation: Manifest, *conditions: Manifest) -> Manifest:
    when = {"when": list(conditions)} if conditions else {}
    return {"from": [{"source": {"principals": list(principals)}}], "to": [{"operation": dict(operation)}], **when}


def _header(name: str, **values: list[str]) -> Manifest:
    return {"key": f"request.headers[{name}]", **values}
