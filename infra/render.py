"""Writes a recording as YAML files with stable names, order and bytes.

Objects: `<namespace>/<name>.<kind>[.<group>].yaml` (`cluster/` for cluster-scoped ones); Helm releases:
`helm/<name>.yaml` with chart, version, repository and values; components of other packages: `remote/<name>.yaml`.
"""

from pathlib import Path
from typing import Any, Final, cast

import yaml

from meshed_mcp.components.core.errors import ConfigurationError
from meshed_mcp.components.core.manifest import Manifest, identity
from meshed_mcp.error_codes.stack import FOLDER_NOT_A_RENDERING
from meshed_mcp.infra.recording import Recording

INDEX_NAME: Final = ".rendered"
"""Index of the files of a rendering; the next rendering removes obsolete ones."""

LONGEST_LINE: Final = 2**31 - 1
"""Line width, characters: libyaml's maximum, so that lines are never folded."""

RELEASE_FIELDS: Final = ("name", "namespace", "chart", "version", "repositoryOpts", "skipCrds", "values")


def files(recording: Recording) -> dict[str, str]:
    """Relative path -> text, sorted by path."""
    found = {object_path(item): text(item) for item in recording.objects}
    found |= {f"helm/{item['name']}.yaml": text(release_text(item)) for item in recording.releases}
    found |= {f"remote/{item.name}.yaml": text({"type": item.type, **item.inputs}) for item in recording.remotes}
    return dict(sorted(found.items()))


def object_path(item: Manifest) -> str:
    """`mcp-system/mcp-rag.deployment.apps.yaml`."""
    api_version, kind, namespace, name = identity(item)
    group = api_version.rpartition("/")[0]
    return f"{namespace or 'cluster'}/{'.'.join(filter(None, (name, kind.lower(), group)))}.yaml"


def release_text(item: dict[str, Any]) -> dict[str, Any]:
    """The fields that `helm upgrade --install` needs."""
    return {field: item[field] for field in RELEASE_FIELDS if item.get(field) not in (None, {}, False)}


def text(document: Any, dumper: type[yaml.SafeDumper] | None = None) -> str:
    """YAML with sorted keys and without aliases or line folding: equal data, equal bytes."""
    return yaml.dump(document, Dumper=dumper or PlainDumper, sort_keys=True, width=LONGEST_LINE, allow_unicode=True)


def plain_dumper(base: type[yaml.SafeDumper]) -> type[yaml.SafeDumper]:
    """A dumper without anchors, and with block scalars for text of several lines."""
    dumper: Any = type("PlainDumper", (base,), {"ignore_aliases": lambda _dumper, _data: True})
    dumper.add_representer(str, text_block)
    return cast("type[yaml.SafeDumper]", dumper)


def text_block(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    """Text of several lines as a block scalar, for readable diffs."""
    style = "|" if "\n" in value else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


PlainDumper: Final = plain_dumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper))
"""libyaml's dumper if available: five times as fast, with the same bytes."""


def write(recording: Recording, folder: Path) -> int:
    """Write the files below `folder`, remove obsolete ones of the last rendering; returns the number of files.

    Raises ConfigurationError if `folder` is not empty and holds no rendering.
    """
    index = folder / INDEX_NAME
    if folder.exists() and not index.exists() and any(folder.iterdir()):
        raise ConfigurationError.single(str(folder), FOLDER_NOT_A_RENDERING.message())
    rendered = files(recording)
    before = index.read_text(encoding="utf-8").splitlines() if index.exists() else []
    for path in sorted(set(before) - set(rendered)):
        (folder / path).unlink(missing_ok=True)
    for path, body in rendered.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(body, encoding="utf-8")
    index.write_text("\n".join(rendered) + "\n", encoding="utf-8")
    return len(rendered)
