"""Environment variables for authorization in the runtime: trusted proxies, tool policy, token issuers."""

import json

from meshed_mcp import contract
from meshed_mcp.components.mesh.authorization.tool_policy_args import INGRESS, ToolSettings
from meshed_mcp.components.mesh.cluster.mode import MeshMode
from meshed_mcp.components.mesh.service.addresses import caller_principal, resource_url
from meshed_mcp.components.mesh.service.args import MeshedMCPServiceArgs


def authorization_environment(name: str, args: MeshedMCPServiceArgs) -> dict[str, str]:
    """Variables of one service; those for tools and tokens only where it has rules for them."""
    return {
        contract.ENV_TRUSTED_PROXIES: ",".join(trusted_proxies(args)),
        **tool_environment(args),
        **token_environment(name, args),
    }


def trusted_proxies(args: MeshedMCPServiceArgs) -> tuple[str, ...]:
    """Peers whose caller-identity header the runtime trusts: the sidecar; in ambient mode any peer, behind ztunnel.

    Without a mesh none: a client could set the header.
    """
    trusted = {MeshMode.AMBIENT: (contract.ANY_PROXY,), MeshMode.NONE: ()}
    return trusted.get(args.mode, contract.SIDECAR_ADDRESSES)


def tool_environment(args: MeshedMCPServiceArgs) -> dict[str, str]:
    """Tool policy as JSON, with mesh identities in place of service names."""
    rules = {tool: _tool_rule(rule, args) for tool, rule in args.tools.items() if not rule.sets_traffic_only}
    return {contract.ENV_TOOL_POLICY: json.dumps(rules)} if rules else {}


def _tool_rule(rule: ToolSettings, args: MeshedMCPServiceArgs) -> dict[str, list[str]]:
    return {
        **({} if rule.allow is None else {"allow": allowed_principals(rule.allow, args)}),
        **({"scopes": list(rule.scopes)} if rule.scopes else {}),
    }


def allowed_principals(allow: list[str], args: MeshedMCPServiceArgs) -> list[str]:
    """Mesh identities of the names in a tool's `allow`."""
    gateway = [args.ingress.principal] if INGRESS in allow and args.ingress is not None else []
    return [caller_principal(caller, args) for caller in allow if caller != INGRESS] + gateway


def caller_principals(args: MeshedMCPServiceArgs) -> list[str]:
    """Mesh identities of all allowed callers of the service."""
    gateway = [args.ingress.principal] if args.expose and args.ingress is not None else []
    return [caller_principal(caller, args) for caller in args.callers] + gateway


def token_environment(name: str, args: MeshedMCPServiceArgs) -> dict[str, str]:
    """The table of issuers without its defaults, the resource URL, and scopes."""
    auth = args.auth
    if auth is None:
        return {}
    resource = resource_url(name, args)
    rows = [row.model_dump(exclude_defaults=True, mode="json") for row in auth.table(resource)]
    return {
        contract.ENV_AUTH_ISSUERS: json.dumps(rows),
        contract.ENV_AUTH_RESOURCE: resource,
        **({contract.ENV_AUTH_SCOPES: ",".join(auth.scopes)} if auth.scopes else {}),
    }
