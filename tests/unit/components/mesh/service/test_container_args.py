"""Secrets, resources and graceful shutdown: valid settings and their error messages."""

from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from meshed_mcp.components.mesh.service.container_args import Drain, SecretKey, ServerResources


def message(model: type[BaseModel], **settings: Any) -> str:
    """The one error that `settings` get."""
    with pytest.raises(ValidationError) as caught:
        model.model_validate(settings, by_name=True)
    errors = caught.value.errors()
    assert len(errors) == 1, errors
    return str(errors[0]["msg"]).removeprefix("Value error, ")


def test_cpu_may_be_a_plain_number() -> None:
    """Kubernetes API, Quantity: YAML's `cpu: 2` and `cpu: 0.5` are what people write."""
    assert (ServerResources(cpu=2).cpu, ServerResources(cpu=0.5).cpu) == ("2", "0.5")


def test_cpu_without_its_unit_is_rejected_with_the_unit() -> None:
    """Requirement CFG-9: a value of 250 cores is a forgotten `m`."""
    assert message(ServerResources, cpu="250") == "'250' is 250 whole cores; for thousandths of a core, use '250m'"


def test_memory_in_megabytes_is_rejected_with_the_binary_unit() -> None:
    """Kubernetes API, Quantity: there is no suffix B."""
    assert message(ServerResources, memory="512MB") == (
        "'512MB' is not a memory quantity with a known unit; use '512Mi'"
    )


def test_memory_as_a_plain_number_is_rejected_with_a_unit() -> None:
    """Requirement CFG-9: a value of 512 bytes is a forgotten unit."""
    assert message(ServerResources, memory=512) == "'512' is not a memory quantity with a known unit; use '512Mi'"


def test_request_above_its_limit_is_rejected() -> None:
    """Kubernetes API, ResourceRequirements: requests cannot exceed limits."""
    assert message(ServerResources, cpu="2", cpu_limit="500m") == (
        "cpu '2' is above cpu_limit '500m'; raise cpu_limit or lower cpu"
    )
    assert message(ServerResources, memory="1Gi", memory_limit="512Mi") == (
        "memory '1Gi' is above memory_limit '512Mi'; raise memory_limit or lower memory"
    )


def test_drain_without_time_for_in_flight_requests_is_rejected() -> None:
    """Requirement RUN-1: in-flight calls finish between the end of accepting and the end of the process."""
    assert message(Drain, pre_stop_delay_seconds=30, grace_seconds=20) == (
        "pre_stop_delay_seconds 30 leaves in-flight requests no time within grace_seconds 20, of "
        "which closing takes 2; set grace_seconds above 32"
    )


def test_invalid_secret_name_or_key_is_rejected() -> None:
    """Kubernetes, "DNS Subdomain Names"; keys: Kubernetes, "Secrets"."""
    assert message(SecretKey, secret="My Secret", key="url") == (  # noqa: S106 - the name of a Secret
        "'My Secret' is not a name of a Kubernetes object; use lower-case letters, digits, '-' and '.'"
    )
    assert message(SecretKey, secret="mcp", key="a/b") == (  # noqa: S106 - the name of a Secret
        "'a/b' is not a key of a Secret; use letters, digits, '-', '_' and '.' only"
    )
