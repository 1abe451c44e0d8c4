"""Warning of an unreachable mail server at preview."""

import socket
from typing import Any

import pulumi
import pytest

from meshed_mcp.components.core.errors import model_issues
from meshed_mcp.components.observability.args import ObservabilityStackArgs
from meshed_mcp.infra import program
from meshed_mcp.infra.plan import planned
from meshed_mcp.infra.validation.monitoring import connect_and_close, mail_warnings


def args(smarthost: str) -> ObservabilityStackArgs:
    """Monitoring with e-mail notifications."""
    email = {"to": "a@example.com", "sender": "b@example.com", "smarthost": smarthost}
    return ObservabilityStackArgs.model_validate({"alertmanager": {"email": email}})


def refused(_: tuple[str, int], __: float) -> None:
    """An address that refuses connections."""
    raise ConnectionRefusedError(111, "Connection refused")


def test_an_unreachable_mail_server_is_a_warning_on_the_field() -> None:
    """Requirement CMP-15: an unreachable SMTP host is named at preview."""
    (warning,) = mail_warnings(args("smtp.example.com:587"), refused)
    assert str(warning) == (
        "observability: alertmanager.email.smarthost: smtp.example.com:587 does not answer "
        "from this machine (Connection refused); check host, port and firewall, because no "
        "alert is mailed if it does not answer from the cluster either"
    )


@pytest.mark.parametrize("smarthost", ["mail:25", "mail.apps.svc:25", "mail.apps.svc.cluster.local:25"])
def test_names_of_the_cluster_are_not_resolved(smarthost: str) -> None:
    """Requirement CMP-15: a name that only the cluster resolves gives no warning."""
    assert mail_warnings(args(smarthost), refused) == []


def test_a_stack_without_mail_opens_no_connection() -> None:
    """Requirement CMP-8: a preview opens no connection that the stack does not need."""
    assert mail_warnings(ObservabilityStackArgs(), refused) == []


def test_a_reachable_mail_server_gives_no_warning() -> None:
    """A real connection, to this machine."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        local = ("127.0.0.1", port)
        assert mail_warnings(args(f"smtp.example.com:{port}"), lambda _, s: connect_and_close(local, s)) == []


@pytest.mark.parametrize(
    ("smarthost", "says"),
    [
        ("localhost:25", "cannot be reached from a pod, for which localhost is the pod itself or does not exist; "),
        ("127.0.0.1:25", "cannot be reached from a pod, for which 127.0.0.1 is the pod itself or does not exist; "),
        (
            "smtp.invalid:25",
            "cannot be reached from a pod, for which smtp.invalid is the pod itself or does not exist; ",
        ),
        ("smtp.example.com:0", "has no port from 1 to 65535; "),
        ("smtp.example.com:70000", "has no port from 1 to 65535; "),
    ],
)
def test_a_mail_server_that_no_pod_can_reach_is_rejected(smarthost: str, says: str) -> None:
    """Requirement CFG-7: localhost and .invalid never work from a pod; RFC 6761."""
    email = {"to": "a@example.com", "sender": "b@example.com", "smarthost": smarthost}
    (fault,) = model_issues(ObservabilityStackArgs, {"alertmanager": {"email": email}}, "observability")
    assert str(fault) == (
        f"observability: alertmanager.email.smarthost: {smarthost!r} {says}use one such as 'smtp.example.com:587'"
    )


@pytest.mark.parametrize(("previews", "warnings"), [(True, 1), (False, 0)])
def test_the_program_warns_at_preview_only(monkeypatch: pytest.MonkeyPatch, previews: bool, warnings: int) -> None:
    """Requirement CMP-15: neither an update nor a recording waits for a mail server."""
    said: list[str] = []
    email = args("smtp.example.com:587").alertmanager.model_dump(mode="json", exclude_none=True)
    values: dict[str, Any] = {
        "meshed-mcp:services": {"mcp-a": {"image": "a:1"}},
        "meshed-mcp:observability": {"alertmanager": email},
    }
    assert planned(values).observability.alertmanager.email is not None
    monkeypatch.setattr(program, "configuration", lambda: (values, set()))
    monkeypatch.setattr(program, "register", lambda _: None)
    monkeypatch.setattr(program, "mail_warnings", lambda found: mail_warnings(found, refused))
    monkeypatch.setattr(pulumi.runtime, "is_dry_run", lambda: previews)
    monkeypatch.setattr(pulumi.log, "warn", said.append)
    program.deploy()
    assert len(said) == warnings
