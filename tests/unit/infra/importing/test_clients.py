"""Files of MCP clients: packages, images, remote servers, secrets, inputs and what is left out."""

from typing import Any

import pytest

from tests.unit.infra.importing.importer import client, issues_of, lines_of, report_of, service_of, services_of

VS_CODE = """
    // .vscode/mcp.json
    {
      "inputs": [
        {"type": "promptString", "id": "key", "description": "API key", "password": true},
        {"type": "pickString", "id": "region", "options": ["eu", "us"], "default": "eu"},
        {"type": "promptString", "id": "team", "description": "Team"},
      ],
      "servers": {
        "Web Search": {
          "type": "stdio", "command": "npx",
          "args": ["-y", "@example/server-search@1.4.2", "--region", "${input:region}"],
          "env": {"CREDENTIAL": "${input:key}", "SEARCH_REGION": "${input:region}", "SEARCH_TEAM": "${input:team}"},
          "envFile": "${workspaceFolder}/.env",
        },
        "issues": {"type": "http", "url": "https://mcp.example.com/mcp", "headers": {"X-Api-Key": "${input:key}"}},
      },
    }
"""


def test_servers_of_vs_code_become_services() -> None:
    """VS Code, "MCP configuration reference": `servers`, `inputs` and their references."""
    assert services_of(VS_CODE) == {
        "web-search": {
            "package": "npm:@example/server-search@1.4.2",
            "args": ["--region", "eu"],
            "env": {"SEARCH_REGION": "eu"},
            "secret_env": {"CREDENTIAL": {"secret": "web-search-credentials", "key": "CREDENTIAL"}},
        },
        "issues": {
            "url": "https://mcp.example.com/mcp",
            "outbound_auth": {"headers": {"X-Api-Key": {"secret": "issues-credentials", "key": "x-api-key"}}},
        },
    }


def test_what_is_missing_is_listed_with_its_line_and_key() -> None:
    """Requirement IMP-2: each line names the place in the file, the reason and what to do."""
    lines = lines_of(VS_CODE)
    assert "MM0899: mcp.json:10: servers.Web Search: the service is named web-search: a name is a DNS label" in lines[0]
    assert any(
        "mcp.json:13: servers.Web Search.env.SEARCH_TEAM: set web-search.env.SEARCH_TEAM" in line for line in lines
    )
    assert any("mcp.json:14: servers.Web Search.envFile: is not carried over" in line for line in lines)
    assert "every request is denied until the stack says who may call" in lines[-1]


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (["npx", "-y", "@s/server@1.2.3", "--x"], {"package": "npm:@s/server@1.2.3", "args": ["--x"]}),
        (["npx", "--package=@s/server@1.2.3", "other"], {"package": "npm:@s/server@1.2.3", "command": ["other"]}),
        (["cmd", "/c", "npx", "-y", "server@1.2.3"], {"package": "npm:server@1.2.3"}),
        (["bunx", "server@1.2.3"], {"package": "npm:server@1.2.3"}),
        (["pnpm", "dlx", "server@1.2.3"], {"package": "npm:server@1.2.3"}),
        (["uvx", "server==2026.1.1"], {"package": "pypi:server==2026.1.1"}),
        (["/opt/homebrew/bin/uvx", "server@1.2"], {"package": "pypi:server==1.2"}),
        (["uvx", "--from", "server==1.2", "s", "a"], {"package": "pypi:server==1.2", "command": ["s"], "args": ["a"]}),
        (["uv", "tool", "run", "server==1.2"], {"package": "pypi:server==1.2"}),
        (["pipx", "run", "--spec", "server==1.2", "server"], {"package": "pypi:server==1.2"}),
        (["docker", "run", "-i", "--rm", "--entrypoint", "/s", "-e", "A=1", "x/y:1", "stdio"],
         {"image": "x/y:1", "transport": "stdio", "command": ["/s"], "args": ["stdio"], "env": {"A": "1"}}),
        (["npx", "-y", "mcp-remote@latest", "https://mcp.example.com/mcp"], {"url": "https://mcp.example.com/mcp"}),
    ],
)  # fmt: skip
def test_a_command_becomes_a_package_an_image_or_a_url(command: list[str], expected: dict[str, Any]) -> None:
    """Requirement IMP-1: the commands of clients' documentation are understood."""
    report = report_of(client(command=command[0], args=command[1:]))
    assert report.servers[0].settings == expected
    assert issues_of(report) == []


