"""Every configuration is either refused in the usual way or renders objects that a cluster would take."""

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mesh_rendering import INGRESS
from pydantic import ValidationError

from meshed_mcp.components.core.manifest import identity
from meshed_mcp.components.mesh.args import MeshedMCPServiceArgs, ServiceMeshArgs
from meshed_mcp.components.mesh.istio_values import releases
from meshed_mcp.components.mesh.service import manifests
from meshed_mcp.infra.checking.schema import schema_faults

LABELS = st.from_regex(r"[a-z]([-a-z0-9]{0,20}[a-z0-9])?", fullmatch=True)
JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)


@st.composite
def rollouts(draw: st.DrawFn) -> dict[str, Any]:
    """No rollout, or a canary of any weight."""
    share = draw(st.integers(0, 100))
    canary = {"strategy": "canary", "image": "search:2", "weights": {"stable": 100 - share, "canary": share}}
    return draw(st.sampled_from([{}, canary]))


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
            st.from_regex(r"[A-Za-z0-9_./-]{1,20}|\*", fullmatch=True),
            st.fixed_dictionaries({}, optional={"allow": st.just([])}),
            max_size=3,
        ),
        "auth": st.builds(
            lambda host, scopes: {"issuer": f"https://{host}", "jwks_url": f"https://{host}/keys", "scopes": scopes},
            LABELS.map("{}.example.com".format),
            st.lists(st.from_regex(r"[a-z.:]{1,8}", fullmatch=True), max_size=2),
        ),
        "env": st.dictionaries(st.from_regex(r"[A-Z][A-Z_]{0,10}", fullmatch=True), st.text(max_size=10), max_size=3),
        "replicas": st.integers(1, 1000),
        "rollout": rollouts(),
        "drain": st.builds(
            lambda endpoint, calls: {"endpoint_seconds": endpoint, "grace_seconds": endpoint + calls},
            st.integers(0, 60),
            st.integers(5, 3000),
        ),
    },
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(name=LABELS, written=GOOD)
def test_a_good_configuration_renders_valid_objects_of_unique_identity(
    name: str, written: dict[str, Any], schemas: Any
) -> None:
    """Kubernetes: two objects of one identity overwrite each other; unknown fields are pruned."""
    objects = manifests(name, MeshedMCPServiceArgs.model_validate({**written, "ingress": INGRESS}, by_name=True))
    assert len({identity(item) for item in objects}) == len(objects)
    assert [fault for item in objects for fault in schema_faults(item, schemas)] == []


@given(field=st.sampled_from(sorted(MeshedMCPServiceArgs.model_fields)), value=JUNK)
def test_a_bad_service_is_refused_with_a_validation_error_or_is_good(field: str, value: Any) -> None:
    """Product rule: a wrong configuration never ends in a traceback."""
    try:
        args = MeshedMCPServiceArgs.model_validate({"image": "search:1", field: value}, by_name=True)
    except ValidationError as error:
        assert error.error_count() >= 1  # noqa: PT017 - that it is this exception and no other is the behaviour
    else:
        assert manifests("mcp-search", args)


@given(field=st.sampled_from(sorted(ServiceMeshArgs.model_fields)), value=JUNK)
def test_a_bad_mesh_is_refused_with_a_validation_error_or_is_good(field: str, value: Any) -> None:
    """Product rule: a wrong configuration never ends in a traceback."""
    try:
        args = ServiceMeshArgs.model_validate({"domain": "mcp.example.com", field: value}, by_name=True)
    except ValidationError as error:
        assert error.error_count() >= 1  # noqa: PT017 - that it is this exception and no other is the behaviour
    else:
        assert releases(args)
