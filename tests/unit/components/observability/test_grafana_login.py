"""Log-in to Grafana: who becomes what, judged by a real JMESPath, and what is refused."""

from typing import Any

import jmespath
import pytest

from meshed_mcp.components.core.errors import model_issues
from meshed_mcp.components.observability.args import ObservabilityStackArgs
from meshed_mcp.components.observability.grafana_login import GrafanaLogin, role_expression
from meshed_mcp.components.observability.grafana_values import grafana_values
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
def test_people_are_what_their_mightiest_role_makes_them(groups: list[str], expected: str) -> None:
    """Issue 6, point 6: role mapping from the platform's roles."""
    assert role({"groups": groups}) == expected


@pytest.mark.parametrize("claims", [{}, {"groups": []}, {"groups": ["mcp-admins"]}, {"groups": None}])
def test_whoever_has_no_role_does_not_get_in(claims: dict[str, Any]) -> None:
    """Grafana: `role_attribute_strict` refuses a log-in whose role is none of the three."""
    assert role(claims) not in {"Viewer", "Editor", "Admin"}
    assert values()["grafana.ini"]["auth.generic_oauth"]["role_attribute_strict"] is True


def test_groups_have_the_names_of_the_provider() -> None:
    """Product rule: an apostrophe in the name of a group cannot write an expression of its own."""
    named = {"mcp-admin": ["platform", "o'brien' || 'x"], "mcp-viewer": ["all"]}
    assert role({"groups": ["o'brien' || 'x"]}, groups=named) == "Admin"
    assert role({"groups": ["x"]}, groups=named) not in {"Viewer", "Editor", "Admin"}
    assert role({"roles": ["all"]}, groups=named, groups_claim="roles") == "Viewer"


def test_the_stacks_groups_of_people_hold_for_grafana_too() -> None:
    """Issue 6, point 6: one place says who has which role."""
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


def test_the_secret_stays_in_its_secret() -> None:
    """Chart, `assertNoLeakedSecrets`: a literal client_secret fails the installation."""
    found = values(client_secret="door")  # noqa: S106 - a Secret's name
    assert "client_secret" not in found["grafana.ini"]["auth.generic_oauth"]
    reference = {"secretKeyRef": {"name": "door", "key": "client-secret"}}
    assert found["envValueFrom"] == {"GF_AUTH_GENERIC_OAUTH_CLIENT_SECRET": reference}


def test_the_sidecars_can_still_tell_grafana_of_new_dashboards() -> None:
    """grafana/helm-charts#2948: without basic authentication their reload gets 401; only the form is hidden."""
    ini = values()["grafana.ini"]
    assert ini["auth"]["disable_login_form"] is True
    assert ini.get("auth.basic", {}).get("enabled", True)
    assert ini["server"]["root_url"] == URL


def test_without_a_login_nothing_of_it_is_set() -> None:
    """Product rule: the administrator's password is the only way in."""
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
def test_a_login_that_cannot_work_is_refused_with_the_fix(grafana: dict[str, Any], text: str) -> None:
    """Issue 6, bad input: an OIDC role that does not exist; and what is as wrong."""
    fault, *_ = model_issues(ObservabilityStackArgs, {"grafana": grafana}, "observability")
    assert str(fault).startswith("observability: grafana")
    assert text in str(fault)
