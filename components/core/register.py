"""Registers Kubernetes objects and Helm releases as Pulumi resources, as children of their component."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib.metadata import version
from types import MappingProxyType
from typing import Any, Final

import pulumi
from pydantic import BaseModel

from meshed_mcp.components.core.chart_pull_secrets import with_chart_pull_secrets
from meshed_mcp.components.core.charts import RELEASE_TYPE, ReleaseSpec
from meshed_mcp.components.core.errors import excerpt
from meshed_mcp.components.core.manifest import Manifest, identity
from meshed_mcp.components.core.object_metadata import ObjectDefaults, with_defaults
from meshed_mcp.components.core.properties import properties
from meshed_mcp.error_codes import pod as codes

PROVIDER_VERSION: Final = version("pulumi-kubernetes")
"""Version of the provider: that of the SDK."""

Transform = Callable[[Manifest], Manifest]
"""Takes an object as plain data and returns the object to register."""

Transforms = Mapping[str, Transform]
"""Kind -> transform of the objects of that kind."""


class Component(pulumi.ComponentResource):
    """A component whose objects and releases get the stack's defaults, and then the program's transforms."""

    defaults: ObjectDefaults = ObjectDefaults()
    transforms: Transforms = MappingProxyType({})

    def finish_with(self, defaults: ObjectDefaults, transforms: Transforms | None) -> None:
        """Set both, before the first object is registered."""
        self.defaults, self.transforms = defaults, transforms or {}


def finished(item: Manifest, parent: pulumi.Resource | None) -> Manifest:
    """An object with the defaults and the transform of its component."""
    if not isinstance(parent, Component):
        return item
    found = with_defaults(item, parent.defaults)
    transform = parent.transforms.get(item["kind"])
    return found if transform is None else transformed(found, transform)


def transformed(item: Manifest, transform: Transform) -> Manifest:
    """The result of a transform of a copy. Raises MessageError for another object, or none."""
    result: Any = transform(copy_of(item))
    kind = item["kind"]
    if not isinstance(result, dict):
        raise codes.TRANSFORM_WITHOUT_OBJECT.error(kind=kind, shown=excerpt(result))
    try:
        after = identity(result)
    except (KeyError, TypeError, AttributeError):
        after = ("", "", "", "")
    if after != identity(item):
        before = " ".join(filter(None, identity(item)))
        raise codes.TRANSFORM_CHANGES_IDENTITY.error(
            kind=kind, before=before, after=" ".join(filter(None, after)) or "nothing"
        )
    return result


def copy_of(value: Any) -> Any:
    """A copy of mappings and lists; other values, such as outputs, are shared."""
    if isinstance(value, dict):
        return {key: copy_of(item) for key, item in value.items()}
    return [copy_of(item) for item in value] if isinstance(value, list | tuple) else value


Ignored = Mapping[tuple[str, str], Sequence[str]]
"""(kind, name) of an object -> paths of fields that a controller owns after creation, for `ignoreChanges`."""


class KubernetesObject(pulumi.CustomResource):
    """Any Kubernetes object with the fields of the API, without the typed classes of pulumi-kubernetes."""

    metadata: pulumi.Output[Manifest]
    """Metadata as the API server returned it."""

    data: pulumi.Output[Manifest | None]
    """Data of a Secret as the API server returned it, such as a token that Kubernetes adds."""

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
    """A component's arguments as its inputs in camel case, for policies and the state."""
    return dict(properties(args.model_dump(by_alias=True)))


def type_token(item: Manifest) -> str:
    """Pulumi type of an object: `kubernetes:apps/v1:Deployment`; the core group is `core`."""
    group_version = item["apiVersion"]
    return f"kubernetes:{group_version if '/' in group_version else 'core/' + group_version}:{item['kind']}"


def objects(
    items: Iterable[Manifest], opts: pulumi.ResourceOptions, ignored: Ignored | None = None
) -> list[KubernetesObject]:
    """Register the objects in order, with `opts` (whose `parent` is the component)."""
    found = []
    for item in (finished(each, opts.parent) for each in items):
        fields = (ignored or {}).get((item["kind"], item["metadata"]["name"]))
        ignoring = pulumi.ResourceOptions(ignore_changes=list(fields)) if fields else None
        found.append(KubernetesObject(resource_name(item), item, pulumi.ResourceOptions.merge(opts, ignoring)))
    return found


def resource_name(item: Manifest) -> str:
    """`namespace/name` or `name`; unique per kind in a cluster, so unique in a stack."""
    _, _, namespace, name = identity(item)
    return f"{namespace}/{name}" if namespace else name


class HelmRelease(pulumi.CustomResource):
    """A Helm release, without the typed class, whose import takes half a second."""

    def __init__(self, name: str, fields: Mapping[str, Any], opts: pulumi.ResourceOptions) -> None:
        own = pulumi.ResourceOptions(version=PROVIDER_VERSION)
        super().__init__(
            RELEASE_TYPE, name, properties({"compat": "true", **fields}), pulumi.ResourceOptions.merge(own, opts)
        )


def release(spec: ReleaseSpec, opts: pulumi.ResourceOptions) -> HelmRelease:
    """Register a Helm release under its fixed name."""
    repository = spec.chart.http_repository
    secrets = opts.parent.defaults.image_pull_secrets if isinstance(opts.parent, Component) else []
    fields = {
        "name": spec.name,
        "namespace": spec.namespace,
        "chart": spec.chart.reference,
        "version": spec.chart.version,
        "values": with_chart_pull_secrets(spec.chart.name, spec.values, secrets),
        "timeout": spec.timeout_seconds,
        **({"repositoryOpts": {"repo": repository}} if repository else {}),
        "skipCrds": spec.skip_crds,
        "skipAwait": spec.skip_await,
    }
    retained = pulumi.ResourceOptions(retain_on_delete=spec.retained or None)
    return HelmRelease(spec.name, fields, pulumi.ResourceOptions.merge(opts, retained))


def releases_in_order(specs: Sequence[ReleaseSpec], opts: pulumi.ResourceOptions) -> list[HelmRelease]:
    """Register releases, each of which depends on the previous one."""
    done: list[HelmRelease] = []
    for spec in specs:
        done.append(release(spec, after(opts, done[-1:])))
    return done


def after(opts: pulumi.ResourceOptions, resources: Sequence[pulumi.Resource]) -> pulumi.ResourceOptions:
    """`opts` with a dependency on `resources`."""
    return pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=list(resources)))
