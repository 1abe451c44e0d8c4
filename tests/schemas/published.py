"""The files of `infra/checks/schemas`: OpenAPI of an API server and CRD files in, their texts out.

Equal sources give equal bytes. Not here: reading the sources (`write.py`, and the tests that compare).
"""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import httpx

from meshed_mcp.infra.checks.crds import Schema, file_schemas, strict_schema
from meshed_mcp.infra.checks.schemas import KUBERNETES, definitions_of
from tests.stacks import ROOT

FOLDER: Final = ROOT / "infra" / "checks" / "schemas"
LICENSE: Final = "Apache-2.0"
OPENAPI_PREFIX: Final = "#/components/schemas/"
BUILT_IN: Final = ("io.k8s.api.", "io.k8s.apiextensions-apiserver.", "io.k8s.kube-aggregator.")
"""Go packages of the kinds that are objects. Custom kinds have other names."""

POD_FILE: Final = ROOT / "components" / "pod" / "pod.json"
POD_TYPES: Final = ("io.k8s.api.core.v1.PodSpec", "io.k8s.api.rbac.v1.PolicyRule")
"""What the pod options of a stack file use, with all that they reference."""

MERGE_KEY: Final = "x-kubernetes-patch-merge-key"
"""Field by which a strategic merge patch pairs the items of a list. Source: Kubernetes, "Strategic Merge Patch"."""

SHARED: Final = "io.k8s.apimachinery."
"""Go package of what kinds share, and of kinds that are no objects, such as `DeleteOptions`."""


def kubernetes_text(server: httpx.Client) -> str:
    """The file of the built-in kinds, from the OpenAPI documents that an API server publishes."""
    kinds: dict[str, str] = {}
    definitions: dict[str, Schema] = {}
    for path in server.get("/openapi/v3").json()["paths"]:
        document = server.get(f"/openapi/v3/{path}").raise_for_status().json()
        for name, schema in document.get("components", {}).get("schemas", {}).items():
            if name.startswith((*BUILT_IN, SHARED)):
                definitions[name] = strict_schema(without_wrappers(schema))
            if name.startswith(BUILT_IN):
                kinds |= dict.fromkeys(kind_keys(schema), name)
    used = definitions_of([{"$ref": f"#/$defs/{name}"} for name in kinds.values()], definitions)
    version = server.get("/version").json()["gitVersion"].removeprefix("v")
    return file_text(source(KUBERNETES, version), kinds, used)


def pod_text(server: httpx.Client) -> str:
    """The file of the pod options: definitions under their short names, with the merge keys of their lists."""
    documents = [
        server.get(f"/openapi/v3/{path}").raise_for_status().json()["components"]["schemas"]
        for path in ("api/v1", "apis/rbac.authorization.k8s.io/v1")
    ]
    found = {name: schema for document in documents for name, schema in document.items()}
    plain = {name: without_wrappers(schema) for name, schema in found.items() if name.startswith((*BUILT_IN, SHARED))}
    definitions = {name: with_merge_keys(strict_schema(schema), schema) for name, schema in plain.items()}
    used = definitions_of([{"$ref": f"#/$defs/{name}"} for name in POD_TYPES], definitions)
    version = server.get("/version").json()["gitVersion"].removeprefix("v")
    return file_text(source(KUBERNETES, version), {name.rpartition(".")[2]: name for name in POD_TYPES}, used)


def with_merge_keys(strict: Schema, schema: Mapping[str, Any]) -> Schema:
    """A strict schema with the merge keys of the lists among its properties."""
    for name, item in schema.get("properties", {}).items():
        if MERGE_KEY in item and "merge" in str(item.get("x-kubernetes-patch-strategy")):
            strict["properties"][name][MERGE_KEY] = item[MERGE_KEY]
    return strict


def without_wrappers(schema: Any) -> Any:
    """`schema` with plain references to `$defs`: OpenAPI 3.0 wraps a reference in `allOf` to give it a default."""
    if not isinstance(schema, dict):
        return schema
    if "allOf" in schema:
        (schema,) = schema["allOf"]
    if "$ref" in schema:
        return {"$ref": "#/$defs/" + schema["$ref"].removeprefix(OPENAPI_PREFIX)}
    if "oneOf" in schema:  # a number or text: IntOrString, Quantity
        return {"type": [item["type"] for item in schema["oneOf"]]}
    # Defaults of built-in kinds are those of Go's types, not of the API server: a required field stays required.
    result = {key: value for key, value in schema.items() if key != "default"}
    if "properties" in result:
        result["properties"] = {name: without_wrappers(value) for name, value in result["properties"].items()}
    for key in {"items", "additionalProperties"} & result.keys():
        result[key] = without_wrappers(result[key])
    return result


def kind_keys(schema: Mapping[str, Any]) -> Iterator[str]:
    """`apps/v1 Deployment` for each kind that a schema describes."""
    for each in schema.get("x-kubernetes-group-version-kind", ()):
        yield f"{'/'.join(filter(None, (each['group'], each['version'])))} {each['kind']}"


def crd_text(path: Path) -> str:
    """The file of one file of CRDs; versions of a kind with equal schemas share a definition."""
    kinds: dict[str, str] = {}
    definitions: dict[str, Schema] = {}
    for (api_version, kind), schema in file_schemas(path):
        key = f"{api_version} {kind}"
        same = [name for name, known in definitions.items() if known == schema]
        kinds[key] = same[0] if same else key.replace("/", ".").replace(" ", ".")
        definitions.setdefault(kinds[key], schema)
    return file_text(source(*name_and_version(path)), kinds, definitions)


def name_and_version(path: Path) -> tuple[str, str]:
    """`prometheus-operator`, `0.93.1` of `prometheus-operator-0.93.1.yaml`."""
    found = re.fullmatch(r"(.+)-(\d[\w.]*)", path.stem)
    if found is None:
        raise ValueError(f"{path.name} names no version: use <name>-<version>.yaml")
    return found[1], found[2]


def source(name: str, version: str) -> dict[str, str]:
    """Where a file comes from."""
    return {"name": name, "version": version, "license": LICENSE}


def file_text(origin: Mapping[str, str], kinds: Mapping[str, str], definitions: Mapping[str, Schema]) -> str:
    """JSON with one line per kind and per definition, so that a diff shows what changed."""
    return (
        f'{{"source": {compact(origin)},\n"kinds": {{\n{lines(kinds)}\n}},\n"$defs": {{\n{lines(definitions)}\n}}}}\n'
    )


def lines(values: Mapping[str, Any]) -> str:
    """The entries of a mapping, sorted, one per line."""
    return ",\n".join(f"{compact(key)}:{compact(values[key])}" for key in sorted(values))


def compact(value: Any) -> str:
    """JSON without spaces, with sorted keys."""
    return json.dumps(value, separators=(",", ":"), sort_keys=True)


def index_text(texts: Mapping[str, str]) -> str:
    """API group -> file, and the source of each file."""
    contents = {name: json.loads(text) for name, text in texts.items()}
    groups = {
        key.split(" ")[0].rpartition("/")[0]: name for name, content in contents.items() for key in content["kinds"]
    }
    return json.dumps({"groups": groups}, indent=1, sort_keys=True) + "\n"


def crd_texts(folder: Path) -> dict[str, str]:
    """Name of file -> text, of all files of CRDs."""
    return {name_and_version(path)[0]: crd_text(path) for path in sorted(folder.glob("*.yaml"))}
