"""Validators of a service's path, methods, callers and environment variables.

Each returns its argument or raises ValueError; `*_issues` yield one message per contradiction between two fields.
"""

import re
from collections.abc import Collection, Iterable, Iterator
from typing import Final

from meshed_mcp import contract
from meshed_mcp.components.core.names import DNS_LABEL, DNS_NAME, listed
from meshed_mcp.error_codes import service as codes
from meshed_mcp.error_codes.code import Message, raise_all
from meshed_mcp.error_codes.pod import API_SERVER_WITHOUT_TOKEN
from meshed_mcp.error_codes.secrets import DATABASE_IN_SECRET_ENV, DATABASE_SET_TWICE
from meshed_mcp.error_codes.values import INVALID_PATH, LISTED_TWICE

_PATH: Final = re.compile(r"(?:/[A-Za-z0-9._~-]+)+")
_ENVIRONMENT_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_CALLER: Final = re.compile(rf"({DNS_LABEL}/{DNS_NAME}|{DNS_LABEL})")

HTTP_METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
"""Source: RFC 9110, section 9.3, and RFC 5789, without TRACE and CONNECT."""

SESSION_METHODS: Final = ("GET", "POST", "DELETE")
"""Methods that a session needs. Source: MCP 2025-11-25, "Streamable HTTP"."""

SET_BY_COMPONENT: Final = frozenset(contract.STACK_KEYS) - {contract.ENV_DATABASE_URL}
"""Variables that are derived from other fields and cannot be set by a stack."""


def endpoint_path(value: str) -> str:
    """A path without a trailing slash, or `/` itself."""
    if value == "/":
        return value
    if _PATH.fullmatch(value) is None or {".", ".."} & set(value.split("/")):
        raise INVALID_PATH.error(value=value)
    return value


def http_methods(value: list[str]) -> list[str]:
    """HTTP methods that a gateway forwards."""
    bad = [method for method in value if method not in HTTP_METHODS]
    if bad:
        raise codes.UNKNOWN_HTTP_METHOD.error(names=listed(bad), known=", ".join(HTTP_METHODS))
    return value


def caller_names(value: list[str]) -> list[str]:
    """Callers: services by name, or "namespace/serviceaccount", each once."""
    bad = [caller for caller in value if _CALLER.fullmatch(caller) is None]
    if bad:
        raise codes.INVALID_CALLER.error(names=listed(bad))
    return without_duplicates(value)


def without_duplicates(value: list[str]) -> list[str]:
    """A list whose items are unique."""
    twice = sorted({str(each) for each in value if value.count(each) > 1})
    if twice:
        raise LISTED_TWICE.error(names=listed(twice))
    return value


def validate_variable_names(names: Collection[str]) -> Collection[str]:
    """Names of environment variables that no other field sets."""
    bad = [name for name in names if _ENVIRONMENT_NAME.fullmatch(name) is None]
    if bad:
        raise codes.INVALID_VARIABLE_NAME.error(names=listed(bad))
    raise_all(_reserved_variable(name) for name in sorted(names) if _key_of(name) is not None)
    return names


def without_database(names: Collection[str]) -> Collection[str]:
    """Names of variables from Secrets without that of the database, whose login rotates as a file."""
    if contract.ENV_DATABASE_URL in names:
        raise DATABASE_IN_SECRET_ENV.error(variable=contract.ENV_DATABASE_URL)
    return names


def database_issues(plain: Collection[str], *, has_secret: bool) -> Iterator[Message]:
    """A database that is set by a variable and by a Secret."""
    for variable in (contract.ENV_DATABASE_URL, f"{contract.ENV_DATABASE_URL}{contract.FILE_SUFFIX}"):
        if has_secret and variable in plain:
            yield DATABASE_SET_TWICE.message(variable=variable)


def _reserved_variable(name: str) -> Message:
    key = _key_of(name)
    advice = f"remove it and set `{key}`" if key else "remove it"
    return codes.RESERVED_VARIABLE.message(name=repr(name), advice=advice)


def _key_of(name: str) -> str | None:
    """Key of the stack file that a variable, or the file with its value, follows from; None for a free variable."""
    variable = name.removesuffix(contract.FILE_SUFFIX)
    if variable.startswith(contract.CALL_SECRET_PREFIX):
        return "calls"
    if variable.startswith(contract.CREDENTIAL_SECRET_PREFIX):
        return "user_credentials"
    return contract.STACK_KEYS[variable] if variable in SET_BY_COMPONENT else None


def session_issues(legacy: contract.Legacy, methods: Collection[str]) -> Iterator[Message]:
    """Methods that a service with sessions lacks."""
    missing = [method for method in SESSION_METHODS if method not in methods]
    if legacy is contract.Legacy.STICKY and missing:
        yield codes.STICKY_NEEDS_METHODS.message(missing=" and ".join(missing))


def variable_issues(plain: Iterable[str], secret: Iterable[str]) -> Iterator[Message]:
    """Variables in both `env` and `secret_env`."""
    both = sorted(set(plain) & set(secret))
    if both:
        yield codes.VARIABLE_SET_TWICE.message(names=listed(both))


API_SERVER: Final = "default/kubernetes"
"""Service of the API server in every cluster. Source: Kubernetes, "Accessing the Kubernetes API from a Pod"."""


def api_server_issues(dependencies: Iterable[str], *, has_token: bool) -> Iterator[Message]:
    """The API server as a dependency of a service without a token."""
    for number, name in enumerate(dependencies):
        if name == API_SERVER and not has_token:
            yield API_SERVER_WITHOUT_TOKEN.message(name=name).at(f"cluster_dependencies[{number}]")
