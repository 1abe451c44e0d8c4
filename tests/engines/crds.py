"""The CRDs of everything our objects are read by, installed in an API server the way a cluster gets them."""

from functools import partial
from pathlib import Path
from typing import Final

import yaml

from tests.engines.api_client import ApiClient, Object
from tests.engines.waiting import wait_for

KIND: Final = "CustomResourceDefinition"


def read(folder: Path, pattern: str = "*.yaml") -> list[Object]:
    """All CRDs in a folder of YAML files; with libyaml, for they are megabytes."""
    texts = [path.read_text() for path in sorted(folder.glob(pattern))]
    documents = [item for text in texts for item in yaml.load_all(text, Loader=yaml.CSafeLoader)]
    return [item for item in documents if item and item["kind"] == KIND]


def established(client: ApiClient, crd: Object) -> bool:
    """Whether the server serves the kind by now."""
    conditions = (client.get(crd) or {}).get("status", {}).get("conditions", [])
    return any(item["type"] == "Established" and item["status"] == "True" for item in conditions)


def install(client: ApiClient, folder: Path) -> None:
    """Apply them all and wait until each is served. Raises RuntimeError for one the server refuses."""
    found = read(folder)
    refused = [str(refusal) for crd in found if (refusal := client.apply(crd))]
    if refused:
        raise RuntimeError("refused: " + "; ".join(refused))
    for crd in found:
        wait_for(partial(established, client, crd), f"{crd['metadata']['name']} established")
