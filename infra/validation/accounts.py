"""ServiceAccounts of a stack's services: names that differ from the service's, and one account for two services."""

from collections.abc import Iterator

from meshed_mcp import contract
from meshed_mcp.components.core.errors import ConfigIssue
from meshed_mcp.components.pod.args import PodSettings
from meshed_mcp.components.pod.manifests import account_name
from meshed_mcp.error_codes.pod import ACCOUNT_OF_TWO_SERVICES
from meshed_mcp.infra.config import StackConfig


def servers(config: StackConfig) -> dict[str, PodSettings]:
    """Name -> pod options of every service, registry included."""
    registry = {} if config.registry is None else {contract.REGISTRY_NAME: config.registry}
    return {**config.services, **registry}


def account_names(config: StackConfig) -> dict[str, str]:
    """Service -> its ServiceAccount, of those with an account of another name."""
    found = {name: item.service_account.name for name, item in servers(config).items()}
    return {name: account for name, account in found.items() if account is not None}


def account_issues(config: StackConfig) -> Iterator[ConfigIssue]:
    """Services with the ServiceAccount of another one, and so with its rights."""
    owners: dict[str, str] = {}
    settings = servers(config)
    for name in sorted(settings, key=lambda each: settings[each].service_account.name is not None):
        account = account_name(name, settings[name].service_account)
        other = owners.setdefault(account, name)
        if other != name:
            where = "registry" if name == contract.REGISTRY_NAME else f"service {name}"
            message = ACCOUNT_OF_TWO_SERVICES.message(name=account, other=other)
            yield ConfigIssue(where, "service_account.name", message)
