"""Installs the CRDs of every custom resource that the components render."""

from functools import partial
from pathlib import Path
from typing import Final

import yaml

from tests.engines.api_client import ApiClient, Object
from tests.engines.waiting import wait_for

KIND: Final = "CustomResourceDefinition"


def read(folder: Path, pattern: str = "*.yaml") -> list[Object]:
    """All CRDs in a folder of YAML files, read with libyaml because of their size."""
    texts = [path.read_text() for path in sorted(folder.glob(pattern))]
    documents = [item for text in texts for item in yaml.load_all(text, Loader=yaml.CSafeLoader)]
    return [item for item in documents if item and item["kind"] == KIND]


def established(client: ApiClient, crd: Object) -> bool:
    """Whether the server serves the kind."""
    conditions = (client.get(crd) or {}).get("status", {}).get("conditions", [])
    return any(item["type"] == "Established" and item["status"] == "True" for item in conditions)


def install(client: ApiClient, folder: Path) -> None:
    """Apply the CRDs and wait until each is served. Raises RuntimeError for a rejected one."""
    found = read(folder)
    refused = [str(refusal) for crd in found if (refusal := client.apply(crd))]
    if refused:
        raise RuntimeError("refused: " + "; ".join(refused))
    for crd in found:
        wait_for(partial(established, client, crd), f"{crd['metadata']['name']} established")
