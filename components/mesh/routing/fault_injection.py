"""Fault injection in the routes of a service: copies of its rules with a delay or an abort.

The caller's proxy injects the fault, so a delayed request takes no concurrency slot of the server. Rules with faults
are separate, because Envoy does not retry its own aborts. Source: Istio API, HTTPFaultInjection.
"""

import re
from collections.abc import Iterator

from meshed_mcp import contract
from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.components.mesh.routing.fault_injection_args import FaultInjection
from meshed_mcp.components.mesh.routing.tool_routes import call_headers
from meshed_mcp.components.mesh.service.args import MeshedMCPServiceArgs


def with_fault_rules(rules: list[Manifest], args: MeshedMCPServiceArgs) -> list[Manifest]:
    """Rules with faults by header, then of experiments (single tools first), then the original rules."""
    by_header = [
        _fault_rule(rule, f"fault-{name}", fault, {contract.FAULT_HEADER: {"exact": name}})
        for name, fault in args.faults.items()
        for rule in rules
    ]
    experiments = sorted(args.experiments.items(), key=lambda item: item[1].tool is None)
    experimental = [_fault_rule(rule, f"chaos-{name}", fault, {}) for name, fault in experiments for rule in rules]
    return [rule for rule in [*by_header, *experimental] if rule is not None] + rules


def http_fault(fault: FaultInjection) -> Manifest:
    """`fault` of a route rule."""
    share = {"percentage": {"value": fault.percent}}
    delay = None if fault.delay_seconds is None else {"fixedDelay": f"{round(fault.delay_seconds * 1000)}ms", **share}
    abort = None if fault.abort_status is None else {"httpStatus": fault.abort_status, **share}
    return {name: value for name, value in {"delay": delay, "abort": abort}.items() if value is not None}


def _fault_rule(rule: Manifest, suffix: str, fault: FaultInjection, headers: Manifest) -> Manifest | None:
    """A copy of the rule with the fault; None if the rule matches other tools only."""
    wanted = headers | ({} if fault.tool is None else call_headers(fault.tool))
    matches = list(_narrowed(rule.get("match", [{}]), wanted))
    if not matches:
        return None
    # Istio rejects an empty match: a rule for every request has none.
    condition = {"match": matches} if any(matches) else {}
    rest = {key: value for key, value in rule.items() if key not in {"name", "match", "mirrors"}}
    return {"name": f"{rule['name']}-{suffix}", **condition, **rest, "fault": http_fault(fault)}


def _narrowed(matches: list[Manifest], wanted: Manifest) -> Iterator[Manifest]:
    for match in matches:
        headers = match.get("headers", {})
        if all(_agree(headers[header], condition) for header, condition in wanted.items() if header in headers):
            yield {**match, **({"headers": headers | wanted} if headers or wanted else {})}


def _agree(given: Manifest, wanted: Manifest) -> bool:
    """Whether a header match of the rule accepts the value that the fault requires."""
    if "regex" in given:
        return re.fullmatch(given["regex"], wanted["exact"]) is not None
    return not given or given == wanted
