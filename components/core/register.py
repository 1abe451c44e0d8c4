"""The only place that turns Kubernetes objects and Helm releases into Pulumi resources.

Objects in, resources out, children of the component that owns them. An object is registered exactly as the pure
functions return it: nothing is added here but the resource's name, its parent and the options that its kind requires.
"""

from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import version
from typing import Any, Final

import pulumi
from pydantic import BaseModel

from meshed_mcp.components.core.charts import RELEASE_TYPE, ReleaseSpec
from meshed_mcp.components.core.manifest import Manifest, identity
from meshed_mcp.components.core.properties import properties

PROVIDER_VERSION: Final = version("pulumi-kubernetes")
"""Version of the provider that the objects are made with: the SDK's. Looked up once: it is a search through folders."""

Ignored = Mapping[tuple[str, str], Sequence[str]]
"""(kind, name) of an object -> paths of fields that a controller owns after creation: an update must not reset them."""


class KubernetesObject(pulumi.CustomResource):
    """Any Kubernetes object, built in or custom, with its fields as the API server reads them.

    The typed classes of pulumi-kubernetes would rename every field twice; the token and the provider are the same.
    """

    metadata: pulumi.Output[Manifest]
    """Metadata as the API server returned it."""

    data: pulumi.Output[Manifest | None]
    """Of a Secret alone: what the API server returned, such as a token that Kubernetes has filled in."""

    def __init__(self, name: str, item: Manifest, opts: pulumi.ResourceOptions) -> None:
        own = pulumi.ResourceOptions(
            version=PROVIDER_VERSION,
            additional_secret_outputs=["data", "stringData"] if item["kind"] == "Secret" else None,
        )
        filled = {"data": None} if item["kind"] == "Secret" else {}
        super().__init__(
            type_token(item), name, properties({**filled, **item}), pulumi.ResourceOptions.merge(own, opts)
        )


def inputs(args: BaseModel) -> dict[str, Any]:
    """A component's arguments as its inputs, for policies and the state, under their names on the wire."""
    found: dict[str, Any] = properties(args.model_dump(by_alias=True))
    return found


def type_token(item: Manifest) -> str:
    """Pulumi type of an object: `kubernetes:apps/v1:Deployment`; the core group is spelt out."""
    group_version = item["apiVersion"]
    return f"kubernetes:{group_version if '/' in group_version else 'core/' + group_version}:{item['kind']}"


def objects(
    items: Iterable[Manifest], opts: pulumi.ResourceOptions, ignored: Ignored | None = None
) -> list[KubernetesObject]:
    """Register every object with `opts` (its `parent` is the component), in the order of `items`."""
    return [
        KubernetesObject(resource_name(item), item, without_changes_of((ignored or {}).get(short_identity(item)), opts))
        for item in items
    ]


def short_identity(item: Manifest) -> tuple[str, str]:
    """(kind, name) of an object."""
    return item["kind"], item["metadata"]["name"]


def without_changes_of(fields: Sequence[str] | None, opts: pulumi.ResourceOptions) -> pulumi.ResourceOptions:
    """`opts`, with `fields` left as they are in the cluster."""
    if not fields:
        return opts
    return pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(ignore_changes=list(fields)))


def resource_name(item: Manifest) -> str:
    """`namespace/name` or `name`; unique per kind in a cluster, so unique in a stack."""
    _, _, namespace, name = identity(item)
    return f"{namespace}/{name}" if namespace else name


class HelmRelease(pulumi.CustomResource):
    """A Helm release with the fields that the provider reads; the typed class costs half a second of imports."""

    def __init__(self, name: str, fields: Mapping[str, Any], opts: pulumi.ResourceOptions) -> None:
        own = pulumi.ResourceOptions(version=PROVIDER_VERSION)
        super().__init__(
            RELEASE_TYPE, name, properties({"compat": "true", **fields}), pulumi.ResourceOptions.merge(own, opts)
        )


def release(spec: ReleaseSpec, opts: pulumi.ResourceOptions) -> HelmRelease:
    """Register a Helm release under its own fixed name, which other charts and DNS names refer to."""
    fields = {**chart_fields(spec), "skipCrds": spec.skip_crds, "skipAwait": spec.skip_await}
    retained = pulumi.ResourceOptions(retain_on_delete=spec.retained or None)
    return HelmRelease(spec.name, fields, pulumi.ResourceOptions.merge(opts, retained))


def chart_fields(spec: ReleaseSpec) -> dict[str, Any]:
    """What every way of installing a chart is told, in the provider's words."""
    repository = spec.chart.http_repository
    return {
        "name": spec.name,
        "namespace": spec.namespace,
        "chart": spec.chart.reference,
        "version": spec.chart.version,
        "values": spec.values,
        "timeout": spec.timeout_seconds,
        **({"repositoryOpts": {"repo": repository}} if repository else {}),
    }


def releases_in_order(specs: Sequence[ReleaseSpec], opts: pulumi.ResourceOptions) -> list[HelmRelease]:
    """Register releases one after the other: each waits for the one before it."""
    done: list[HelmRelease] = []
    for spec in specs:
        done.append(release(spec, after(opts, done[-1:])))
    return done


def after(opts: pulumi.ResourceOptions, resources: Sequence[pulumi.Resource]) -> pulumi.ResourceOptions:
    """`opts`, with everything in `resources` made first."""
    return pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=list(resources)))
