"""All formats: recognition, odd values, and secrets that never leave the file."""

import re
from collections.abc import Iterator
from itertools import chain
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meshed_mcp.components.core.errors import ConfigurationError
from meshed_mcp.infra.importing.formats import imported
from meshed_mcp.infra.importing.secrecy import secret_commands
from meshed_mcp.infra.importing.source import Source
from meshed_mcp.infra.importing.stack_text import stack_text
from tests.unit.infra.importing.importer import client, config_of, report_of

KEYS: Final = re.findall(
    r"\S+",
    """mcpServers servers services mcp inputs id password default command args env url headers type disabled cwd image
    entrypoint ports target environment env_file volumes source secrets configs tmpfs healthcheck test depends_on deploy
    resources limits requests cpus memory cpu replicas user file external path metadata name namespace spec transport
    mcpPort value valueFrom secretKeyRef key podTemplateSpec containers volumeMounts labels annotations serviceAccount
    permissionProfile deployment cmd secretRefs httpTransport transportType items packages remotes registryType
    identifier version runtimeArguments packageArguments environmentVariables isSecret isRequired variables TOKEN""",
)
WORDS: Final = [
    *re.findall(
        r"\S+",
        """npx -y uvx docker run -e --from a@1.2.3 @s/n@1.0.0 b==1.0 mcp-remote https://x.example.com/mcp https://[x
        stdio http://localhost:1/ --header sse streamable-http http oci npm pypi ${A} ${input:a} ${B:-c} $C $$ 8080
        8080:80 1-2:3/udp 512m 1Gi 0.5 99999999999999999999 /a ./b c:/d:ro {x} ghp_aaaaaaaaaaaa - -- = :""",
    ),
    *("", "a b", "'", "\x00", "\x1b[31m", "\u2028", "😀"),
]
SCALARS = st.one_of(st.sampled_from(WORDS), st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8))
TEXTS = st.lists(st.sampled_from(WORDS), max_size=6)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.one_of(st.sampled_from(KEYS), st.text(max_size=5)), inner)
    ),
    max_leaves=30,
)


