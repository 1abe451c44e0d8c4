"""Property tests: every configuration is rejected with a ValidationError or renders valid objects."""

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from meshed_mcp.components.core.manifest import identity
from meshed_mcp.components.mesh.cluster.istio_releases import istio_releases
from meshed_mcp.components.mesh.service.args import MeshedMCPServiceArgs, ServiceMeshArgs
from meshed_mcp.components.mesh.service.manifests import service_manifests
from meshed_mcp.infra.checks.schema import schema_issues
from tests.unit.components.mesh.mesh_rendering import INGRESS
from tests.unit.components.mesh.service.kinds import KINDS

LABELS = st.from_regex(r"[a-z]([-a-z0-9]{0,20}[a-z0-9])?", fullmatch=True)
JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)


@st.composite
def rollouts(draw: st.DrawFn) -> dict[str, Any]:
    """Every strategy, a canary of any weight."""
    share = draw(st.integers(0, 100))
    mirror = {"tools": ["search"], "percent": draw(st.integers(1, 100))}
    canary = {"strategy": "canary", "weights": {"stable": 100 - share, "canary": share}, "mirror": mirror}
    colors = {"strategy": "blue_green", "active": draw(st.sampled_from(["blue", "green"])), "mirror": mirror}
    variant = {"strategy": "ab", "regex": draw(st.sampled_from([".*Mobile.*", "curl/[0-9]+.*", "(?i)bot"]))}
    return draw(st.sampled_from([{}, *({"image": "search:2", **item} for item in (canary, colors, variant))]))


PLACES = st.sampled_from(["eu", "us", "asia/a", "asia/b/rack", "africa/*"])