@pytest.mark.parametrize(
    ("command", "example"),
    [
        (["npx", "-y", "@s/server"], "npm:@s/server@VERSION"),
        (["npx", "@s/server@latest"], "npm:@s/server@VERSION"),
        (["npx", "@s/server@^1.2.0"], "npm:@s/server@VERSION"),
        (["uvx", "server"], "pypi:server==VERSION"),
        (["uvx", "server@latest"], "pypi:server==VERSION"),
    ],
)
def test_a_package_without_a_version_is_to_be_set_and_check_names_it(command: list[str], example: str) -> None:
    """Requirement IMP-4: the stack file has no invented version, and the check names the service."""
    report = report_of(client(command=command[0], args=command[1:]))
    assert f'an exact version is required, as in "{example}"' in report.must_set["search.package"][0]
    assert [issue.where for issue in issues_of(report)] == ["service search"]


def test_an_image_over_stdio_needs_its_command_and_check_names_it() -> None:
    """Requirement IMP-4: the entry point of an image cannot be seen from outside."""
    report = report_of(client(command="docker", args=["run", "-i", "--rm", "-e", "TOKEN", "x/y:1"]))
    assert "search.command" in report.must_set
    assert [issue.message.partition(":")[0] for issue in issues_of(report)] == ["command"]
    assert "search" not in report.must_set


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ({"command": "node", "args": ["/Users/me/x.js"]}, "it runs a program of this machine"),
        ({"command": "uv", "args": ["--directory", "/x", "run", "server"]}, "it runs a program of this machine"),
        ({"command": "bash", "args": ["-c", "x"]}, "it runs a shell script"),
        ({"command": "uvx", "args": ["--from", "git+https://x.example.com/y", "y"]}, "no fixed version in a registry"),
        ({"command": "uvx", "args": ["server[all]==1.2"]}, "its package has extras"),
        ({"command": "npx", "args": ["github:a/b"]}, "no fixed version in a registry"),
        ({"command": "npx", "args": ["-y"]}, "names no package"),
        ({"command": "docker", "args": ["run", "-i"]}, "names no image"),
        ({"type": "sse", "url": "https://x.example.com/sse"}, "HTTP+SSE"),
        ({"command": "npx", "args": ["mcp-remote", "https://x.example.com/s", "--transport", "sse-only"]}, "HTTP+SSE"),
        ({"url": "http://localhost:3000/mcp"}, "a server on this machine"),
        ({"url": "http://10.0.0.1/mcp"}, "a server on this machine"),
        ({"url": "${input:x}"}, "not http or https with a host"),
        ({"disabled": True, "command": "npx", "args": ["a@1.2.3"]}, "it is disabled"),
        ({}, "neither command nor url"),
    ],
)  # fmt: skip
def test_a_server_that_cannot_run_in_a_cluster_is_left_out_with_a_reason(entry: dict[str, Any], reason: str) -> None:
    """Requirement IMP-2: no server disappears in silence."""
    servers = {"search": entry, "other": {"command": "npx", "args": ["a@1.2.3"]}}
    assert list(services_of({"mcpServers": servers})) == ["other"]
    assert any(
        "mcpServers.search: the server is left out" in line and reason in line
        for line in lines_of({"mcpServers": servers})
    )


