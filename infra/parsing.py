"""Parser of a stack's values: every issue of every key, and the valid part as a StackConfig.

`program.py` (Pulumi) and `recording/project.py` (files) read the values.
"""

import json
from collections.abc import Callable, Collection, Mapping
from math import inf
from typing import Any, Final, NamedTuple

from meshed_mcp.components.core.errors import ConfigIssue, ConfigurationError, excerpt, model_issues, suggestion
from meshed_mcp.components.core.names import service_name
from meshed_mcp.components.core.platform import ClusterPlatform
from meshed_mcp.components.core.properties import is_carried
from meshed_mcp.components.mesh.cluster.args import ServiceMeshArgs
from meshed_mcp.components.observability.args import ObservabilityStackArgs
from meshed_mcp.error_codes import stack as codes
from meshed_mcp.error_codes.code import MessageError
from meshed_mcp.error_codes.values import NOT_A_MAPPING, NUMBER_NOT_CARRIED
from meshed_mcp.infra.config import LOCAL_DOMAIN, NAMESPACE, RegistryConfig, ServiceConfig, StackConfig

SECRET_TEXT_KEYS: Final = frozenset({"grafana_admin_password", "session_key", "previous_session_key"})
"""Keys whose value may be encrypted text."""

TEXT_KEYS: Final = SECRET_TEXT_KEYS | {"namespace", "domain", "environment", "chart_mirror", "platform"}
"""Keys whose value is text; the others are structures."""

DERIVED_FIELDS: Final = {
    "mesh": {
        "domain": "domain",
        "namespaces": "namespace",
        "chart_mirror": "chart_mirror",
        "hosts": "services",
        "shared_limits": "services",
        "access": "access",
        "egress": "services",
        "organization_claims": "services",
        "monitoring_namespace": "observability.namespace",
        "defaults": "labels",
        "accounts": "services",
        "platform": "platform",
        "egress_proxy": "egress_proxy",
        "ca_bundle": "ca_bundle",
    },
    "observability": {
        "chart_mirror": "chart_mirror",
        "cluster_domain": "mesh.cluster_domain",
        "istio_namespace": "mesh.root_namespace",
        "mesh": "mesh",
        "defaults": "labels",
        "cluster_platform": "platform",
    },
}
"""Fields of embedded models -> key of the stack that sets them; setting them directly is rejected."""


WITHOUT_MESH: Final = {"mode": "none"}
"""`meshed-mcp:mesh: none`, the short form."""

WAYS_WITHOUT: Final = {
    "mesh": "{install: existing} for an Istio of the cluster, or none for a cluster without a mesh",
    "observability": "{prometheus: {install: existing, url: ...}, grafana: {install: existing}} for the cluster's own",
    "keda": "{install: existing} for a KEDA of the cluster, or {install: none} for HPAs on CPU and memory",
    "vpa": "{install: existing} for a VPA of the cluster, or {install: none}",
}
"""Key of a part of the cluster -> how a stack says that it does not install the part."""

NOTHING: Final = (None, False, "", "null", "~", "none", "off", "false", "existing")
"""Values by which people say that a part is not to be installed."""


class ParseResult(NamedTuple):
    """Result of parsing a stack."""

    config: StackConfig | None
    """The valid part of the stack; None without a valid service."""

    declared: tuple[str, ...]
    """Names of all services, invalid ones included."""

    issues: list[ConfigIssue]


def parse_stack(values: Mapping[str, Any], secret_keys: Collection[str] = ()) -> ParseResult:
    """Parse `values`: full key (`meshed-mcp:services`) -> text or JSON text, as Pulumi passes them.

    Keys of other namespaces (`kubernetes:context`) are ignored.
    """
    found: list[ConfigIssue] = []
    raw: dict[str, Any] = {}
    prefix = f"{NAMESPACE}:"
    own = {key.removeprefix(prefix): value for key, value in values.items() if key.startswith(prefix)}
    for key, value in own.items():
        try:
            raw[key] = value if key in TEXT_KEYS else structure(key, value, secret_keys)
        except ConfigurationError as error:
            found += error.issues
    by_key = {key: key_issues(key, raw[key], raw) for key in sorted(set(StackConfig.model_fields) & set(raw))}
    found += [issue for issues in by_key.values() for issue in issues]
    if not raw.get("services") and not any(issue.field == f"{NAMESPACE}:services" for issue in found):
        found.append(ConfigIssue("stack", f"{NAMESPACE}:services", codes.SERVICES_MISSING.message()))
    services = raw.get("services")
    declared = tuple(map(str, services)) if isinstance(services, dict) else ()
    valid = raw if not found else valid_part(raw, by_key)
    return ParseResult(None if valid is None else validated(valid), declared, found)


def valid_part(raw: dict[str, Any], by_key: Mapping[str, list[ConfigIssue]]) -> dict[str, Any] | None:
    """The stack without its invalid keys and services; None if no service is left."""
    valid = {key: value for key, value in raw.items() if not by_key[key]}
    services = raw.get("services")
    if not isinstance(services, dict):
        return None
    valid["services"] = {name: item for name, item in services.items() if not service_issues(str(name), item)}
    return valid if valid["services"] else None


