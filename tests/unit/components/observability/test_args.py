"""Validation of ObservabilityStackArgs."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from meshed_mcp.components.core.charts import ChartInstall
from meshed_mcp.components.core.errors import model_issues
from meshed_mcp.components.observability.args import ObservabilityStackArgs


def issues(raw: Any) -> list[str]:
    """Configuration issues of `raw`, as a user reads them."""
    return [str(issue) for issue in model_issues(ObservabilityStackArgs, raw, "observability")]


def test_cert_manager_is_a_helm_release_by_default() -> None:
    """Requirement PRJ-4: the defaults need no package that [platform] does not install."""
    assert ObservabilityStackArgs().cert_manager.install is ChartInstall.COMPONENT
    assert issues({"cert_manager": {"install": "helm"}}) == [
        "observability: cert_manager.install: 'helm' is not a choice; known here: component, existing"
    ]


def test_duration_with_a_suffix_is_rejected() -> None:
    """Requirement CFG-9: the unit is in the field's name, and the value is a number."""
    assert issues({"prometheus": {"retention_days": "15d"}}) == [
        "observability: prometheus.retention_days: '15d' is not a whole number of days; set 15"
    ]


def test_memory_without_unit_is_rejected() -> None:
    """Kubernetes would take it for bytes and kill the pod at once."""
    (text,) = issues({"grafana": {"resources": {"cpu": "100m", "memory": "512"}}})
    assert text.startswith("observability: grafana.resources.memory: '512' is not a memory quantity")
    assert "use '512Mi'" in text


def test_whole_cores_may_be_a_number() -> None:
    """YAML reads `cpu: 2` as a number; its meaning is unambiguous."""
    args = ObservabilityStackArgs.model_validate({"prometheus": {"resources": {"cpu": 2, "memory": "4Gi"}}})
    assert args.prometheus.resources.cpu == "2"


@pytest.mark.parametrize("field", ["namespace", "storage_class"])
def test_invalid_kubernetes_name_is_rejected(field: str) -> None:
    """Kubernetes, "Object Names and IDs"."""
    (text,) = issues({field: "Not_A_Name"})
    assert text.startswith(f"observability: {field}: 'Not_A_Name' is not a n")


words = st.text("0159.-+eEms%Gi ", max_size=6)
plain = st.none() | st.booleans() | st.integers() | st.floats() | words
values = plain | st.lists(plain, max_size=2) | st.dictionaries(st.text("abm_ ", max_size=6), plain, max_size=2)


@given(st.dictionaries(st.sampled_from([*ObservabilityStackArgs.model_fields, "promethius"]), values, max_size=4))
def test_any_arguments_are_accepted_or_rejected_in_one_line_each(raw: dict[str, Any]) -> None:
    """Requirement CFG-4: no configuration ends in a traceback, and each error is one line."""
    try:
        ObservabilityStackArgs.model_validate(raw)
    except ValidationError:
        texts = issues(raw)
        assert texts
        assert not [text for text in texts if "\n" in text]