def test_a_bearer_token_becomes_a_reference_to_a_secret() -> None:
    """RFC 6750, section 2.1: the token follows `Bearer`; the Secret has the token alone."""
    header = ["--header", "Authorization: Bearer ${T}"]
    for entry in (
        {"url": "https://x.example.com/mcp", "headers": {"Authorization": "Bearer hunter2"}},
        {"command": "npx", "args": ["mcp-remote", "https://x.example.com/mcp", *header], "env": {"T": "hunter2"}},
    ):
        assert service_of(client(**entry)) == {
            "url": "https://x.example.com/mcp",
            "outbound_auth": {"bearer": {"secret": "search-credentials", "key": "token"}},
        }


def test_a_secret_argument_of_an_image_is_a_variable() -> None:
    """Kubernetes, "Use environment variables to define arguments": `$(NAME)` is replaced from the environment."""
    args = ["run", "-i", "--entrypoint", "/s", "x/y:1", "--api-key", "hunter2", "--token=hunter2", "--mode", "fast"]
    service = service_of(client(command="docker", args=args))
    assert service["args"] == ["--api-key", "$(SEARCH_API_KEY)", "--token=$(SEARCH_TOKEN)", "--mode", "fast"]
    assert list(service["secret_env"]) == ["SEARCH_API_KEY", "SEARCH_TOKEN"]


def test_a_secret_argument_of_a_package_is_left_out() -> None:
    """Requirement IMP-3: nothing replaces variables in the arguments of a package, so the secret is noted."""
    entry = client(command="npx", args=["a@1.2.3", "--api-key", "hunter2", "--mode", "fast"])
    assert service_of(entry)["args"] == ["--mode", "fast"]
    assert any("args[2]: is not carried over: it is a secret" in line for line in lines_of(entry))


def test_paths_of_the_machine_are_to_be_set() -> None:
    """Requirement IMP-4: a path of a laptop does not exist in a pod."""
    report = report_of(client(command="npx", args=["a@1.2.3", "/Users/me/notes", "${workspaceFolder}/x"]))
    assert list(report.must_set)[:2] == ["search.args[0]", "search.args[1]"]


def test_credentials_in_a_url_are_not_carried_over() -> None:
    """Requirement IMP-3: a URL in a stack file has no credentials."""
    for url in ("https://user:hunter2@x.example.com/mcp", "https://x.example.com/mcp?api_key=hunter2"):
        report = report_of(client(url=url))
        assert report.servers[0].settings == {"url": "https://x.example.com/mcp"}
        assert "search.outbound_auth" in report.must_set


def test_names_become_unique_labels() -> None:
    """RFC 1123, section 2.1: labels are of letters, digits and hyphens; a service's name begins with a letter."""
    names = ["My Server", "my_server", "2fa", "日本", "a" * 90]
    entry = {"command": "npx", "args": ["a@1.2.3"]}
    found = services_of({"mcpServers": dict.fromkeys(names, entry)})
    assert list(found) == ["my-server", "my-server-2", "mcp-2fa", "mcp", "a" * 54]


@pytest.mark.parametrize("wrap", [lambda value: {"mcp": value}, lambda value: value], ids=["settings.json", "mcp.json"])
def test_servers_are_found_below_the_keys_of_each_client(wrap: Any) -> None:
    """VS Code, "settings.json": servers were below `mcp`."""
    assert "search" in services_of(wrap({"servers": client(command="npx", args=["a@1.2.3"])["mcpServers"]}))


def test_reserved_and_invalid_variables_are_noted() -> None:
    """Requirement IMP-2: a variable that a stack cannot set is listed."""
    entry = client(command="npx", args=["a@1.2.3"], env={"MESHED_MCP_PORT": "1", "a-b": "1", "N": 5, "B": True})
    assert service_of(entry)["env"] == {"N": "5", "B": "true"}
    assert sum("env." in line and "is not carried over" in line for line in lines_of(entry)) == 2
