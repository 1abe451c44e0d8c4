"""Settings of a service in a stack: valid values, and error messages of invalid ones."""

from typing import Any

import pulumi
import pytest
from pydantic import ValidationError

from meshed_mcp import contract
from meshed_mcp.components.core.errors import model_issues
from meshed_mcp.components.mesh.routing.rollout_args import RolloutStrategy
from meshed_mcp.components.mesh.service.args import ServiceSettings
from tests.unit.components.mesh.mesh_rendering import CANARY, INGRESS, service_args


def message(**settings: Any) -> str:
    """The one error that `settings` get."""
    with pytest.raises(ValidationError) as caught:
        service_args(**settings)
    errors = caught.value.errors()
    assert len(errors) == 1, errors
    return str(errors[0]["msg"]).removeprefix("Value error, ")


def test_service_with_only_an_image_is_closed_to_all_callers() -> None:
    """Requirement CFG-10: every default is safe in production."""
    settings = ServiceSettings(image="search:1")
    assert (settings.path, settings.callers, settings.expose) == (contract.MCP_PATH, [], False)
    assert settings.rollout.strategy is RolloutStrategy.NONE


def test_default_methods_are_those_of_streamable_http() -> None:
    """MCP specification, "Streamable HTTP": POST sends, GET listens, DELETE ends a session."""
    assert ServiceSettings(image="search:1").methods == ["GET", "POST", "DELETE"]


def test_image_and_environment_may_be_outputs() -> None:
    """Requirement CFG-16: values that are only passed through may come from other resources."""
    image = pulumi.Output.from_input("search:1")
    settings = ServiceSettings(image=image, env={"MODEL": image})
    assert settings.image is image
    assert settings.env["MODEL"] is image


def test_weights_that_do_not_sum_to_100_are_rejected_with_their_sum() -> None:
    """Requirement NET-9: the mesh would read them as ratios."""
    rollout = CANARY | {"weights": {"stable": 90, "canary": 20}}
    assert message(rollout=rollout) == "stable 90 and canary 20 sum to 110, not 100; set stable: 80 or canary: 10"


def test_canary_without_image_and_weights_is_rejected_with_both_fields() -> None:
    """Requirement CFG-7: a canary without an image would run nothing."""
    found = model_issues(
        ServiceSettings, {"image": "search:1", "rollout": {"strategy": "canary"}}, "service mcp-search"
    )
    assert [(fault.field, fault.message) for fault in found] == [
        ("rollout.image", "is missing; set image: with a value"),
        ("rollout.weights", "is missing; set weights: with a value"),
    ]


def test_canary_image_without_the_strategy_is_rejected() -> None:
    """Requirement CFG-6: an image without its strategy would have no effect."""
    assert message(rollout={"image": "search:2"}) == (
        "strategy none does not use image; remove it, or set strategy: canary"
    )


def test_strategy_is_read_by_its_name() -> None:
    """Requirement CMP-5: choices are enumerated, so that other languages know them."""
    assert service_args(rollout=CANARY).rollout.strategy is RolloutStrategy.CANARY


@pytest.mark.parametrize("path", ["mcp", "/mcp/", "//", "", "/mcp/*", "/a b", "/../mcp", "/mcp?x=1"])
def test_path_that_routes_cannot_match_exactly_is_rejected(path: str) -> None:
    """Istio API, StringMatch: exact and prefix matches of an unnormalized path never hit."""
    assert message(path=path) == (
        f"{path!r} is not a path below '/'; use a leading and no trailing '/', such as '/mcp'"
    )


@pytest.mark.parametrize("caller", ["*", "Mcp-Controller", "other/*", "a/b/c", "", "mcp_controller", "name\n"])
def test_invalid_caller_name_is_rejected(caller: str) -> None:
    """Istio API, Source `principals`: a wildcard lets every workload in."""
    assert message(callers=["mcp-controller", caller]) == (
        f"{caller!r} is not a caller; use a service of this namespace such as 'mcp-controller', or "
        "'namespace/serviceaccount' (wildcards would allow every caller)"
    )


