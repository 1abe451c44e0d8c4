"""Alertmanager configuration, checked by amtool and run by a real Alertmanager on loopback."""

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from meshed_mcp.components.observability.alertmanager.routing import alertmanager_config
from meshed_mcp.components.observability.args import AlertmanagerSettings
from meshed_mcp.local.observe.alertmanager import alertmanager_command
from tests.engines.alert_sinks import HookServer, MailServer, serving
from tests.engines.processes import free_port, running
from tests.engines.waiting import wait_for

pytestmark = pytest.mark.engine("alertmanager", "amtool")

WEBHOOK = {"secret": "alerts", "key": "webhook"}
HEARTBEAT = {"secret": "alerts", "key": "heartbeat"}
EMAIL = {"to": "operators@example.com", "sender": "alerts@example.com", "smarthost": "smtp.example.com:587"}
EVERYBODY = {"email": EMAIL, "webhook": WEBHOOK, "heartbeat": HEARTBEAT}
NO_MAIL = {"webhook": WEBHOOK}

Find = Callable[[str], Path]


def written(folder: Path, raw: dict[str, Any], mail_server: str | None = None) -> Path:
    """The configuration as a file, without the first wait; `mail_server`: of this machine, which no stack may name."""
    config = alertmanager_config(AlertmanagerSettings.model_validate(raw), str(folder))
    for receiver in config["receivers"]:
        for each in receiver.get("email_configs", []):
            each["smarthost"] = mail_server or each["smarthost"]
    config["route"]["group_wait"] = "0s"
    path = folder / "alertmanager.yaml"
    path.write_text(json.dumps(config), encoding="utf-8")
    return path


def amtool(find_engine: Find, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """What amtool says."""
    command = [find_engine("amtool"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.parametrize("raw", [{}, NO_MAIL, {"email": EMAIL}, EVERYBODY])
def test_every_receiver_choice_is_a_valid_configuration(find_engine: Find, tmp_path: Path, raw: dict[str, Any]) -> None:
    """Alertmanager's own parser: otherwise the operator rejects a wrong file later."""
    result = amtool(find_engine, "check-config", written(tmp_path, raw))
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize(
    ("raw", "labels", "receivers"),
    [
        (EVERYBODY, "alertname=Watchdog severity=none", "heartbeat"),
        (EVERYBODY, "alertname=MCPServerDown severity=critical", "webhook,email"),
        (EVERYBODY, "alertname=MCPToolErrorRate severity=warning", "email"),
        (EVERYBODY, "alertname=MCPLabelOverflow severity=info", "null"),
        (NO_MAIL, "alertname=MCPToolErrorRate severity=warning", "webhook"),
        (NO_MAIL, "alertname=Watchdog severity=none", "null"),
        ({}, "alertname=MCPServerDown severity=critical", "null"),
    ],
)
def test_an_alert_reaches_its_receivers(
    find_engine: Find, tmp_path: Path, raw: dict[str, Any], labels: str, receivers: str
) -> None:
    """Requirement OBS-6: critical alerts page and are recorded, warnings are recorded, info is shown."""
    path = written(tmp_path, raw)
    test: list[str | Path] = ["config", "routes", "test", "--config.file", path, f"--verify.receivers={receivers}"]
    result = amtool(find_engine, *test, *labels.split())
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.fixture
def sinks() -> Iterator[tuple[HookServer, MailServer]]:
    """Webhook and mail server."""
    hook, mail = HookServer(), MailServer()
    with serving(hook), serving(mail):
        yield hook, mail


@pytest.fixture
def alertmanager(find_engine: Find, tmp_path: Path, sinks: tuple[HookServer, MailServer]) -> Iterator[str]:
    """Address of a real Alertmanager that delivers to the sinks."""
    hook, mail = sinks
    (tmp_path / "alerts").mkdir()
    for key in ("webhook", "heartbeat"):
        (tmp_path / "alerts" / key).write_text(f"http://127.0.0.1:{hook.server_address[1]}/{key}")
    sent, here = EMAIL | {"require_tls": False}, f"127.0.0.1:{mail.server_address[1]}"
    config, address = written(tmp_path, EVERYBODY | {"email": sent}, here), f"127.0.0.1:{free_port()}"
    command = [
        *alertmanager_command(find_engine("alertmanager")),
        f"--config.file={config}",
        f"--storage.path={tmp_path / 'data'}",
        f"--web.listen-address={address}",
        "--cluster.listen-address=",
    ]
    with running(command, tmp_path / "alertmanager.log") as engine:

        def ready() -> bool:
            engine.check()
            try:
                return httpx.get(f"http://{address}/-/ready", trust_env=False).is_success
            except httpx.TransportError:
                return False

        wait_for(ready, "Alertmanager is ready")
        yield f"http://{address}"


def alert(name: str, severity: str, **labels: str) -> dict[str, Any]:
    """An alert as Prometheus sends it."""
    every = {"alertname": name, "severity": severity, "namespace": "mcp-system", "mcp_server_name": "mcp-rag"}
    return {"labels": every | labels, "annotations": {"summary": f"{name} of mcp-rag"}}


def tell(url: str, *alerts: dict[str, Any]) -> None:
    """Send alerts."""
    httpx.post(f"{url}/api/v2/alerts", json=list(alerts), trust_env=False).raise_for_status()


def test_alerts_reach_the_webhook_the_mailbox_and_the_heartbeat(
    alertmanager: str, sinks: tuple[HookServer, MailServer]
) -> None:
    """Requirement OBS-6: delivery is tested; URLs come from files, as Secrets are mounted."""
    hook, mail = sinks
    tell(alertmanager, alert("MCPServerDown", "critical", component="server"), alert("Watchdog", "none"))
    wait_for(lambda: len(hook.posted) > 1 and mail.mails, "webhook, heartbeat and mail are delivered")
    named = {path: document["groupLabels"]["alertname"] for path, document in hook.posted}
    assert named == {"/webhook": "MCPServerDown", "/heartbeat": "Watchdog"}
    assert "To: operators@example.com" in mail.mails[0]
    assert "MCPServerDown" in mail.mails[0]


def test_a_worse_alert_inhibits_the_lesser_ones_of_the_same_server_only(
    alertmanager: str, sinks: tuple[HookServer, MailServer]
) -> None:
    """Requirement OBS-6: a server that is down inhibits its own error alerts, and no others."""
    del sinks
    burn = alert("MCPServerErrorBudgetBurn", "warning", component="server")
    other = alert("MCPServerErrorBudgetBurn", "warning", component="server", mcp_server_name="mcp-llm")
    tell(alertmanager, alert("MCPServerDown", "critical", component="server"), burn, other)

    def states() -> dict[tuple[str, str], str]:
        found = httpx.get(f"{alertmanager}/api/v2/alerts", trust_env=False).json()
        return {
            (item["labels"]["alertname"], item["labels"]["mcp_server_name"]): item["status"]["state"] for item in found
        }

    expected = {
        ("MCPServerDown", "mcp-rag"): "active",
        ("MCPServerErrorBudgetBurn", "mcp-rag"): "suppressed",
        ("MCPServerErrorBudgetBurn", "mcp-llm"): "active",
    }
    wait_for(lambda: states() == expected, f"states are {expected}")
