"""Settings of a process: names, defaults, ranges and error texts."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from meshed_mcp import contract
from meshed_mcp.agents import Settings, SettingsError

SERVICE_NAME = "a name of at most 63 letters, digits, '-', '_' and '.' that begins with a letter, such as mcp-rag"
BAD_SERVICES = ("../x", "My Server", "größe", "mcp-", "2048", "a.0x1", "a..b", "a/b", "a" * 64)
NAMESPACE = "a name of at most 63 letters, digits, '-' and '.', such as mcp-system"


def fault(**variables: str) -> str:
    """The text of the refusal."""
    with pytest.raises(SettingsError) as refusal:
        Settings.from_environment(variables)
    return "\n".join(refusal.value.messages)


def test_an_empty_environment_serves_loopback_only() -> None:
    """Requirement CFG-10: a service started by hand works at once, and only under loopback names."""
    settings = Settings.from_environment({})
    assert (settings.port, settings.management_port) == (contract.MCP_PORT, contract.MANAGEMENT_PORT)
    assert set(settings.allowed_hosts) == {"127.0.0.1:*", "127.0.0.1", "localhost:*", "localhost", "[::1]:*", "[::1]"}
    assert (settings.pre_stop_delay_seconds, settings.grace_seconds) == (0, 25)
    assert settings.registry_url is None
    assert settings.log_level == "INFO"


def test_every_variable_of_the_contract_is_read() -> None:
    """meshed_mcp.contract: the runtime obeys what the platform renders."""
    settings = Settings.from_environment(
        {
            contract.ENV_SERVICE: "mcp-rag",
            contract.ENV_NAMESPACE: "mcp-system",
            contract.ENV_BIND_ADDRESS: "127.0.0.2",
            contract.ENV_PORT: "8001",
            contract.ENV_PATH: "/api/mcp",
            contract.ENV_MANAGEMENT_PORT: "9465",
            contract.ENV_ALLOWED_HOSTS: "mcp-rag, mcp.example.com:443",
            contract.ENV_PRE_STOP_DELAY_SECONDS: "5",
            contract.ENV_GRACE_SECONDS: "40.5",
            contract.ENV_REGISTRY_URL: "http://mcp-registry:8000",
            contract.ENV_DATA_DIR: contract.DATA_PATH,
            contract.ENV_DATABASE_URL: "postgresql+psycopg://user:secret@db/rag",
            contract.ENV_LOG_LEVEL: "DEBUG",
        }
    )
    assert settings == Settings(
        service="mcp-rag",
        namespace="mcp-system",
        bind_address="127.0.0.2",
        port=8001,
        path="/api/mcp",
        management_port=9465,
        allowed_hosts=("mcp-rag", "mcp.example.com:443"),
        pre_stop_delay_seconds=5,
        grace_seconds=40.5,
        registry_url="http://mcp-registry:8000",
        data_dir=Path("/data"),
        database_url="postgresql+psycopg://user:secret@db/rag",
        log_level="DEBUG",
    )


def test_an_empty_variable_counts_as_unset() -> None:
    """Kubernetes renders an absent value as an empty one; the SDK's server has a name of its own."""
    settings = Settings.from_environment({contract.ENV_PORT: "", contract.ENV_SERVICE: ""}, service="mcp-llm")
    assert (settings.port, settings.service) == (contract.MCP_PORT, "mcp-llm")


def test_a_wildcard_port_also_allows_the_name_without_a_port() -> None:
    """RFC 9110, section 7.2: the port is left out of Host when it is the scheme's default."""
    settings = Settings.from_environment({contract.ENV_ALLOWED_HOSTS: "mcp-rag:*"})
    assert settings.allowed_hosts == ("mcp-rag:*", "mcp-rag")


def test_without_a_database_url_a_sqlite_file_is_used() -> None:
    """meshed_mcp.contract, ENV_DATABASE_URL."""
    settings = Settings.from_environment({contract.ENV_DATA_DIR: "/data", contract.ENV_SERVICE: "mcp-rag"})
    assert settings.effective_database_url == "sqlite:////data/mcp-rag.db"
    given = Settings(database_url="postgresql://db/rag")
    assert given.effective_database_url == "postgresql://db/rag"


