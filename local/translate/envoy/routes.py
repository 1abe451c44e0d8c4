"""VirtualServices as Envoy routes: matches, weights, rewrites, retries, mirrors, headers; defaults of istiod. Pure."""

from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Final

from meshed_mcp.error_codes.local import NOT_IN_LOCAL_STACK, TWO_ROUTES_FOR_HOST
from meshed_mcp.local.errors import LocalRunError
from meshed_mcp.local.translate.envoy.api import Message, duration, extension, present, string_matcher, typed
from meshed_mcp.local.translate.envoy.clusters import cluster_name, destination_rule, policy_of, visible
from meshed_mcp.local.translate.envoy.cors import CORS, cors
from meshed_mcp.local.translate.envoy.load_balancing import hash_policy
from meshed_mcp.local.translate.objects.virtual_service import (
    Destination,
    HeaderChange,
    HTTPFaultInjection,
    HTTPMatchRequest,
    HTTPRetry,
    HTTPRewrite,
    HTTPRoute,
    Percent,
    StringMatch,
    VirtualService,
)
from meshed_mcp.local.translate.objects.workload import Service
from meshed_mcp.local.translate.topology import Topology, service_port

DEFAULT_RETRIES: Final = HTTPRetry.model_validate(
    {"attempts": 2, "retryOn": "connect-failure,refused-stream,unavailable,cancelled"}
)
"""Source: istiod, default retry policy of a route without `retries`."""

PREVIOUS_HOSTS: Final = extension(
    "envoy.retry_host_predicates.previous_hosts", "extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate"
)

NO_TIMEOUT: Final = "0s"
"""Source: Istio HTTPRoute, field `timeout`: disabled by default."""

HTTP_DEFAULT_PORT: Final = 80
"""Port of a host name without one."""

FAULT: Final = "envoy.filters.http.fault"
HTTP_FAULT: Final = "extensions.filters.http.fault.v3.HTTPFault"
FAULT_FILTER: Final = extension(FAULT, HTTP_FAULT)
"""Injects the faults of routes."""

MESH: Final = "mesh"
"""Reserved gateway name of all sidecars. Source: Istio VirtualService, field `gateways`."""


def mesh_virtual_hosts(topology: Topology, namespace: str) -> list[Message]:
    """A virtual host per Service, and 502 for other hosts. Source: istiod, `block_all` of REGISTRY_ONLY."""
    matches: list[Message] = [{"prefix": "/"}, {"connect_matcher": {}}]
    rejected = [{"match": match, "direct_response": {"status": 502}} for match in matches]
    blocked = {"name": "block_all", "domains": ["*"], "routes": rejected}
    return [*(_service_host(topology, service, namespace) for service in topology.stack.services), blocked]


def host_names(topology: Topology, service: Service, namespace: str) -> list[str]:
    """Host names of a Service for a client in `namespace`, with the port."""
    scoped, local = f"{service.name}.{service.namespace}", service.namespace == namespace
    names = [*([service.name] if local else []), scoped, f"{scoped}.svc", topology.fqdn(service)]
    port = service_port(service).port
    with_port = [f"{name}:{port}" for name in names]
    return [*with_port, *names] if port == HTTP_DEFAULT_PORT else with_port


def routes(topology: Topology, owner: VirtualService, namespace: str) -> list[Message]:
    """The routes of one VirtualService in order, for proxies in `namespace`."""
    made = (_http_routes(topology, owner, http, f"spec.http[{n}]", namespace) for n, http in enumerate(owner.spec.http))
    return list(chain.from_iterable(made))


def _service_host(topology: Topology, service: Service, namespace: str) -> Message:
    owner = _mesh_virtual_service(topology, service, namespace)
    plain = {"match": {"prefix": "/"}, "route": _action(cluster_name(topology, service, None), DEFAULT_RETRIES, None)}
    return {
        "name": f"{topology.fqdn(service)}:{service_port(service).port}",
        "domains": host_names(topology, service, namespace),
        "routes": routes(topology, owner, namespace) if owner else [plain],
    }


