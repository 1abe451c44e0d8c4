"""Settings of a runtime process: one frozen model of the environment variables in `meshed_mcp.contract`."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final, Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    AliasGenerator,
    BeforeValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    ValidationError,
    model_validator,
)
from pydantic_core import ErrorDetails

from meshed_mcp import contract
from meshed_mcp.agents.auth.issuer_settings import replaced_variables
from meshed_mcp.agents.auth.settings import AccessSettings, split_text, variable_of
from meshed_mcp.agents.client.credentials.settings import CallSettings
from meshed_mcp.agents.http.addresses import allowed_hosts
from meshed_mcp.agents.http.limits import Limits
from meshed_mcp.agents.process.secret_files import FixedSecret, Secret, SecretFile, secrets_in_files
from meshed_mcp.agents.process.server_login import ServerLogin, fixed_login
from meshed_mcp.agents.process.start_error import StartError
from meshed_mcp.agents.state.request_state_keys import parse_state_keys
from meshed_mcp.agents.user_credentials.settings import UserCredentialSettings
from meshed_mcp.error_codes.addresses import ADDRESS_WITH_ZONE
from meshed_mcp.error_codes.code import Message, MessageError
from meshed_mcp.error_codes.runtime import (
    PORTS_ARE_EQUAL,
    RUNTIME_CALL_TOO_LONG,
    RUNTIME_GRACE_TOO_SHORT,
    SETTING_INVALID,
)
from meshed_mcp.error_codes.secrets import CERTIFICATE_WITHOUT_KEY, TLS_WITHOUT_SCHEME
from meshed_mcp.error_codes.sessions import STORE_WITHOUT_REDIS, STORE_WITHOUT_SESSIONS

DEFAULT_PRE_STOP_DELAY_SECONDS: Final = 0.0
"""Outside a cluster no endpoints have to be updated; the Deployment sets its own delay."""

DEFAULT_GRACE_SECONDS: Final = 25.0
"""Below Kubernetes' own. Source: Kubernetes Pod API, `terminationGracePeriodSeconds` defaults to 30."""

DEFAULT_ALLOWED_HOSTS: Final = ("127.0.0.1:*", "localhost:*", "[::1]:*")
"""Source: official SDK 2.3, Host values that `streamable_http_app` allows on a loopback address."""

DEFAULT_TRACE_RATIO: Final = 0.1  # one trace in ten; bench/telemetry_cost.py measures the cost per call
LogLevel = Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]

SECRET_VARIABLES: Final = (
    contract.ENV_DATABASE_URL,
    contract.ENV_DATABASE_CA,
    contract.ENV_DATABASE_CERTIFICATE,
    contract.ENV_DATABASE_PRIVATE_KEY,
    contract.ENV_REQUEST_STATE_KEYS,
    contract.ENV_REDIS_URL,
    contract.ENV_REDIS_CA,
    contract.ENV_REDIS_CERTIFICATE,
    contract.ENV_REDIS_PRIVATE_KEY,
    contract.ENV_UPSTREAM_TOKEN,
    contract.ENV_CREDENTIAL_KEYS,
)
"""Variables that no message shows, and that may come from a file: `<VARIABLE>_FILE`."""


class SettingsError(StartError, ValueError):
    """Invalid environment. The text has one line per variable: its name, its value, what to set instead."""


def _without_zone(address: str) -> str:
    if "%" in address:
        raise ADDRESS_WITH_ZONE.error(address=address)
    return address


def _with_portless(hosts: tuple[str, ...]) -> tuple[str, ...]:
    """Let `name:*` also allow `name`: clients omit the default port of the scheme (RFC 9110, section 7.2)."""
    portless = (host.removesuffix(contract.ANY_PORT) for host in hosts if host.endswith(contract.ANY_PORT))
    return tuple(dict.fromkeys((*hosts, *portless)))


Port = Annotated[int, Field(ge=1, le=65535, description="a TCP port from 1 to 65535")]
Seconds = Annotated[
    float, Field(ge=0, le=3600, allow_inf_nan=False, description="seconds from 0 to 3600, such as 5 or 0.5")
]


def _as_sent(origins: tuple[str, ...]) -> tuple[str, ...]:
    """Return the origins as browsers send them. Raises ValueError for another text."""
    normalized = tuple(origin for each in origins if (origin := contract.normalized_origin(each)) is not None)
    if len(normalized) < len(origins):
        raise ValueError(origins)
    return normalized


