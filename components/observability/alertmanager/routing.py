"""Alertmanager's configuration: routes, receivers and inhibition rules.

Settings in, the configuration and the names of its Secrets out. Source: Alertmanager, "Configuration". Not here: the
alerts (`components/alerts`), Alertmanager itself (`observability/prometheus/values.py`).
"""

from typing import Final

from meshed_mcp import contract
from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.components.observability.alertmanager.args import EmailReceiver, SecretFile
from meshed_mcp.components.observability.args import AlertmanagerSettings

SECRETS_DIR: Final = "/etc/alertmanager/secrets"
"""Folder into which the operator mounts `secrets`. Source: Prometheus operator, AlertmanagerSpec."""

NO_RECEIVER: Final = "null"
EMAIL: Final = "email"
WEBHOOK: Final = "webhook"
HEARTBEAT: Final = "heartbeat"
"""Names of receivers; the first is the chart's and sends nothing."""

GROUP_BY: Final = ["alertname", "namespace", contract.LABEL_SERVER]
WATCHDOG: Final = 'alertname="Watchdog"'
"""Matches the chart's alert that always fires."""

SERVER_DOWN: Final = "MCPServerDown|MCPAgentDown|MCPRegistryDown"
"""Alerts on a server that serves no request: the other alerts on it are consequences."""


def alertmanager_config(settings: AlertmanagerSettings, secrets_dir: str = SECRETS_DIR) -> Manifest:
    """The configuration; an alert without a receiver is shown and not sent."""
    return {
        "global": {"resolve_timeout": "5m"},
        "receivers": receivers(settings, secrets_dir),
        "route": {
            "receiver": NO_RECEIVER,
            "group_by": GROUP_BY,
            "group_wait": "30s",
            "group_interval": "5m",
            "repeat_interval": "12h",
            "routes": routes(settings),
        },
        "inhibit_rules": inhibitions(),
    }


def secrets(settings: AlertmanagerSettings) -> list[str]:
    """Names of the Secrets that the configuration reads, sorted."""
    password = settings.email.password if settings.email else None
    files = (password, settings.webhook, settings.heartbeat)
    return sorted({file.secret for file in files if file is not None})


def routes(settings: AlertmanagerSettings) -> list[Manifest]:
    """Routes in the order of evaluation; the webhook receives warnings as well if there is no email receiver."""
    heartbeat = HEARTBEAT if settings.heartbeat else NO_RECEIVER
    beat = {"group_wait": "0s", "group_interval": "1m", "repeat_interval": "1m"}
    found: list[Manifest] = [{"matchers": [WATCHDOG], "receiver": heartbeat, **beat}]
    if settings.webhook:
        severity = 'severity="critical"' if settings.email else 'severity=~"critical|warning"'
        found.append({"matchers": [severity], "receiver": WEBHOOK, "continue": True})
    if settings.email:
        found.append({"matchers": ['severity=~"critical|warning"'], "receiver": EMAIL})
    return found


def receivers(settings: AlertmanagerSettings, secrets_dir: str) -> list[Manifest]:
    """The receivers of the settings; their secrets are read from files."""
    found: list[Manifest] = [{"name": NO_RECEIVER}]
    if settings.email:
        found.append({"name": EMAIL, "email_configs": [email(settings.email, secrets_dir)]})
    if settings.webhook:
        found.append({"name": WEBHOOK, "webhook_configs": [webhook(settings.webhook, secrets_dir, resolved=True)]})
    if settings.heartbeat:
        found.append({"name": HEARTBEAT, "webhook_configs": [webhook(settings.heartbeat, secrets_dir, resolved=False)]})
    return found


def email(receiver: EmailReceiver, secrets_dir: str) -> Manifest:
    """An email per group of alerts, and one when the group is resolved."""
    password = {"auth_password_file": path(receiver.password, secrets_dir)} if receiver.password else {}
    username = {"auth_username": receiver.username} if receiver.username else {}
    return {
        "to": receiver.to,
        "from": receiver.sender,
        "smarthost": receiver.smarthost,
        "require_tls": receiver.require_tls,
        "send_resolved": True,
        **username,
        **password,
    }


def webhook(url: SecretFile, secrets_dir: str, *, resolved: bool) -> Manifest:
    """A POST of JSON; the URL is a secret, because it authorizes the sender."""
    return {"url_file": path(url, secrets_dir), "send_resolved": resolved}


def path(file: SecretFile, secrets_dir: str) -> str:
    """File of a key of a mounted Secret."""
    return f"{secrets_dir}/{file.secret}/{file.key}"


def inhibitions() -> list[Manifest]:
    """Inhibition rules; each applies to alerts on the same server, so that one server never mutes another."""
    same_server = ["namespace", contract.LABEL_SERVER]
    return [
        {
            "source_matchers": ['severity="critical"'],
            "target_matchers": ['severity=~"warning|info"'],
            "equal": ["alertname", *same_server],
        },
        {
            "source_matchers": [f'alertname=~"{SERVER_DOWN}"'],
            "target_matchers": [f'alertname!~"{SERVER_DOWN}"', 'component=~"server|tool|pod|registry"'],
            "equal": same_server,
        },
        {
            "source_matchers": ['alertname="MCPRegistryDown"'],
            "target_matchers": ['component=~"server|tool"', 'severity=~"warning|info"'],
            "equal": ["namespace"],
        },
        {
            "source_matchers": ['alertname="InfoInhibitor"'],
            "target_matchers": ['severity="info"'],
            "equal": ["namespace"],
        },
    ]
