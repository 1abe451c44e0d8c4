"""Writes `infra/checks/schemas/*.json` and `components/pod/pod.json`: `make schemas`, after a new Kubernetes or CRD.

Built-in kinds come from the API server that `make engines` builds, custom kinds from CRD files ($CRD_DIR, else
../shared/crds). Two tests compare the files with the same sources.
"""

import os
import tempfile
from pathlib import Path

from meshed_mcp.infra.checks.schemas import INDEX, KUBERNETES
from tests.conftest import engine_path
from tests.engines import api_server
from tests.schemas import published
from tests.stacks import ROOT


def main() -> None:
    """Write all files of the folder."""
    crd_dir = Path(os.environ.get("CRD_DIR") or ROOT.parent / "shared" / "crds")
    with tempfile.TemporaryDirectory() as state, api_server.started(engine_path, Path(state)) as server:
        texts = {**published.crd_texts(crd_dir), KUBERNETES: published.kubernetes_text(server.client.http)}
        published.POD_FILE.write_text(published.pod_text(server.client.http), encoding="utf-8")
    texts[INDEX] = published.index_text(texts)
    for name, text in texts.items():
        (published.FOLDER / f"{name}.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
