"""Minimal charts with the names and versions of the pinned ones, in place of the chart repositories.

Each holds the CRDs its namesake installs, so that what comes after it finds its kinds, and a ConfigMap with the values
it was given. What the real templates make of the values is not judged here.
"""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import yaml

from tests.engines import crds
from tests.engines.api_client import Object

CRD_FILES: Final = {
    "gateway-api-crds": "gateway-api-*.yaml",
    "base": "istio-*.yaml",
    "prometheus-operator-crds": "prometheus-operator-*.yaml",
    "cert-manager": "cert-manager-*.yaml",
    "keda": "keda-*.yaml",
}
"""Chart name -> the files with its CRDs. The others install none, or their values disable the CRDs."""

VALUES_TEMPLATE: Final = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: "{{ .Release.Name }}-values", namespace: "{{ .Release.Namespace }}"}
data: {values: {{ .Values | toJson | quote }}}
"""


def undescribed(schema: Any) -> Any:
    """A CRD without descriptions: Helm stores a chart in one Secret of at most 1 MiB."""
    if isinstance(schema, dict):
        kept = {key: value for key, value in schema.items() if key != "description" or not isinstance(value, str)}
        return {key: undescribed(value) for key, value in kept.items()}
    return [undescribed(item) for item in schema] if isinstance(schema, list) else schema


def kept(definition: Object) -> Object:
    """A CRD that Helm keeps on uninstall, as with the real charts and our values."""
    metadata = definition["metadata"]
    annotations = {**metadata.get("annotations", {}), "helm.sh/resource-policy": "keep"}
    return {**definition, "metadata": {**metadata, "annotations": annotations}}


def write_chart(folder: Path, name: str, version: str, definitions: Iterable[Object]) -> None:
    """Write one chart. A template reads the CRDs from a file, because they contain template syntax."""
    templates = folder / name / "templates"
    templates.mkdir(parents=True)
    (folder / name / "Chart.yaml").write_text(yaml.safe_dump({"apiVersion": "v2", "name": name, "version": version}))
    (templates / "values.yaml").write_text(VALUES_TEMPLATE)
    documents = [json.dumps(kept(undescribed(item)), separators=(",", ":")) for item in definitions]
    if documents:
        (folder / name / "crds.json").write_text("\n---\n".join(documents))
        (templates / "crds.yaml").write_text('{{ .Files.Get "crds.json" }}')


def write_charts(folder: Path, charts: Iterable[tuple[str, str]], crd_dir: Path) -> Path:
    """Write a chart for each (name, version), and return the folder to name as `meshed-mcp:chart_mirror`."""
    for name, version in charts:
        write_chart(folder, name, version, crds.read(crd_dir, CRD_FILES[name]) if name in CRD_FILES else [])
    return folder
