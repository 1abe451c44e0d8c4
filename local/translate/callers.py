"""Allowed and unauthorized callers of a Service by the AuthorizationPolicies; only identities are compared. Pure."""

from collections.abc import Sequence
from fnmatch import fnmatchcase

from meshed_mcp.local.translate.envoy.rbac import account_suffix, policies_for
from meshed_mcp.local.translate.objects.security import AuthorizationPolicy, Rule, Source
from meshed_mcp.local.translate.objects.workload import Service
from meshed_mcp.local.translate.topology import Identity, Pod, Topology


def allowed_callers(topology: Topology, service: Service) -> list[Pod]:
    """One pod per identity that may call a Service, except its own."""
    return [pod for pod in _other_identities(topology, service) if _may(topology, service, pod)]


def unauthorized_callers(topology: Topology, service: Service) -> list[Pod]:
    """One pod per identity that may not call a Service, except its own."""
    return [pod for pod in _other_identities(topology, service) if not _may(topology, service, pod)]


def _other_identities(topology: Topology, service: Service) -> list[Pod]:
    own = {each.identity for each in topology.behind(service)}
    first_pods = list({pod.identity: pod for pod in reversed(topology.pods)}.values())[::-1]
    return [pod for pod in first_pods if pod.identity not in own]


def _may(topology: Topology, service: Service, caller: Pod) -> bool:
    policies = [
        policy
        for pod in topology.behind(service)[:1]
        for policy in policies_for(topology.stack.authorization_policies, pod.namespace, pod.labels)
    ]
    denied = any(_names(each, caller.identity) for each in policies if each.spec.action == "DENY" and _denies_all(each))
    allows = [each for each in policies if each.spec.action == "ALLOW"]
    return not denied and (not allows or any(_names(each, caller.identity) for each in allows))


def _denies_all(policy: AuthorizationPolicy) -> bool:
    """Whether a DENY policy has conditions on callers only."""
    return all(not rule.to and not rule.when for rule in policy.spec.rules)


def _names(policy: AuthorizationPolicy, identity: Identity) -> bool:
    return any(_rule_names(rule, identity, policy.namespace) for rule in policy.spec.rules)


def _rule_names(rule: Rule, identity: Identity, namespace: str) -> bool:
    return not rule.from_ or any(_source_names(each.source, identity, namespace) for each in rule.from_)


def _source_names(source: Source, identity: Identity, namespace: str) -> bool:
    accounts = [f"*{account_suffix(each, namespace)}" for each in source.service_accounts]
    wanted = [
        (source.principals, identity.principal, True),
        (source.not_principals, identity.principal, False),
        (source.namespaces, identity.namespace, True),
        (source.not_namespaces, identity.namespace, False),
        (accounts, identity.principal, True),
    ]
    return all(not patterns or _matches(patterns, value) == sense for patterns, value, sense in wanted)


def _matches(patterns: Sequence[str], value: str) -> bool:
    return any(fnmatchcase(value, pattern) for pattern in patterns)