def _as_linked(urls: tuple[str, ...]) -> tuple[str, ...]:
    """Return base URLs in their normal form. Raises ValueError for another text."""
    normalized = tuple(url for each in urls if (url := contract.normalized_base_url(each)) is not None)
    if len(normalized) < len(urls):
        raise ValueError(urls)
    return normalized


PublicURLList = Annotated[tuple[str, ...], BeforeValidator(split_text), AfterValidator(_as_linked)]
Names = Annotated[tuple[str, ...], BeforeValidator(split_text)]
Origins = Annotated[tuple[str, ...], BeforeValidator(split_text), AfterValidator(_as_sent)]
Hosts = Annotated[
    tuple[str, ...],
    BeforeValidator(split_text),
    AfterValidator(allowed_hosts),
    AfterValidator(_with_portless),
    Field(min_length=1, description="host names separated by commas, such as `mcp-rag,mcp-rag:*`"),
]
OTLPEndpoint = Annotated[
    str | None,
    Field(pattern=r"^https?://[^/\s]+(/[^\s?#]*)?$", description="a base URL, such as http://jaeger.monitoring:4318"),
]
Certificates = Annotated[
    str | None, Field(repr=False, pattern=r"-----BEGIN CERTIFICATE-----", description="PEM text of certificates")
]
PrivateKey = Annotated[
    str | None,
    Field(repr=False, pattern=r"-----BEGIN [A-Z ]*PRIVATE KEY-----", description="PEM text of a private key"),
]
StateKeys = Annotated[
    tuple[str, ...],
    BeforeValidator(lambda value: parse_state_keys(value) if isinstance(value, str) else value),
    Field(repr=False, description="one key per line"),
]


LOOPBACK_HOSTS: Final = _with_portless(DEFAULT_ALLOWED_HOSTS)