def _mesh_virtual_service(topology: Topology, service: Service, namespace: str) -> VirtualService | None:
    found = [
        owner
        for owner in topology.stack.virtual_services
        if MESH in owner.spec.gateways
        and topology.fqdn(service) in {topology.resolved(host, owner.namespace) for host in owner.spec.hosts}
        and visible(owner.spec.export_to, owner.namespace, namespace)
    ]
    if len(found) > 1:
        names = " and ".join(f"{each.namespace}/{each.name}" for each in found)
        raise LocalRunError(TWO_ROUTES_FOR_HOST.message(names=names, host=topology.fqdn(service)))
    return found[0] if found else None


def _http_routes(
    topology: Topology, owner: VirtualService, http: HTTPRoute, path: str, namespace: str
) -> Iterable[Message]:
    clusters = [
        (_cluster(topology, owner, each.destination, f"{path}.route[{index}]", namespace), each.weight)
        for index, each in enumerate(http.route)
    ]
    rewrite = http.rewrite or HTTPRewrite()
    forwarded = {
        **_action(_target(clusters), http.retries or DEFAULT_RETRIES, http.timeout),
        **present(prefix_rewrite=rewrite.uri, host_rewrite_literal=rewrite.authority),
        **_hashed(topology, owner, http, namespace),
        **_mirrored(topology, owner, http, path, namespace),
    }
    answered = _own_response(http)
    for match in http.match or [HTTPMatchRequest()]:
        yield {
            **present(name=http.name),
            "match": _match(match),
            **(answered or {"route": forwarded}),
            **_header_changes(http),
            **_filter_configs(http),
        }


REDIRECTS: Final = {
    301: "MOVED_PERMANENTLY",
    302: "FOUND",
    303: "SEE_OTHER",
    307: "TEMPORARY_REDIRECT",
    308: "PERMANENT_REDIRECT",
}
"""Source: Envoy API v3, RedirectAction.RedirectResponseCode."""


def _own_response(http: HTTPRoute) -> Message:
    """Response or redirect of the proxy itself; empty for a route with destinations."""
    if http.redirect is not None:
        code = REDIRECTS[http.redirect.redirect_code]
        return {"redirect": present(scheme_redirect=http.redirect.scheme, response_code=code)}
    if http.direct_response is None:
        return {}
    body = http.direct_response.body and {"inline_string": http.direct_response.body.string}
    return {"direct_response": present(status=http.direct_response.status, body=body)}


def _hashed(topology: Topology, owner: VirtualService, http: HTTPRoute, namespace: str) -> Message:
    """Source: istiod: the policies of all destinations in order."""
    policies: list[Message] = []
    for to in (each.destination for each in http.route):
        service = topology.service(topology.resolved(to.host, owner.namespace))
        policies += hash_policy(policy_of(destination_rule(topology, service, namespace), to.subset).load_balancer)
    return {"hash_policy": policies} if policies else {}


def _mirrored(topology: Topology, owner: VirtualService, http: HTTPRoute, path: str, namespace: str) -> Message:
    """Source: istiod, TranslateRequestMirrorPolicy, with DISABLE_SHADOW_HOST_SUFFIX at its default."""
    field = "mirrors" if http.mirrors else "mirror"
    policies = [
        {
            "cluster": _cluster(topology, owner, each.destination, f"{path}.{field}[{index}]", namespace),
            "runtime_fraction": {"default_value": _fraction(each.percentage)},
            "trace_sampled": False,
            "disable_shadow_host_suffix_append": True,
        }
        for index, each in enumerate(http.mirror_policies)
    ]
    return {"request_mirror_policies": policies} if policies else {}


def _cluster(topology: Topology, owner: VirtualService, to: Destination, path: str, namespace: str) -> str:
    where = f"VirtualService {owner.namespace}/{owner.name}: {path}.destination"
    try:
        service = topology.service(topology.resolved(to.host, owner.namespace))
    except KeyError:
        raise LocalRunError(NOT_IN_LOCAL_STACK.message(field=f"{where}.host", name=to.host, kind="Service")) from None
    service_port(service, to.port.number if to.port else None)
    rule = destination_rule(topology, service, namespace)
    if to.subset is not None and to.subset not in {each.name for each in (rule.spec.subsets if rule else [])}:
        kind = f"subset of {topology.fqdn(service)}"
        raise LocalRunError(NOT_IN_LOCAL_STACK.message(field=f"{where}.subset", name=to.subset, kind=kind))
    return cluster_name(topology, service, to.subset)