@st.composite
def traffic(draw: st.DrawFn) -> dict[str, Any]:
    """How proxies connect: any policy, any bounds that fit each other, shares of places or substitutes."""
    errors = draw(st.integers(1, 50))
    places = draw(st.lists(PLACES, min_size=2, max_size=3, unique=True))
    shares = dict.fromkeys(places, 100 // len(places))
    shares[places[0]] += 100 - sum(shares.values())
    hashed = {"policy": "consistent_hash", "hash_header": "x-tenant"}
    simple = {
        "policy": draw(st.sampled_from(["least_request", "round_robin"])),
        "warmup_seconds": draw(st.integers(1, 99)),
    }
    return {
        "balancing": draw(st.sampled_from([hashed, simple, {"policy": "random"}])),
        "connections": {"streams": draw(st.integers(16, 100_000))},
        "outlier_detection": {
            "consecutive_5xx_errors": errors,
            "consecutive_gateway_errors": draw(st.integers(1, errors)),
            "max_ejection_percent": draw(st.integers(1, 60)),
            "min_health_percent": draw(st.integers(0, 40)),
        },
        "locality": draw(st.sampled_from([None, {"failover": {"eu": "us"}}, {"distribute": {places[0]: shares}}])),
    }


GOOD = st.fixed_dictionaries(
    {"image": st.just("search:1")},
    optional={
        "namespace": LABELS,
        "path": st.lists(st.from_regex(r"[a-z0-9]{1,8}", fullmatch=True), min_size=1, max_size=3).map(
            lambda parts: "/" + "/".join(parts)
        ),
        "callers": st.lists(LABELS, max_size=4, unique=True),
        "egress_hosts": st.lists(LABELS.map("{}.example.com".format), max_size=2, unique=True),
        "expose": st.booleans(),
        "tools": st.dictionaries(
            st.from_regex(r"[A-Za-z0-9_./-]{1,20}", fullmatch=True),
            st.fixed_dictionaries(
                {"read_only": st.just(True)}, optional={"allow": st.just([]), "timeout_seconds": st.integers(1, 20)}
            ),
            max_size=3,
        ).map(lambda tools: tools | {"search": {"read_only": True}, "*": {"allow": []}}),
        "traffic": traffic(),
        "pools": st.dictionaries(LABELS, st.just({"call_seconds": 1}), max_size=2).map(
            lambda pools: {name: pool | {"tools": [f"tool-{name}"]} for name, pool in pools.items()}
        ),
        "auth": st.builds(
            lambda host, scopes: {"issuers": [{"issuer": f"https://{host}"}], "scopes": scopes},
            LABELS.map("{}.example.com".format),
            st.lists(st.from_regex(r"[a-z.:]{1,8}", fullmatch=True), max_size=2),
        ),
        "env": st.dictionaries(st.from_regex(r"[A-Z][A-Z_]{0,10}", fullmatch=True), st.text(max_size=10), max_size=3),
        "replicas": st.integers(1, 1000),
        "rollout": rollouts(),
        "drain": st.builds(
            lambda endpoint, calls: {"pre_stop_delay_seconds": endpoint, "grace_seconds": endpoint + calls},
            st.integers(0, 60),
            st.integers(5, 3000),
        ),
    },
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(name=LABELS, written=GOOD)
def test_valid_configuration_renders_valid_objects_of_unique_identity(name: str, written: dict[str, Any]) -> None:
    """Kubernetes: two objects of one identity overwrite each other; unknown fields are pruned."""
    if "mirror" in written.get("rollout", {}):
        written = written | {"tools": {"search": {"read_only": True}}}
    objects = service_manifests(
        name, MeshedMCPServiceArgs.model_validate({**written, "ingress": INGRESS}, by_name=True)
    )
    assert len({identity(item) for item in objects}) == len(objects)
    assert [fault for item in objects for fault in schema_issues(item)] == []


@settings(max_examples=40, deadline=None)
@given(
    kind=st.sampled_from(list(KINDS)),
    mode=st.sampled_from(["sidecar", "ambient"]),
    legacy=st.sampled_from(["off", "stateless"]),
    expose=st.booleans(),
    given_fields=st.fixed_dictionaries(
        {},
        optional={
            "path": st.sampled_from(["/mcp", "/api/v1/mcp"]),
            "auth": st.just(
                {"issuers": [{"issuer": "https://a.example.com", "jwks_url": "https://a.example.com/keys"}]}
            ),
            "egress_hosts": st.just(["a.example.com"]),
            "callers": st.lists(LABELS, max_size=2, unique=True),
            "drain": st.just({"pre_stop_delay_seconds": 0, "grace_seconds": 600}),
        },
    ),
)
def test_every_kind_of_server_renders_valid_objects_of_unique_identity(
    kind: str, mode: str, legacy: str, given_fields: dict[str, Any], *, expose: bool
) -> None:
    """Requirement SRV-8: whatever the kind, the API server accepts its objects."""
    raw = {**KINDS[kind], **given_fields, "mode": mode, "legacy": legacy, "expose": expose, "ingress": INGRESS}
    args = MeshedMCPServiceArgs.model_validate({"bridge_image": "bridge:1", **raw}, by_name=True)
    objects = service_manifests("mcp-a", args)
    assert len({identity(item) for item in objects}) == len(objects)
    assert [fault for item in objects for fault in schema_issues(item)] == []


@given(field=st.sampled_from(sorted(MeshedMCPServiceArgs.model_fields)), value=JUNK)
def test_any_service_arguments_are_valid_or_rejected_with_a_validation_error(field: str, value: Any) -> None:
    """Requirement CFG-4: no service configuration ends in a traceback."""
    try:
        args = MeshedMCPServiceArgs.model_validate({"image": "search:1", field: value}, by_name=True)
    except ValidationError as error:
        assert error.error_count() >= 1  # noqa: PT017 - that it is this exception and no other is the behavior
    else:
        assert service_manifests("mcp-search", args)


@given(field=st.sampled_from(sorted(ServiceMeshArgs.model_fields)), value=JUNK)
def test_any_mesh_arguments_are_valid_or_rejected_with_a_validation_error(field: str, value: Any) -> None:
    """Requirement CFG-4: no mesh configuration ends in a traceback."""
    try:
        args = ServiceMeshArgs.model_validate({"domain": "mcp.example.com", field: value}, by_name=True)
    except ValidationError as error:
        assert error.error_count() >= 1  # noqa: PT017 - that it is this exception and no other is the behavior
    else:
        assert istio_releases(args)


def damages(written: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """One fault each, in routes and connections that were sound."""
    canary = {"strategy": "canary", "image": "search:2", "weights": {"stable": 90, "canary": 10}}
    off, failover = {"outlier_detection": None}, {"locality": {"failover": {"eu": "us"}}}
    return {
        "failover needs outlier_detection": written | {"traffic": off | failover},
        "exclude each other": written
        | {"traffic": {"locality": {"failover": {"eu": "us"}, "distribute": {"eu": {"us": 100}}}}},
        "sum to 91, not 100": written | {"rollout": canary | {"weights": {"stable": 90, "canary": 1}}},
        "not an RE2 pattern": written | {"rollout": {"strategy": "ab", "image": "b", "regex": "(?!x)y"}},
        "is not declared read-only": written
        | {"rollout": canary | {"mirror": {"tools": ["ingest"]}}, "tools": {"ingest": {}}},
        "leaves sessions on a replica that is down": written | {"legacy": "sticky", "traffic": off},
        "leaves no tools to the service's own pods": written | {"pools": {"slow": {"tools": ["*"]}}},
        "does not know whether the tool ran": written | {"tools": {"ingest": {"timeout_seconds": 3}}, "rollout": {}},
    }


@settings(max_examples=60, deadline=None)
@given(written=GOOD, words=st.sampled_from(sorted(damages({}))))
def test_single_error_in_a_valid_configuration_is_always_found(written: dict[str, Any], words: str) -> None:
    """Requirement CFG-1: a wrong value is rejected, whatever the other values are."""
    damaged = {"image": "search:1", "rollout": {}, **damages(written | {"rollout": {}})[words], "ingress": INGRESS}
    try:
        MeshedMCPServiceArgs.model_validate(damaged, by_name=True)
    except ValidationError as error:
        assert words in str(error)  # noqa: PT017 - the text is the behavior
    else:
        raise AssertionError(words)