def some(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Mappings with some of the fields, or odd values in their place."""
    return st.one_of(
        VALUES, st.fixed_dictionaries({}, optional={key: st.one_of(each, VALUES) for key, each in fields.items()})
    )


def named(each: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Mappings of names."""
    return st.dictionaries(st.text(max_size=4), each, max_size=3)


ENTRY = some(command=st.sampled_from(WORDS), args=TEXTS, url=st.sampled_from(WORDS), type=SCALARS)
SERVICE = some(image=SCALARS, command=TEXTS, entrypoint=TEXTS, ports=TEXTS, volumes=TEXTS, user=SCALARS)
TEMPLATE = some(
    metadata=VALUES, spec=some(containers=st.lists(VALUES, max_size=3), volumes=st.lists(VALUES, max_size=2))
)
SPEC = some(
    image=SCALARS, transport=st.sampled_from(["stdio", "streamable-http", "sse"]), args=TEXTS, podTemplateSpec=TEMPLATE,
    deployment=some(image=SCALARS, cmd=SCALARS, args=TEXTS), httpTransport=VALUES,
)  # fmt: skip
RESOURCE = st.fixed_dictionaries(
    {
        "apiVersion": st.sampled_from(["toolhive.stacklok.dev/v1alpha1", "kagent.dev/v1alpha1"]),
        "kind": st.sampled_from(["MCPServer", "MCPRemoteProxy", "List"]),
        "spec": SPEC,
    },
    optional={"metadata": VALUES},
)
PACKAGE = some(registryType=st.sampled_from(["npm", "oci", "pypi"]), identifier=SCALARS, version=SCALARS)
DOCUMENT = st.one_of(
    some(mcpServers=named(ENTRY)), some(servers=named(ENTRY)), some(services=named(SERVICE)), RESOURCE,
    some(packages=st.lists(PACKAGE, max_size=3), name=SCALARS),
)  # fmt: skip


@given(st.lists(DOCUMENT, max_size=2))
def test_any_values_are_services_or_lines(documents: list[Any]) -> None:
    """Requirement CFG-4: no file ends in a traceback, and the stack file is YAML with every imported service."""
    try:
        report = imported(Source("mcp.json", documents, {}))
    except ConfigurationError as error:
        report = None
        assert [issue.code for issue in error.issues] == ["MM0892"]  # noqa: PT017 - another error is a failure
    if report is not None and report.servers:
        assert list(config_of(report)["meshed-mcp:services"]) == [server.name for server in report.servers]
        assert all(issue.line.isprintable() for issue in report.issues())


SECRET: Final = st.from_regex(r"ghp_[A-Za-z0-9]{36}", fullmatch=True)


def places(secret: str) -> Iterator[Any]:
    """Files that have the secret somewhere."""
    for value in (secret, f"Bearer {secret}", f"https://user:{secret}@db.example.com/x"):
        yield client(command="npx", args=["a@1.2.3"], env={"PLAIN": value})
        yield client(command="npx", args=["a@1.2.3", value, f"--x={value}", "--key", value])
        yield client(command="docker", args=["run", "-e", f"X={value}", "--label", value, "a:1", value])
        yield client(command="npx", args=["mcp-remote", "https://x.example.com/mcp", "--header", f"X-A: {value}"])
        yield client(url=f"https://x.example.com/{secret}/mcp?a={secret}", headers={"X-Plain": value}, note=value)
        yield {"inputs": [{"id": "a", "default": value}], **client(command="npx", args=["a@1.2.3", "${input:a}"])}
        yield {
            "services": {
                "a": {"image": "a:1", "command": value, "entrypoint": ["a", value], "environment": [f"A={value}"]}
            }
        }
        yield {
            "services": {
                "a": {"image": "a:1", "healthcheck": {"test": value}, "labels": {"a": value}, "ports": [value]}
            }
        }
        toolhive = {"apiVersion": "toolhive.stacklok.dev/v1beta1", "kind": "MCPServer", "metadata": {"name": "a"}}
        container = {"name": "mcp", "args": [value], "command": ["a", value], "env": [{"name": "A", "value": value}]}
        template = {
            "metadata": {"annotations": {"a": value}},
            "spec": {"containers": [container, {**container, "name": "b"}]},
        }
        yield {**toolhive, "spec": {"image": "a:1", "args": [value], "podTemplateSpec": template}}
        package = {"registryType": "npm", "identifier": "a", "version": "1.2.3", "transport": {"type": "stdio"}}
        yield {"packages": [{**package, "environmentVariables": [{"name": "A", "value": value}]}]}
        yield {"packages": [{**package, "packageArguments": [{"type": "named", "name": "--a", "default": value}]}]}


@given(SECRET)
def test_a_secret_is_in_no_output_wherever_it_was(secret: str) -> None:
    """Requirement IMP-3: neither the stack file nor a line or command has the value."""
    for document in places(secret):
        report = report_of(document)
        commands = secret_commands(report.secrets, "mcp-system")
        output = [stack_text(report), *(issue.line for issue in report.issues()), *commands, *chain(*report.commands)]
        assert [text for text in output if secret in text] == [], document


def test_a_plain_value_is_in_the_stack_file() -> None:
    """Requirement PRJ-1: the test above would pass if nothing was carried over."""
    assert "eu-west-1" in stack_text(report_of(client(command="npx", args=["a@1.2.3"], env={"PLAIN": "eu-west-1"})))


@pytest.mark.parametrize(
    "document", [{}, [], 5, None, {"services": []}, {"name": "x", "dependencies": {}}, {"mcpServers": []}]
)
def test_a_file_of_another_format_is_one_line(document: Any) -> None:
    """Requirement IMP-6: the line names the formats."""
    with pytest.raises(ConfigurationError, match="MM0892"):
        report_of(document)


def test_what_check_would_reject_is_listed() -> None:
    """Requirement IMP-4: the list of an import is complete."""
    report = report_of({"services": {"a": {"image": "a:1", "expose": [15001]}}})
    assert (
        "the sidecar listens on port 15001" in report.must_set["a.port"][0] or "15001" in report.must_set["a.port"][0]
    )