@pytest.mark.parametrize(
    ("variable", "value", "write"),
    [
        (contract.ENV_PORT, "abc", "a TCP port from 1 to 65535"),
        (contract.ENV_MANAGEMENT_PORT, "65536", "a TCP port from 1 to 65535"),
        (contract.ENV_PRE_STOP_DELAY_SECONDS, "-1", "seconds from 0 to 3600, such as 5 or 0.5"),
        (contract.ENV_GRACE_SECONDS, "nan", "seconds from 0 to 3600, such as 5 or 0.5"),
        (contract.ENV_ALLOWED_HOSTS, " , ", "host names separated by commas, such as `mcp-rag,mcp-rag:*`"),
        (contract.ENV_REGISTRY_URL, "mcp-registry:8000", "a base URL without a path, such as http://mcp-registry:8000"),
        (contract.ENV_LOG_LEVEL, "info", "one of DEBUG, INFO, WARNING, ERROR, CRITICAL"),
        *((contract.ENV_SERVICE, value, SERVICE_NAME) for value in BAD_SERVICES),
        *((contract.ENV_NAMESPACE, value, NAMESPACE) for value in ("my ns", "a/b", "a_b", "-")),
    ],
)
def test_a_wrong_value_is_reported_with_the_variable_and_what_to_set(variable: str, value: str, write: str) -> None:
    """Requirement RUN-6: the line names the variable, the value and what to set instead."""
    assert fault(**{variable: value}) == f"{variable}={value!r} is not usable; set {write}"


def test_all_wrong_variables_are_reported_at_once() -> None:
    """Requirement CFG-3: all errors are reported in one run, one line each."""
    lines = fault(**{contract.ENV_PORT: "x", contract.ENV_LOG_LEVEL: "y", contract.ENV_GRACE_SECONDS: "z"}).splitlines()
    assert [line.partition("=")[0] for line in lines] == [
        contract.ENV_PORT,
        contract.ENV_GRACE_SECONDS,
        contract.ENV_LOG_LEVEL,
    ]


def test_a_grace_period_without_time_after_the_pre_stop_delay_is_rejected() -> None:
    """Requirement RUN-1: in-flight calls need time between the end of new traffic and the exit."""
    assert fault(**{contract.ENV_PRE_STOP_DELAY_SECONDS: "30"}) == (
        "MESHED_MCP_GRACE_SECONDS=25 leaves in-flight requests no time, because MESHED_MCP_PRE_STOP_DELAY_SECONDS=30 "
        "passes first and closing takes 2; set MESHED_MCP_GRACE_SECONDS above 32"
    )


def test_one_port_for_two_purposes_is_rejected() -> None:
    """Requirement RUN-7: metrics stay outside the mesh, calls inside; Istio separates them by port."""
    assert fault(**{contract.ENV_PORT: "9464"}) == (
        "MESHED_MCP_PORT and MESHED_MCP_MANAGEMENT_PORT are both 9464, and calls and metrics need a port each; "
        "set MESHED_MCP_MANAGEMENT_PORT to another number"
    )


def test_settings_are_frozen_and_their_text_hides_the_database_password() -> None:
    """Requirement CFG-11: settings may be logged."""
    settings = Settings(database_url="postgresql://user:secret@db/rag")
    assert "secret" not in repr(settings)
    with pytest.raises(ValidationError, match="frozen"):
        settings.port = 1  # type: ignore[misc]  # what the test forbids


@pytest.mark.parametrize("path", ["mcp", "/mcp?x", "/a b", "/{name}", "/" + "a" * 300])
def test_a_path_that_is_no_plain_path_is_rejected(path: str) -> None:
    """Requirement BRG-14: a template or query is no path of an endpoint."""
    wanted = "an absolute path of letters, digits, '/', '-', '.', '_' and '~', such as /mcp"
    assert fault(**{contract.ENV_PATH: path}) == f"MESHED_MCP_PATH={path!r} is not usable; set {wanted}"


@pytest.mark.parametrize(
    ("variables", "code"),
    [
        ({"MESHED_MCP_SESSION_STORE": "redis"}, "MM1045"),
        ({"MESHED_MCP_SESSION_STORE": "redis", "MESHED_MCP_LEGACY": "sticky"}, "MM1046"),
        ({"MESHED_MCP_SESSION_STORE": "disk"}, "MM0"),
    ],
)
def test_a_session_store_that_cannot_work_is_rejected(variables: dict[str, str], code: str) -> None:
    """Requirement RUN-6: one line with the variable."""
    with pytest.raises(SettingsError) as rejected:
        Settings.from_environment(variables)
    (message,) = rejected.value.messages
    assert message.code.startswith(code)
    assert "MESHED_MCP_SESSION_STORE" in message


