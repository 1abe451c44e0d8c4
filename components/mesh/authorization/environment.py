"""What the runtime is told about callers: whose word counts, who may call which tool, whose tokens are accepted.

A service's name and arguments in, environment variables out. Not here: what the mesh enforces by itself (policy.py).
"""

import json

from meshed_mcp import contract
from meshed_mcp.components.mesh.authorization.tool_policy_args import INGRESS, ToolSettings
from meshed_mcp.components.mesh.cluster.mode import MeshMode
from meshed_mcp.components.mesh.service.addresses import caller_principal, resource_url
from meshed_mcp.components.mesh.service.args import MeshedMCPServiceArgs


def access_environment(name: str, args: MeshedMCPServiceArgs) -> dict[str, str]:
    """The variables; those of tools and tokens only where the service has any."""
    return {
        contract.ENV_TRUSTED_PROXIES: ",".join(trusted_proxies(args)),
        **tool_environment(args),
        **token_environment(name, args),
    }


def trusted_proxies(args: MeshedMCPServiceArgs) -> tuple[str, ...]:
    """Who may say who called: the pod's sidecar, or whoever connects where ztunnel lets in the waypoint alone."""
    return (contract.ANY_PROXY,) if args.mode is MeshMode.AMBIENT else contract.SIDECAR_ADDRESSES


def tool_environment(args: MeshedMCPServiceArgs) -> dict[str, str]:
    """The rules per tool, with identities of the mesh in place of names."""
    rules = {tool: tool_rule(rule, args) for tool, rule in args.tools.items() if not rule.says_traffic_only}
    return {contract.ENV_TOOL_POLICY: json.dumps(rules)} if rules else {}


def tool_rule(rule: ToolSettings, args: MeshedMCPServiceArgs) -> dict[str, list[str]]:
    """One rule as the runtime reads it."""
    allow = None if rule.allow is None else allowed_principals(rule.allow, args)
    return {
        **({} if allow is None else {"allow": allow}),
        **({"scopes": list(rule.scopes)} if rule.scopes else {}),
    }


def allowed_principals(allow: list[str], args: MeshedMCPServiceArgs) -> list[str]:
    """Identities behind the names in a tool's `allow`."""
    gateway = [args.ingress.principal] if INGRESS in allow and args.ingress is not None else []
    return [caller_principal(caller, args) for caller in allow if caller != INGRESS] + gateway


def service_principals(args: MeshedMCPServiceArgs) -> list[str]:
    """Identities of everybody who may call the service."""
    gateway = [args.ingress.principal] if args.expose and args.ingress is not None else []
    return [caller_principal(caller, args) for caller in args.callers] + gateway


def token_environment(name: str, args: MeshedMCPServiceArgs) -> dict[str, str]:
    """Issuer, audience, keys, scopes, and the claim by which usage is counted."""
    auth = args.auth
    if auth is None:
        return {}
    return {
        contract.ENV_AUTH_ISSUER: auth.issuer,
        contract.ENV_AUTH_AUDIENCE: resource_url(name, args),
        contract.ENV_ORGANIZATION_CLAIM: auth.organization_claim,
        **({contract.ENV_AUTH_JWKS_URL: auth.jwks_url} if auth.jwks_url is not None else {}),
        **({contract.ENV_AUTH_JWKS: json.dumps(auth.jwks)} if auth.jwks is not None else {}),
        **({contract.ENV_AUTH_SCOPES: ",".join(auth.scopes)} if auth.scopes else {}),
    }