def validated(raw: dict[str, Any]) -> StackConfig:
    """The model of a stack without issues."""
    return StackConfig.model_validate(with_derived_fields(raw), by_alias=False, by_name=True)


def structure(key: str, value: Any, secret_keys: Collection[str]) -> Any:
    """The value of a structured key or its short form.

    Raises ConfigurationError, for a value such as null with the way to leave the part out.
    """
    word = value.strip('"') if isinstance(value, str) else value
    if key == "mesh" and word == WITHOUT_MESH["mode"]:
        return dict(WITHOUT_MESH)
    if key in WAYS_WITHOUT and word in NOTHING:
        message = codes.PART_LEFT_OUT.message(value=excerpt(word), way=WAYS_WITHOUT[key])
        raise ConfigurationError.single("stack", message, f"{NAMESPACE}:{key}")
    return parse_json_value(key, value, secret_keys)


def parse_json_value(key: str, value: Any, secret_keys: Collection[str]) -> Any:
    """The value of a structured key from JSON text. Raises ConfigurationError for unknown keys, secrets and text."""
    full_key = f"{NAMESPACE}:{key}"
    if key not in StackConfig.model_fields:
        message = codes.UNKNOWN_KEY.message(suggested=suggestion(key, sorted(StackConfig.model_fields)))
    elif full_key in secret_keys:
        message = codes.ENCRYPTED_STRUCTURE.message()
    else:
        try:
            return parse_json(full_key, value) if isinstance(value, str) else value
        except ValueError:
            message = codes.NOT_A_STRUCTURE.message(value=excerpt(value))
    raise ConfigurationError.single("stack", message, full_key)


def parse_json(full_key: str, text: str) -> Any:
    """JSON text as data. Raises ConfigurationError for a number that Pulumi cannot carry, such as NaN or 1e999."""

    def number(kind: type[int] | type[float]) -> Callable[[str], float]:
        def checked(digits: str) -> float:
            try:
                found = kind(digits)
            except ValueError:  # more digits than Python converts
                found = inf
            if is_carried(found):
                return found
            raise ConfigurationError.single("stack", NUMBER_NOT_CARRIED.message(shown=excerpt(digits)), full_key)

        return checked

    return json.loads(text, parse_int=number(int), parse_float=number(float), parse_constant=number(float))


def key_issues(key: str, value: Any, raw: Mapping[str, Any]) -> list[ConfigIssue]:
    """All issues of one key's value, each with its object: a service, the registry, or the key."""
    if key == "services":
        if not isinstance(value, dict):
            message = NOT_A_MAPPING.message(shown=excerpt(value), names=" of names to services", fields="")
            return [ConfigIssue("stack", f"{NAMESPACE}:services", message)]
        return [issue for name, item in value.items() for issue in service_issues(str(name), item)]
    if key == "registry":
        return [] if value is None else model_issues(RegistryConfig, value, "registry")
    if key in DERIVED_FIELDS:
        return embedded_issues(key, value, raw)
    return model_issues(StackConfig, {"services": EXAMPLE_SERVICES, key: value}, "stack")


EXAMPLE_SERVICES: Final = {"example": {"image": "example"}}
"""Placeholder for the validation of another key."""


def service_issues(name: str, value: Any) -> list[ConfigIssue]:
    """Issues of one service and its name."""
    found = model_issues(ServiceConfig, value, f"service {name}")
    try:
        service_name(name)
    except MessageError as error:
        found[:0] = [ConfigIssue(f"service {excerpt(name)}", "", message) for message in error.messages]
    return found


def embedded_issues(key: str, value: Any, raw: Mapping[str, Any]) -> list[ConfigIssue]:
    """Issues of `mesh` or `observability`, and their fields that DERIVED_FIELDS rejects."""
    if not isinstance(value, dict):
        return [ConfigIssue(key, "", NOT_A_MAPPING.message(shown=excerpt(value), names="", fields=""))]
    derived = [
        ConfigIssue(key, field, codes.FOLLOWS_FROM_KEY.message(key=f"{NAMESPACE}:{source}"))
        for field, source in DERIVED_FIELDS[key].items()
        if field in value
    ]
    rest = {field: item for field, item in value.items() if field not in DERIVED_FIELDS[key]}
    model = ServiceMeshArgs if key == "mesh" else ObservabilityStackArgs
    known = {"platform": raw["platform"]} if raw.get("platform") in [*ClusterPlatform] else {}
    place = {"domain": LOCAL_DOMAIN, **known} if key == "mesh" else {}
    return derived + model_issues(model, {**rest, **place}, key)


def with_derived_fields(raw: dict[str, Any]) -> dict[str, Any]:
    """`raw` with the fields that other keys set."""
    namespace, mirror = raw.get("namespace", "mcp-system"), raw.get("chart_mirror")
    own = {"domain": raw.get("domain", LOCAL_DOMAIN), "namespaces": [namespace], "access": raw.get("access", {})}
    platform = raw.get("platform")
    mesh = {**raw.get("mesh", {}), **own, "chart_mirror": mirror, "platform": platform}
    monitoring = {**raw.get("observability", {}), "chart_mirror": mirror, "cluster_platform": platform}
    return {**raw, "mesh": mesh, "observability": monitoring}
