"""Renders Istio's charts of a recorded release with Istio's renderer."""

import json
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from tests.engines.api_client import Object

CHARTS: Final = frozenset({"base", "istiod", "cni", "gateway", "ztunnel"})


def of_istio(releases: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Releases of Istio's charts."""
    return [each for each in releases if chart(each) in CHARTS]


def chart(release: Mapping[str, Any]) -> str:
    """Name of a release's chart without its repository."""
    name: str = release["chart"].rpartition("/")[2]
    return name


def rendered(program: Path, release: Mapping[str, Any]) -> list[Object]:
    """The rendered objects. Fails with the message of the chart for invalid values."""
    asked = {
        "chart": chart(release),
        "release": release["name"],
        "namespace": release["namespace"],
        "values": release["values"],
    }
    done = subprocess.run([str(program)], input=json.dumps(asked), capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{release['name']}: {done.stderr}"
    return [item for item in yaml.load_all(done.stdout, yaml.CSafeLoader) if item]
