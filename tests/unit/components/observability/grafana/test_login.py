"""Log-in to Grafana: who becomes what, judged by a real JMESPath, and what is refused."""

from typing import Any

import jmespath
import pytest

from meshed_mcp.components.core.errors import model_issues
from meshed_mcp.components.observability.args import ObservabilityStackArgs
from meshed_mcp.components.observability.grafana.login import GrafanaLogin, role_expression
from meshed_mcp.components.observability.grafana.values import grafana_values
from meshed_mcp.infra.plan import planned

PROVIDER: dict[str, Any] = {
    "auth_url": "https://id.example.com/authorize",
    "token_url": "https://id.example.com/token",
    "userinfo_url": "https://id.example.com/userinfo",
    "client_id": "grafana",
}
URL = "https://grafana.example.com"


def values(**login: Any) -> dict[str, Any]:
    """Grafana's part of the chart's values."""
    grafana = {"url": URL, "login": PROVIDER | login}
    return grafana_values(ObservabilityStackArgs.model_validate({"grafana": grafana}))


def role(claims: dict[str, Any], **login: Any) -> Any:
    """What a person with these claims is in Grafana."""
    return jmespath.search(role_expression(GrafanaLogin.model_validate(PROVIDER | login)), claims)


@pytest.mark.parametrize(
    ("groups", "expected"),
    [
        (["mcp-viewer"], "Viewer"),
        (["other", "mcp-operator"], "Editor"),
        (["mcp-viewer", "mcp-admin", "mcp-operator"], "Admin"),
    ],
)
def test_highest_role_of_a_user_wins(groups: list[str], expected: str) -> None:
    """Requirement SEC-13: Grafana's roles are mapped from the platform's roles."""
    assert role({"groups": groups}) == expected


@pytest.mark.parametrize("claims", [{}, {"groups": []}, {"groups": ["mcp-admins"]}, {"groups": None}])
def test_user_without_a_role_is_rejected(claims: dict[str, Any]) -> None:
    """Grafana: `role_attribute_strict` rejects a login whose role is none of the three."""
    assert role(claims) not in {"Viewer", "Editor", "Admin"}
    assert values()["grafana.ini"]["auth.generic_oauth"]["role_attribute_strict"] is True


def test_group_names_are_quoted_in_the_role_expression() -> None:
    """Requirement CFG-15: an apostrophe in a group name cannot change the expression."""
    named = {"mcp-admin": ["platform", "o'brien' || 'x"], "mcp-viewer": ["all"]}
    assert role({"groups": ["o'brien' || 'x"]}, groups=named) == "Admin"
    assert role({"groups": ["x"]}, groups=named) not in {"Viewer", "Editor", "Admin"}
    assert role({"roles": ["all"]}, groups=named, groups_claim="roles") == "Viewer"


def test_groups_of_the_stack_apply_to_grafana_too() -> None:
    """Requirement SEC-13: one setting maps groups to roles."""
    stack = {
        "services": {"mcp-rag": {"image": "rag:1"}},
        "access": {"operator": ["ops"]},
        "observability": {"grafana": {"url": URL, "login": PROVIDER}},
    }
    login = planned({f"meshed-mcp:{key}": value for key, value in stack.items()}).observability.grafana.login
    assert login is not None
    expression = role_expression(login)
    assert jmespath.search(expression, {"groups": ["ops"]}) == "Editor"
    assert jmespath.search(expression, {"groups": ["mcp-operator"]}) not in {"Viewer", "Editor", "Admin"}
    assert jmespath.search(expression, {"groups": ["mcp-admin"]}) == "Admin"


def test_client_secret_stays_in_its_secret() -> None:
    """Chart, `assertNoLeakedSecrets`: a literal client_secret fails the installation."""
    found = values(client_secret="grafana-oauth")  # noqa: S106 - a Secret's name
    assert "client_secret" not in found["grafana.ini"]["auth.generic_oauth"]
    reference = {"secretKeyRef": {"name": "grafana-oauth", "key": "client-secret"}}
    assert found["envValueFrom"] == {"GF_AUTH_GENERIC_OAUTH_CLIENT_SECRET": reference}


def test_sidecars_can_still_reload_dashboards() -> None:
    """grafana/helm-charts#2948: without basic authentication their reload gets 401; only the form is hidden."""
    ini = values()["grafana.ini"]
    assert ini["auth"]["disable_login_form"] is True
    assert ini.get("auth.basic", {}).get("enabled", True)
    assert ini["server"]["root_url"] == URL


def test_without_a_login_no_login_setting_is_rendered() -> None:
    """Requirement CMP-8: without `login` only the administrator's password gives access."""
    assert "grafana.ini" not in grafana_values(ObservabilityStackArgs())


@pytest.mark.parametrize(
    ("grafana", "text"),
    [
        (
            {"url": URL, "login": PROVIDER | {"roles": {"mcp-admni": "Admin"}}},
            "there is no role 'mcp-admni'; use 'mcp-admin', 'mcp-operator', 'mcp-viewer'",
        ),
        (
            {"url": URL, "login": PROVIDER | {"groups": {"admin": ["a"]}}},
            "there is no role 'admin'; use 'mcp-admin', 'mcp-operator', 'mcp-viewer'",
        ),
        (
            {"url": URL, "login": PROVIDER | {"roles": {"mcp-viewer": "Viewer"}}},
            (
                "roles give no group the role Admin, so no user can administer Grafana; map one, "
                "such as mcp-admin: Admin"
            ),
        ),
        (
            {"url": URL, "login": PROVIDER | {"roles": {"mcp-admin": "Root"}}},
            "input should be 'Viewer', 'Editor' or 'Admin'; got 'Root'",
        ),
        (
            {"url": URL, "login": PROVIDER | {"token_url": "http://id.example.com/token"}},
            "would send log-ins in plaintext; use https://",
        ),
        ({"login": PROVIDER}, "login is set without url, and the identity provider must know where to redirect users"),
    ],
)
def test_impossible_login_is_rejected_with_the_fix(grafana: dict[str, Any], text: str) -> None:
    """Requirement CFG-7: an OIDC role that does not exist and similar settings are rejected."""
    fault, *_ = model_issues(ObservabilityStackArgs, {"grafana": grafana}, "observability")
    assert str(fault).startswith("observability: grafana")
    assert text in str(fault)
