"""Pull secrets in the values of charts."""

import pytest

from meshed_mcp.components.core.chart_pull_secrets import FORMS, with_chart_pull_secrets
from tests.stacks import JUDGED, recording

WITHOUT_PODS = {"base", "gateway-api-crds", "prometheus-operator-crds"}
"""Charts of CRDs and webhooks."""


@pytest.mark.parametrize("stack", JUDGED)
def test_every_chart_with_pods_has_a_form(stack: str) -> None:
    """Requirement POD-3: a chart that is not listed would pull its images without the secret."""
    charts = {item["chart"].rpartition("/")[2] for item in recording(stack).releases}
    assert charts - WITHOUT_PODS - FORMS.keys() == set()


def test_values_of_the_stack_win() -> None:
    """Requirement POD-3: the nearer setting applies."""
    own = {"global": {"imagePullSecrets": ["own"], "hub": "h"}}
    assert with_chart_pull_secrets("istiod", own, ["pull"]) == own
    assert with_chart_pull_secrets("istiod", {"global": {"hub": "h"}}, ["pull"]) == {
        "global": {"imagePullSecrets": ["pull"], "hub": "h"}
    }
    assert with_chart_pull_secrets("base", {}, ["pull"]) == {}