def _target(clusters: Sequence[tuple[str, int]]) -> str | Message:
    if len(clusters) == 1:
        return clusters[0][0]
    return {"clusters": [{"name": name, "weight": weight} for name, weight in clusters]}


def _action(target: str | Message, retries: HTTPRetry, timeout: str | None) -> Message:
    return {
        **({"cluster": target} if isinstance(target, str) else {"weighted_clusters": target}),
        "timeout": duration(timeout) if timeout else NO_TIMEOUT,
        **({"retry_policy": _retry_policy(retries)} if retries.attempts else {}),
    }


def _retry_policy(retries: HTTPRetry) -> Message:
    """Source: istiod, ConvertPolicy: numbers in `retryOn` are status codes; a retry prefers another host."""
    conditions = (retries.retry_on or DEFAULT_RETRIES.retry_on or "").split(",")
    codes = [int(each) for each in conditions if each.isdigit()]
    names = [each for each in conditions if not each.isdigit()]
    return {
        "num_retries": retries.attempts,
        "retry_on": ",".join([*names, *(["retriable-status-codes"] if codes else [])]),
        "retriable_status_codes": codes,
        "retry_host_predicate": [PREVIOUS_HOSTS],
        "host_selection_retry_max_attempts": 5,
        **({"per_try_timeout": duration(retries.per_try_timeout)} if retries.per_try_timeout else {}),
    }


def _match(match: HTTPMatchRequest) -> Message:
    headers = [_header(name, wanted) for name, wanted in match.headers.items()]
    headers += [_without(name, wanted) for name, wanted in match.without_headers.items()]
    if match.method:
        headers.append(_header(":method", match.method))
    path = string_matcher(match.uri or StringMatch(prefix="/"), exact="path")
    return {**path, **({"headers": headers} if headers else {})}


def _header(name: str, wanted: StringMatch) -> Message:
    if not wanted.model_fields_set:
        return {"name": name, "present_match": True}
    return {"name": name, "string_match": string_matcher(wanted)}


def _without(name: str, wanted: StringMatch) -> Message:
    """A missing header has no value. Source: istiod, `translateHeaderMatch` with `withoutHeaders`."""
    missing = {"treat_missing_header_as_empty": True} if wanted.model_fields_set else {}
    return {**_header(name, wanted), "invert_match": True, **missing}


def _header_changes(http: HTTPRoute) -> Message:
    lists = {
        "request_headers_to_add": _added(http.headers.request),
        "request_headers_to_remove": list(http.headers.request.remove),
        "response_headers_to_add": _added(http.headers.response),
        "response_headers_to_remove": list(http.headers.response.remove),
    }
    return {name: values for name, values in lists.items() if values}


def _added(change: HeaderChange) -> list[Message]:
    overwritten = [(key, value, "OVERWRITE_IF_EXISTS_OR_ADD") for key, value in change.set.items()]
    appended = [(key, value, "APPEND_IF_EXISTS_OR_ADD") for key, value in change.add.items()]
    changes = [*overwritten, *appended]
    return [{"header": {"key": key, "value": value}, "append_action": action} for key, value, action in changes]


def _filter_configs(http: HTTPRoute) -> Message:
    """Configuration of HTTP filters for the route."""
    found = present(**{FAULT: http.fault and _faults(http.fault), CORS: http.cors_policy and cors(http.cors_policy)})
    return {"typed_per_filter_config": found} if found else {}


def _faults(fault: HTTPFaultInjection) -> Message:
    """Fault injection of a route. Source: Envoy API v3, extensions.filters.http.fault."""
    delay, abort = fault.delay, fault.abort
    faults = present(
        delay=delay and {"fixed_delay": duration(delay.fixed_delay), "percentage": _fraction(delay.percentage)},
        abort=abort and {"http_status": abort.http_status, "percentage": _fraction(abort.percentage)},
    )
    return typed(HTTP_FAULT, **faults)


def _fraction(percent: Percent) -> Message:
    """Envoy's FractionalPercent."""
    return {"numerator": round(percent.value * 10_000), "denominator": "MILLION"}