def test_sessions_in_redis_are_accepted() -> None:
    """Requirement STR-5: both variables that the store needs."""
    variables = {
        "MESHED_MCP_SESSION_STORE": "redis", "MESHED_MCP_LEGACY": "sticky", "MESHED_MCP_REDIS_URL": "redis://r:6379/0",
    }  # fmt: skip
    assert Settings.from_environment(variables).session_store == "redis"


CERTIFICATE = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----"
KEY = "-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----"


def written(folder: Path, **texts: str) -> dict[str, str]:
    """Variables with the paths of files that hold these texts."""
    for name, text in texts.items():
        (folder / name).write_text(text)
    return {f"{name}_FILE": str(folder / name) for name in texts}


def test_a_secret_comes_from_a_file_and_follows_it(tmp_path: Path) -> None:
    """Requirement ROT-1: the value at the start is a setting, and `secret` reads the file as it is now."""
    files = written(tmp_path, MESHED_MCP_REDIS_URL="rediss://:hidden@redis\n", MESHED_MCP_REDIS_CA=CERTIFICATE)
    settings = Settings.from_environment(files)
    assert settings.redis_url == "rediss://:hidden@redis"
    assert settings.redis is not None
    assert settings.redis.read().ca == CERTIFICATE
    (tmp_path / "MESHED_MCP_REDIS_URL").write_text("rediss://:two@redis")
    assert settings.redis.read().url == "rediss://:two@redis"
    assert "hidden" not in repr(settings)


def test_a_secret_of_a_variable_stays() -> None:
    """Requirement CFG-10: a service started by hand needs no file."""
    settings = Settings.from_environment({contract.ENV_REQUEST_STATE_KEYS: f"{'a' * 32}\n{'b' * 32}"})
    keys = settings.secret("request_state_keys")
    assert keys is not None
    assert keys.read() == f"{'a' * 32}\n{'b' * 32}"
    assert settings.secret("redis_url") is None
    assert settings.redis is None
    assert settings.database.read().url == "sqlite:///data/mcp-server.db"


def test_a_wrong_value_in_a_file_names_the_variable_of_the_file(tmp_path: Path) -> None:
    """Requirement CFG-11: one line per file; no value is shown."""
    text = fault(
        **written(tmp_path, MESHED_MCP_REDIS_URL="http://:hidden@redis", MESHED_MCP_REQUEST_STATE_KEYS="hidden"),
        MESHED_MCP_DATABASE_URL_FILE="/missing",
        MESHED_MCP_DATABASE_URL="",
    )
    assert text.splitlines() == [
        (
            "MESHED_MCP_DATABASE_URL_FILE: /missing cannot be read (No such file or directory); mount the Secret "
            "there, readable for the user of the process"
        ),
        (
            "MESHED_MCP_REQUEST_STATE_KEYS_FILE: key 1 of 1 has 6 bytes, and 32 are needed; set one key per line, each "
            "as `openssl rand -hex 32` gives it, the one that seals first"
        ),
        "MESHED_MCP_REDIS_URL_FILE is not usable; set redis://user:password@host:6379/0, or rediss:// for TLS",
    ]


@pytest.mark.parametrize(
    ("variables", "line"),
    [
        (
            {contract.ENV_DATABASE_CERTIFICATE: CERTIFICATE},
            "MESHED_MCP_DATABASE_CERTIFICATE is set without MESHED_MCP_DATABASE_PRIVATE_KEY; set both",
        ),
        (
            {contract.ENV_REDIS_PRIVATE_KEY: KEY},
            "MESHED_MCP_REDIS_PRIVATE_KEY is set without MESHED_MCP_REDIS_CERTIFICATE; set both",
        ),
        (
            {contract.ENV_REDIS_URL: "redis://redis", contract.ENV_REDIS_CA: CERTIFICATE},
            "MESHED_MCP_REDIS_URL begins with redis://, so it uses no TLS, and MESHED_MCP_REDIS_CA is set; set a URL",
        ),
        ({contract.ENV_DATABASE_CA: "a path?"}, "MESHED_MCP_DATABASE_CA is not usable; set PEM text of certificates"),
        (
            {contract.ENV_REDIS_URL: "redis://a", f"{contract.ENV_REDIS_URL}_FILE": "/a"},
            "MESHED_MCP_REDIS_URL_FILE and MESHED_MCP_REDIS_URL are both set; set one of them",
        ),
    ],
)
def test_certificates_that_cannot_be_used_are_rejected(variables: dict[str, str], line: str) -> None:
    """Requirement ROT-5: what has no effect, or half of it, is an error at the start."""
    assert fault(**variables).startswith(line)
