"""Reads the command of a client: a package of npx or uvx, an image of docker run, or a remote server.

Only options that change which server runs are read; the others are returned as `options`, to be noted.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Final

from meshed_mcp.infra.importing import reasons
from meshed_mcp.infra.importing.fields import Text
from meshed_mcp.infra.importing.reasons import Reason

NPM_NAME: Final = re.compile(r"(?P<name>(?:@[a-z0-9~][a-z0-9._~-]*/)?[a-z0-9~][a-z0-9._~-]*)(?:@(?P<version>.+))?")
"""Source: npm, "package.json", name; "npx", `name@version`."""

PYPI_NAME: Final = re.compile(
    r"(?P<name>[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)(?P<extras>\[[A-Za-z0-9._, -]+\])?"
    r"(?:(?:==|@)(?P<version>.+))?"
)
"""Source: PEP 508, names and extras; uv, "Using tools", `name@version`."""

EXACT: Final = {
    "npm": re.compile(r"\d+\.\d+\.\d+(?:[-+][A-Za-z0-9.+-]+)?"),
    "pypi": re.compile(r"(?:\d+!)?\d+(?:\.\d+)*(?:(?:a|b|rc|\.post|\.dev|\+)[A-Za-z0-9.]*)?"),
}
"""Exact versions: no range, tag or wildcard. Source: Semantic Versioning 2.0; PEP 440."""


@dataclass
class Package:
    """A package of a registry."""

    registry: str
    name: str
    version: str | None
    args: Sequence[Text] = ()
    options: Sequence[Text] = ()
    program: str | None = None
    """The program of the package that the command names, if it is not the package's own name."""

    @property
    def reference(self) -> str:
        """Value of the key `package`, with VERSION for a missing version."""
        return f"{self.registry}:{self.name}{'@' if self.registry == 'npm' else '=='}{self.version or 'VERSION'}"


@dataclass
class Container:
    """A container that `docker run` starts."""

    image: str
    args: Sequence[Text] = ()
    entrypoint: str | None = None
    variables: list[Text] = field(default_factory=list)
    """`NAME=value`, or `NAME` for a variable of the shell."""

    options: list[Text] = field(default_factory=list)
    """Other options, each with its value."""


@dataclass
class Remote:
    """A remote server behind a proxy command such as mcp-remote."""

    url: Text
    headers: list[Text] = field(default_factory=list)
    sse: bool = False
    options: Sequence[Text] = ()


@dataclass
class Program:
    """A command that cannot run in a cluster."""

    reason: Reason


Launch = Package | Container | Remote | Program


def launch(command: Sequence[Text]) -> Launch:
    """What a command starts."""
    rest = without_shell(list(command))
    if not rest:
        return Program(reasons.NO_COMMAND)
    words = (program_name(rest[0].text), *(each.text for each in rest[1:3]))
    if words[0] in SHELLS:
        return Program(reasons.SHELL)
    for prefix, read in RUNNERS:
        if words[: len(prefix)] == prefix:
            return read(rest[len(prefix) :])
    return Program(reasons.LOCAL_PROGRAM)


def program_name(path: str) -> str:
    """The name of a program without folders and the extensions of Windows."""
    name = PurePath(path.replace("\\", "/")).name.lower()
    return re.sub(r"\.(?:exe|cmd|bat|ps1)$", "", name)


def without_shell(rest: list[Text]) -> list[Text]:
    """The command after `cmd /c` or `env`."""
    while rest and program_name(rest[0].text) in {"cmd", "env"}:
        rest = rest[1:]
        while rest and rest[0].text.lower() in {"/c", "/k", "/d", "/s", "-s", "-i"}:
            rest = rest[1:]
    return rest


def node_package(rest: list[Text]) -> Launch:
    """The package of `npx [options] name[@version] [args]`."""
    options, values, rest = split_options(rest, {"-p", "--package", "--registry", "-c", "--call", "-w", "--workspace"})
    named = [value for option, value in values if option.text in {"-p", "--package"}]
    if not rest and not named:
        return Program(reasons.NO_PACKAGE)
    called = rest[0].text if named and rest else None
    spec, args = (named[0], rest[1:]) if named else (rest[0], rest[1:])
    found = NPM_NAME.fullmatch(spec.text)
    if found is None or (found["version"] or "").startswith(("http", "git", "file:", "github:")):
        return Program(reasons.NOT_IN_REGISTRY)
    if found["name"] == "mcp-remote":
        return remote(args)
    left = [option for option in options if option.text not in {"-y", "--yes", "-q", "--quiet", "--"}]
    left += [option for option, _ in values if option.text not in {"-p", "--package"}]
    program = called if called != found["name"].rpartition("/")[2] else None
    return Package("npm", found["name"], exact("npm", found["version"]), args, left, program)