def test_caller_that_is_listed_twice_is_rejected() -> None:
    """Requirement CFG-6: a duplicate has no effect."""
    assert message(callers=["mcp-a", "mcp-b", "mcp-a"]) == "'mcp-a' is listed twice; remove one"


def test_service_without_methods_is_rejected() -> None:
    """Requirement SEC-1: an empty list would match every method."""
    assert "at least 1 item" in message(methods=[])


def test_unknown_method_is_rejected() -> None:
    """RFC 9110, section 9.1: methods are case-sensitive."""
    assert message(methods=["POST", "get"]) == (
        "'get' is not an HTTP method that a gateway passes on; use some of GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"
    )


@pytest.mark.parametrize("address", ["10.0.0.1", "169.254.169.254", "2001:db8::1"])
def test_external_host_that_is_an_address_is_rejected(address: str) -> None:
    """RFC 6066, section 3: server name indication carries host names, not addresses."""
    assert message(egress_hosts=[address]) == (
        f"'{address}' is an IP address, which has no name in TLS; use the host name"
    )


def test_external_host_with_a_wildcard_or_invalid_name_is_rejected() -> None:
    """Requirement NET-2: a wildcard would open the mesh."""
    assert message(egress_hosts=["*.example.com"]) == (
        "'*.example.com' is not a host name; use lower-case labels without scheme, port or "
        "'*', such as 'mcp.example.com'"
    )
    assert message(egress_hosts=["a.example", "a.example"]) == "'a.example' is listed twice; remove one"


@pytest.mark.parametrize("field", ["env", "secret_env"])
def test_invalid_environment_variable_name_is_rejected(field: str) -> None:
    """POSIX, "Environment Variable Definition"."""
    value: Any = "x" if field == "env" else {"secret": "s", "key": "k"}
    assert message(**{field: {"LOG-LEVEL": value}}) == (
        "'LOG-LEVEL' is not a name of an environment variable; use letters, digits and '_', such as 'LOG_LEVEL'"
    )


def test_variable_that_follows_from_other_fields_is_rejected() -> None:
    """Requirement CFG-5: a second source for a port would contradict the probes."""
    assert message(env={contract.ENV_PORT: "9000"}) == ("'MESHED_MCP_PORT' is set from other fields; remove it")


def test_variable_with_two_values_is_rejected() -> None:
    """Kubernetes API, EnvVar: of two with one name the last silently wins."""
    both = {"env": {"TOKEN": "x"}, "secret_env": {"TOKEN": {"secret": "s", "key": "k"}}}
    assert message(**both) == "'TOKEN' is in env and in secret_env; keep one, secret_env if the value is a secret"


def test_exposed_service_without_a_gateway_is_rejected() -> None:
    """Requirement CFG-7: without a gateway the service would have no external route."""
    assert message(expose=True) == "expose is true but ingress is not set; set ingress, or set expose: false"


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("gateway", "mcp", "'mcp' is not a reference; use 'namespace/name', such as 'istio-ingress/mcp-ingress'"),
        (
            "host",
            "http://x",
            "'http://x' is not a host name; use lower-case labels without scheme",
        ),
        (
            "principal",
            "spiffe://a/ns/b/sa/c",
            "'spiffe://a/ns/b/sa/c' is not a mesh identity; use it without 'spiffe://'",
        ),
    ],
)
def test_invalid_gateway_reference_is_rejected(field: str, value: str, expected: str) -> None:
    """Istio API: VirtualService `gateways` and `hosts`, Source `principals`."""
    assert message(ingress={**INGRESS, field: value}).startswith(expected)


def test_invalid_namespace_is_rejected() -> None:
    """RFC 1123, label."""
    assert message(namespace="MCP") == (
        "'MCP' is not a namespace name; use lower-case letters, digits and '-', such as 'mcp-system'"
    )


def test_misspelled_field_is_rejected() -> None:
    """Requirement CFG-8: unknown keys are errors; infra suggests the nearest known key."""
    assert message(caller=["mcp-controller"]) == "Extra inputs are not permitted"