class Settings(Limits, AccessSettings, CallSettings, UserCredentialSettings):
    """Settings of one process; each field is a variable of `meshed_mcp.contract` in lower case."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        alias_generator=AliasGenerator(validation_alias=variable_of),
        validate_by_name=True,
        validate_by_alias=True,
    )

    service: str = Field(
        "mcp-server",
        min_length=1,
        max_length=63,
        pattern=contract.SERVICE_NAME_PATTERN,
        description="a name of at most 63 letters, digits, '-', '_' and '.' that begins with a letter, such as mcp-rag",
    )
    namespace: str = Field(
        "default",
        min_length=1,
        max_length=63,
        pattern=contract.NAMESPACE_PATTERN,
        description="a name of at most 63 letters, digits, '-' and '.', such as mcp-system",
    )
    bind_address: Annotated[str, AfterValidator(_without_zone)] = Field(
        contract.BIND_ADDRESS, min_length=1, description="an IP address of this machine, or :: for all"
    )
    port: Port = contract.MCP_PORT
    path: str = Field(
        contract.MCP_PATH,
        max_length=256,
        pattern=r"^/[A-Za-z0-9._~/-]*$",
        description="an absolute path of letters, digits, '/', '-', '.', '_' and '~', such as /mcp",
    )
    management_port: Port = contract.MANAGEMENT_PORT
    allowed_hosts: Hosts = Field(DEFAULT_ALLOWED_HOSTS, validate_default=True)
    public_urls: PublicURLList = Field(
        (), description="base URLs without query separated by commas, such as https://mcp.example.com/mcp-search"
    )
    allowed_origins: Origins | None = Field(
        None, description="origins separated by commas, such as https://app.example.com,http://localhost:*"
    )
    cors_headers: Names = Field((), description="header names separated by commas, such as x-organization-id")
    cors_credentials: bool = Field(False, description="true or false")
    pre_stop_delay_seconds: Seconds = DEFAULT_PRE_STOP_DELAY_SECONDS
    grace_seconds: Seconds = DEFAULT_GRACE_SECONDS
    registry_url: str | None = Field(
        None, pattern=r"^https?://[^/\s]+/?$", description="a base URL without a path, such as http://mcp-registry:8000"
    )
    data_dir: Path = Field(Path("data"), description="a folder this process may write to")
    database_url: str | None = Field(None, repr=False, min_length=1, description="a SQLAlchemy URL")
    database_ca: Certificates = None
    database_certificate: Certificates = None
    database_private_key: PrivateKey = None
    replicated: bool = Field(False, description="true or false")
    request_state_keys: StateKeys = ()
    redis_url: str | None = Field(
        None,
        repr=False,
        pattern=r"^rediss?://\S+$",
        description="redis://user:password@host:6379/0, or rediss:// for TLS",
    )
    redis_ca: Certificates = None
    redis_certificate: Certificates = None
    redis_private_key: PrivateKey = None
    legacy: contract.Legacy = Field(contract.Legacy.STATELESS, description=f"one of {', '.join(contract.Legacy)}")
    session_store: contract.SessionStore = Field(
        contract.SessionStore.MEMORY, description=f"one of {', '.join(contract.SessionStore)}"
    )
    log_level: LogLevel = Field("INFO", description="one of DEBUG, INFO, WARNING, ERROR, CRITICAL")

    otlp_endpoint: OTLPEndpoint = None
    logs_endpoint: OTLPEndpoint = None
    audit_endpoint: OTLPEndpoint = None
    trace_ratio: float = Field(
        DEFAULT_TRACE_RATIO, ge=0, le=1, allow_inf_nan=False, description="a share from 0 to 1, such as 0.1"
    )

    _files: dict[str, SecretFile] = PrivateAttr(default_factory=dict)

    @property
    def effective_hosts(self) -> tuple[str, ...]:
        """Accepted Host values: the allow-list, and the hosts of the public URLs with any port unless one is set."""
        public = [urlsplit(url).netloc for url in self.public_urls]
        forms = [f"{host}:*" for host, url in zip(public, self.public_urls, strict=True) if urlsplit(url).port is None]
        return tuple(dict.fromkeys((*self.allowed_hosts, *public, *forms)))

    @property
    def own_origins(self) -> tuple[str, ...]:
        """Origins of pages at the process's own hosts."""
        return tuple(f"{scheme}://{host.lower()}" for scheme in ("http", "https") for host in self.effective_hosts)

    @property
    def page_origins(self) -> tuple[str, ...]:
        """Origins of web pages that may call the process; without settings those of the same machine."""
        if self.allowed_origins is None:
            return contract.LOOPBACK_ORIGINS if self.allowed_hosts == LOOPBACK_HOSTS else ()
        return self.allowed_origins

    @property
    def effective_call_seconds(self) -> float:
        """Longest call in seconds, including its time in the queue; by default the longest that a drain awaits."""
        return self.call_seconds or contract.longest_call_seconds(self.pre_stop_delay_seconds, self.grace_seconds)

    @property
    def effective_database_url(self) -> str:
        """SQLAlchemy URL: as set, otherwise a SQLite file with the service's name in the data folder."""
        return self.database_url or f"sqlite:///{self.data_dir / self.service}.db"

    @property
    def database(self) -> ServerLogin:
        """Login of the database, for `open_database`: it rotates with the files that `<VARIABLE>_FILE` names."""
        return self._login("database") or fixed_login(self.effective_database_url)

    @property
    def redis(self) -> ServerLogin | None:
        """Login of the Redis; None without one."""
        return self._login("redis")

    def secret(self, field: str) -> Secret | None:
        """Return the secret of a field, which may change if it comes from a file; None if it is not set."""
        if (file := self._files.get(variable_of(field))) is not None:
            return file
        value = getattr(self, field)
        if not value:
            return None
        return FixedSecret(value if isinstance(value, str) else "\n".join(value))

    def with_secret_files(self, files: Mapping[str, SecretFile]) -> Self:
        """Return these settings; the secrets of `files`, by variable, change with them."""
        found = self.model_copy()
        found._files = dict(files)  # noqa: SLF001 - a copy of this object
        return found

    def _login(self, server: str) -> ServerLogin | None:
        url = self.secret(f"{server}_url")
        parts = (self.secret(f"{server}_{part}") for part in ("ca", "certificate", "private_key"))
        return None if url is None else ServerLogin(url, *parts)

    @model_validator(mode="after")
    def _validate_certificates(self) -> Self:
        for server in ("database", "redis"):
            pair = (f"{server}_certificate", f"{server}_private_key")
            given = [field for field in pair if getattr(self, field) is not None]
            if len(given) == 1:
                missing = pair[1 - pair.index(given[0])]
                raise CERTIFICATE_WITHOUT_KEY.error(given=variable_of(given[0]), missing=variable_of(missing))
        tls = [name for name in ("redis_ca", "redis_certificate") if getattr(self, name) is not None]
        if tls and self.redis_url is not None and not self.redis_url.startswith("rediss:"):
            raise TLS_WITHOUT_SCHEME.error(variable=contract.ENV_REDIS_URL, given=variable_of(tls[0]))
        return self

    @model_validator(mode="after")
    def _validate_ports_and_grace_period(self) -> Self:
        if self.port == self.management_port:
            raise PORTS_ARE_EQUAL.error(
                variable=contract.ENV_PORT, management=contract.ENV_MANAGEMENT_PORT, port=self.port
            )
        least = self.pre_stop_delay_seconds + contract.CLOSING_SECONDS
        if self.grace_seconds <= least:
            raise RUNTIME_GRACE_TOO_SHORT.error(
                variable=contract.ENV_GRACE_SECONDS,
                grace=self.grace_seconds,
                pre_stop=contract.ENV_PRE_STOP_DELAY_SECONDS,
                seconds=self.pre_stop_delay_seconds,
                closing=contract.CLOSING_SECONDS,
                least=least,
            )
        longest = contract.longest_call_seconds(self.pre_stop_delay_seconds, self.grace_seconds)
        if self.call_seconds is not None and self.call_seconds > longest:
            raise RUNTIME_CALL_TOO_LONG.error(
                variable=contract.ENV_CALL_SECONDS,
                call_seconds=self.call_seconds,
                longest=longest,
                grace=contract.ENV_GRACE_SECONDS,
                least=self.call_seconds + self.grace_seconds - longest,
            )
        return self

    @model_validator(mode="after")
    def _validate_session_store(self) -> Self:
        if self.session_store is contract.SessionStore.MEMORY:
            return self
        if self.legacy is not contract.Legacy.STICKY:
            raise STORE_WITHOUT_SESSIONS.error(variable=contract.ENV_SESSION_STORE, legacy=contract.ENV_LEGACY)
        if self.redis_url is None:
            raise STORE_WITHOUT_REDIS.error(variable=contract.ENV_SESSION_STORE, redis=contract.ENV_REDIS_URL)
        return self

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ, *, service: str | None = None) -> Self:
        """Parse the variables; an empty one counts as unset. `service` is the default of the service name.

        `<VARIABLE>_FILE` names a file with the value of a secret variable. Raises SettingsError with one line per wrong
        variable.
        """
        if replaced := replaced_variables(environment):
            raise SettingsError(*replaced)
        names = list(map(variable_of, cls.model_fields))
        values = {name: environment[name] for name in names if environment.get(name)}
        files, issues = secrets_in_files(environment, [name for name in SECRET_VARIABLES if name in names])
        values |= {name: file.read() for name, file in files.items()}
        if service is not None:
            values.setdefault(contract.ENV_SERVICE, service)
        try:
            settings = cls.model_validate(values)
        except ValidationError as error:
            raise SettingsError(*issues, *_messages(cls, error, values, files)) from None
        if issues:
            raise SettingsError(*issues)
        return settings.with_secret_files(files)


Values = Mapping[str, str]
Files = Mapping[str, SecretFile]


def _messages(model: type[Settings], error: ValidationError, values: Values, files: Files) -> tuple[Message, ...]:
    found = (message for item in error.errors() for message in _messages_of(model, item, values, files))
    return tuple(dict.fromkeys(found))


def _messages_of(model: type[Settings], item: ErrorDetails, values: Values, files: Files) -> tuple[Message, ...]:
    variable = str(item["loc"][0]) if item["loc"] else ""
    named = f"{variable}{contract.FILE_SUFFIX}" if variable in files else variable
    reason = item["ctx"]["error"] if item["type"] == "value_error" else None
    if isinstance(reason, MessageError):
        return tuple(message.at(named) if named else message for message in reason.messages)
    field = next(name for name in model.model_fields if variable_of(name) == variable)
    shown = named if variable in SECRET_VARIABLES else f"{variable}={values[variable]!r}"
    return (SETTING_INVALID.message(shown=shown, wanted=model.model_fields[field].description),)
