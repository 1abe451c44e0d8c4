"""The only place that turns Kubernetes objects and Helm releases into Pulumi resources.

Objects in, resources out, children of the component that owns them. An object is registered exactly as the pure
functions return it: nothing is added here but the resource's name, its parent and the options that its kind requires.
"""

from collections.abc import Iterable, Sequence
from importlib.metadata import version
from typing import Final

import pulumi
from pulumi_kubernetes.helm.v3 import Release, RepositoryOptsArgs

from meshed_mcp.components.core.charts import ReleaseSpec
from meshed_mcp.components.core.manifest import Manifest, identity

PROVIDER_VERSION: Final = version("pulumi-kubernetes")
"""Version of the provider that the objects are made with: the SDK's. Looked up once: it is a search through folders."""

KEPT_BY_AUTOSCALER: Final = frozenset({"Deployment", "StatefulSet"})
"""Kinds whose `spec.replicas` an autoscaler owns after creation: an update must not reset it."""


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
            ignore_changes=["spec.replicas"] if item["kind"] in KEPT_BY_AUTOSCALER else None,
            additional_secret_outputs=["data", "stringData"] if item["kind"] == "Secret" else None,
        )
        filled = {"data": None} if item["kind"] == "Secret" else {}
        super().__init__(type_token(item), name, {**filled, **item}, pulumi.ResourceOptions.merge(own, opts))


def type_token(item: Manifest) -> str:
    """Pulumi type of an object: `kubernetes:apps/v1:Deployment`; the core group is spelt out."""
    group_version = item["apiVersion"]
    return f"kubernetes:{group_version if '/' in group_version else 'core/' + group_version}:{item['kind']}"


def objects(items: Iterable[Manifest], opts: pulumi.ResourceOptions) -> list[KubernetesObject]:
    """Register every object with `opts` (its `parent` is the component), in the order of `items`."""
    return [KubernetesObject(resource_name(item), item, opts) for item in items]


def resource_name(item: Manifest) -> str:
    """`namespace/name` or `name`; unique per kind in a cluster, so unique in a stack."""
    _, _, namespace, name = identity(item)
    return f"{namespace}/{name}" if namespace else name


def release(spec: ReleaseSpec, opts: pulumi.ResourceOptions) -> Release:
    """Register a Helm release under its own fixed name, which other charts and DNS names refer to."""
    repository = spec.chart.http_repository
    return Release(
        spec.name,
        name=spec.name,
        namespace=spec.namespace,
        chart=spec.chart.reference,
        version=spec.chart.version,
        repository_opts=RepositoryOptsArgs(repo=repository) if repository else None,
        values=spec.values,
        skip_crds=spec.skip_crds,
        skip_await=spec.skip_await,
        timeout=spec.timeout_seconds,
        opts=pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(retain_on_delete=spec.retained or None)),
    )


def releases_in_order(specs: Sequence[ReleaseSpec], opts: pulumi.ResourceOptions) -> list[Release]:
    """Register releases one after the other: each waits for the one before it."""
    done: list[Release] = []
    for spec in specs:
        done.append(release(spec, after(opts, done[-1:])))
    return done


def after(opts: pulumi.ResourceOptions, resources: Sequence[pulumi.Resource]) -> pulumi.ResourceOptions:
    """`opts`, with everything in `resources` made first."""
    return pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=list(resources)))
