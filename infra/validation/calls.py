"""Validation of `calls` across services: known destinations, their allow-lists, and pass-through of tokens."""

from collections.abc import Iterator

from meshed_mcp.components.core.errors import ConfigIssue, suggestion
from meshed_mcp.components.mesh.service.addresses import endpoint_urls
from meshed_mcp.components.mesh.service.call_args import CallSettings, is_url
from meshed_mcp.contract import CallAuth
from meshed_mcp.error_codes import calls as codes
from meshed_mcp.error_codes.code import Message
from meshed_mcp.infra.config import ServiceConfig, StackConfig


def call_issues(config: StackConfig) -> Iterator[ConfigIssue]:
    """Destinations that do not exist or deny the service, and tokens that would go to another audience."""
    for name, item in config.services.items():
        for destination, call in item.calls.items():
            for message in _issues(config, name, destination, call):
                yield ConfigIssue(f"service {name}", f"calls.{destination}", message)
        auth = item.outbound_auth
        if auth is not None and auth.auth is CallAuth.PASS_THROUGH and item.url is not None:
            for message in _url_issues(config, name, item.url, auth):
                yield ConfigIssue(f"service {name}", "outbound_auth", message)


def call_resources(config: StackConfig, item: ServiceConfig) -> dict[str, str]:
    """Service that `item` calls -> its URL as its tokens name it."""
    known = config.services
    return {name: resource_of(config, name, known[name]) for name in item.calls if name in known}


def resource_of(config: StackConfig, name: str, item: ServiceConfig) -> str:
    """URL of a service as its tokens name it; as `addresses.resource_url` of its arguments."""
    resource = None if item.auth is None else item.auth.resource
    return resource or urls_of(config, name, item)[0]


def urls_of(config: StackConfig, name: str, item: ServiceConfig) -> list[str]:
    """URLs of a service, the one that clients outside use first."""
    hosts = [config.domain, *(each.host for each in config.domain_aliases)]
    origins = [f"{config.mesh.public_scheme}://{host}" for host in hosts]
    return endpoint_urls(name, item, origins, config.namespace, config.mesh.cluster_domain)


def accepted(config: StackConfig, name: str) -> frozenset[tuple[str, str]]:
    """(issuer, audience) of the tokens that a service accepts."""
    item = config.services[name]
    if item.auth is None:
        return frozenset()
    rows = item.auth.table(resource_of(config, name, item))
    return frozenset((row.issuer, audience.rstrip("/")) for row in rows for audience in row.audiences)


def _issues(config: StackConfig, name: str, destination: str, call: CallSettings) -> Iterator[Message]:
    if is_url(destination):
        if call.auth is CallAuth.PASS_THROUGH:
            yield from _url_issues(config, name, destination, call)
        return
    if destination not in config.services:
        suggested = suggestion(destination, list(config.services))
        yield codes.UNKNOWN_DESTINATION.message(name=destination, suggested=suggested)
        return
    if not {name, f"{config.namespace}/{name}"} & set(config.services[destination].callers):
        yield codes.NOT_A_CALLER.message(name=name, destination=destination)
    own = accepted(config, name)
    if call.auth is CallAuth.PASS_THROUGH and not (own and own <= accepted(config, destination)):
        yield codes.PASS_THROUGH_AUDIENCE.message(destination=destination)


def _url_issues(config: StackConfig, name: str, url: str, call: CallSettings) -> Iterator[Message]:
    """Pass-through to a server outside the stack, which must be one of the service's own audiences."""
    if call.audience is None:
        yield codes.PASS_THROUGH_TO_URL.message(value=url)
    elif call.audience.rstrip("/") not in {audience for _, audience in accepted(config, name)}:
        yield codes.PASS_THROUGH_AUDIENCE.message(destination=url)