def python_package(rest: list[Text]) -> Launch:
    """The package of `uvx [options] name[==version] [args]`, or of `pipx run`."""
    taking = {"--from", "--spec", "--with", "-w", "--python", "-p", "--index-url", "--index", "--extra-index-url"}
    options, values, rest = split_options(rest, taking)
    named = [value for option, value in values if option.text in {"--from", "--spec"}]
    if not rest:
        return Program(reasons.NO_PACKAGE)
    found = PYPI_NAME.fullmatch((named or rest)[0].text.replace(" ", ""))
    if found is not None and found["extras"]:
        return Program(reasons.EXTRAS)
    if found is None or "://" in (named or rest)[0].text:
        return Program(reasons.NOT_IN_REGISTRY)
    left = [option for option in options if option.text not in {"-q", "--quiet", "--no-cache", "--", "--isolated"}]
    left += [option for option, _ in values if option.text not in {"--from", "--spec"}]
    program = rest[0].text if named and rest[0].text != found["name"] else None
    return Package("pypi", found["name"], exact("pypi", found["version"]), rest[1:], left, program)


def exact(registry: str, version: str | None) -> str | None:
    """The version if it names one release."""
    return version if version and EXACT[registry].fullmatch(version) else None


def split_options(rest: list[Text], taking: set[str]) -> tuple[list[Text], list[tuple[Text, Text]], list[Text]]:
    """Leading options without a value, those with one, and the rest of the command."""
    options, values = list[Text](), list[tuple[Text, Text]]()
    while rest and rest[0].text.startswith("-"):
        head, rest = rest[0], rest[1:]
        name, equals, value = head.text.partition("=")
        if equals:
            values.append((head._replace(text=name), head._replace(text=value)))
        elif name in taking and rest:
            values.append((head, rest[0]))
            rest = rest[1:]
        else:
            options.append(head)
            if name == "--":
                break
    return options, values, rest


def remote(args: Sequence[Text]) -> Launch:
    """The URL and headers of `mcp-remote URL [--header "Name: value"]`."""
    found: Remote | None = None
    headers, options, sse = list[Text](), list[Text](), False
    waiting = list(args)
    while waiting:
        each = waiting.pop(0)
        if each.text == "--header" and waiting:
            headers.append(waiting.pop(0))
        elif each.text == "--transport" and waiting:
            sse = waiting.pop(0).text == "sse-only"
        elif found is None and "://" in each.text:
            found = Remote(each)
        elif each.text.startswith("-"):
            options.append(each)
    if found is None:
        return Program(reasons.NO_URL)
    found.headers, found.options, found.sse = headers, options, sse
    return found


FLAGS: Final = frozenset(
    {"--rm", "-i", "-t", "-it", "-ti", "-d", "--interactive", "--tty", "--detach", "--init", "--read-only"}
    | {"--privileged", "-P", "--publish-all", "--no-healthcheck", "-q", "--quiet", "--oom-kill-disable"}
)
"""Options of `docker run` without a value. Source: Docker, "docker container run"."""

DONE_BY_THE_POD: Final = frozenset({"--rm", "-i", "-t", "-it", "-ti", "-d", "--interactive", "--tty", "--detach"}
    | {"--init", "--read-only", "-q", "--quiet", "--name", "--pull"})  # fmt: skip
"""Options that need no counterpart: a pod has a name, and its containers are removed with it."""


def container(rest: list[Text]) -> Launch:
    """The container of `docker run [options] image [args]`."""
    found, waiting = Container(""), list(rest)
    while waiting and waiting[0].text.startswith("-") and waiting[0].text != "-":
        head = waiting.pop(0)
        name, equals, value = head.text.partition("=")
        if name in FLAGS or (re.fullmatch(r"-[itdq]+", name) is not None):
            options_of(found, name, head, "")
        elif equals:
            options_of(found, name, head, value)
        elif re.fullmatch(r"-[evpuwlhm].+", name):  # -eNAME
            options_of(found, name[:2], head, name[2:])
        elif waiting:
            options_of(found, name, waiting.pop(0), None)
    if not waiting:
        return Program(reasons.NO_IMAGE)
    found.image, found.args = waiting[0].text, waiting[1:]
    return found


def options_of(found: Container, name: str, at: Text, value: str | None) -> None:
    """Add one option to the container."""
    text = at.text if value is None else value
    if name in {"-e", "--env"}:
        found.variables.append(Text(text, at.location))
    elif name == "--entrypoint":
        found.entrypoint = text
    elif name not in DONE_BY_THE_POD and re.fullmatch(r"-[itdq]+", name) is None:
        found.options.append(Text(name, at.location))


SHELLS: Final = frozenset({"sh", "bash", "zsh", "powershell", "pwsh"})

RUNNERS: Final[Sequence[tuple[tuple[str, ...], Callable[[list[Text]], Launch]]]] = (
    *(((name,), node_package) for name in ("npx", "bunx", "pnpx")),
    *(
        (words, node_package)
        for words in (("npm", "exec"), ("npm", "x"), ("pnpm", "dlx"), ("yarn", "dlx"), ("bun", "x"))
    ),
    *((words, python_package) for words in (("uvx",), ("uv", "tool", "run"), ("pipx", "run"))),
    *(((name, "run"), container) for name in ("docker", "podman", "nerdctl")),
    *(((name, "container", "run"), container) for name in ("docker", "podman", "nerdctl")),
)
"""First words of a command -> the function that reads the others."""
