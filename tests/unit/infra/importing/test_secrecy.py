"""What counts as a secret, by name and by value, and the commands that create Secrets."""

import subprocess

import pytest

from meshed_mcp.infra.importing.secrecy import (
    assigns_secret,
    is_secret,
    is_secret_name,
    is_secret_value,
    secret_commands,
    variable_of,
)

SECRET_NAMES = (
    *(
        "GITHUB_TOKEN",
        "API_KEY",
        "apiKey",
        "OPENAI_APIKEY",
        "DB_PASSWORD",
        "X-Api-Key",
        "Authorization",
        "AWS_SECRET_ACCESS_KEY",
    ),
    *(
        "SENTRY_DSN",
        "DATABASE_URL",
        "CLIENT_SECRET",
        "SESSION_COOKIE",
        "GITHUB_PERSONAL_ACCESS_TOKEN",
        "--api-key",
        "MONGO_URI",
    ),
)
PLAIN_NAMES = (
    *(
        "MAX_TOKENS",
        "TOKEN_LIMIT",
        "AUTH_ENABLED",
        "KEYWORDS",
        "LOG_LEVEL",
        "BASE_URL",
        "TOKEN_URL",
        "KEY_PATH",
        "MONKEY",
    ),
    *("PASSWORD_FILE", "--mode", "AUTH_ISSUER", "REGION", ""),
)


@pytest.mark.parametrize("name", SECRET_NAMES)
def test_a_name_of_a_secret_is_recognized(name: str) -> None:
    """Requirement IMP-3: a variable, option or header whose name says that it is a secret is one."""
    assert is_secret_name(name)


@pytest.mark.parametrize("name", PLAIN_NAMES)
def test_a_name_that_describes_a_secret_is_plain(name: str) -> None:
    """Requirement PRJ-1: names of limits, switches and places stay in the stack file."""
    assert not is_secret_name(name)


@pytest.mark.parametrize(
    "value",
    [
        "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc",
        "postgres://app:pw@db.example.com/app",
        "Server=x;Password=pw",
        "https://x.example.com/mcp?api_key=pw",
        "-----BEGIN RSA PRIVATE KEY-----",
        "Bearer abc",
        "9f86d081884c7d659a2feaa0c55ad015",
        "q7Zp0vR3kX9mT2wL8nB5cY1s",
    ],
)
def test_a_value_of_a_secret_is_recognized(value: str) -> None:
    """Requirement IMP-3: tokens, keys and passwords in URLs are secrets under any name."""
    assert is_secret_value(value)


@pytest.mark.parametrize(
    "value",
    [
        "https://mcp.example.com/mcp",
        "--transport=streamable-http",
        "ghcr.io/example/a-rather-long-name-of-an-image:1.2.3",
        "/var/lib/some/long/path/of/a/server",
        "arn:aws:iam::123456789012:role/my-role",
        "6b5e1f60-3c1d-4c83-8f2a-0f7d5a3f6d11",
        "Europe/Berlin",
        "",
    ],
)
def test_an_ordinary_value_is_plain(value: str) -> None:
    """Requirement PRJ-1: URLs, images, paths and identifiers stay in the stack file."""
    assert not is_secret_value(value)


def test_an_assignment_of_a_secret_is_recognized() -> None:
    """Requirement IMP-3: `NAME=value` and `Name: value` in an argument carry a secret."""
    assert assigns_secret("API_KEY=pw")
    assert assigns_secret("X-Api-Key: pw")
    assert not assigns_secret("mode=pw")
    assert not is_secret("REQUIRE_AUTH", "true")


def test_a_command_reads_values_from_the_shell_and_stops_without_them() -> None:
    """POSIX, "Parameter Expansion": `${name:?}` ends the command if the variable is not set."""
    (command,) = secret_commands({"a-credentials": {"TOKEN": "A_TOKEN", "x-api-key": "A_KEY"}}, "mcp-system")
    shell = command.replace("kubectl", "printf '%s\\n'", 1)
    run = subprocess.run(
        ["/bin/sh", "-c", shell],
        env={"A_TOKEN": "a b'c", "A_KEY": "k"},
        capture_output=True,
        text=True,
        check=True,
        timeout=20,
    )
    assert run.stdout.splitlines()[-2:] == ["--from-literal=TOKEN=a b'c", "--from-literal=x-api-key=k"]
    failed = subprocess.run(["/bin/sh", "-c", shell], env={}, capture_output=True, check=False, timeout=20)
    assert failed.returncode != 0


def test_a_variable_of_the_shell_is_made_from_any_name() -> None:
    """POSIX, "Name": letters, digits and underscores, and no digit first."""
    assert variable_of("github", "X-Api-Key") == "GITHUB_X_API_KEY"
    assert variable_of("2fa", "token") == "V_2FA_TOKEN"
