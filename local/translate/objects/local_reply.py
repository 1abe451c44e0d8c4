"""EnvoyFilter that marks answers which a sidecar gives by itself: headers by Envoy's reason, and nothing else.

Source of every name and meaning: Istio API v1alpha3, networking.istio.io; inside `value`: Envoy API v3, in snake case.
"""

from typing import Literal

from pydantic import Field

from meshed_mcp.local.translate.objects.fields import Fields


class ConnectionManager(Fields):
    """The network filter that is changed."""

    name: Literal["envoy.filters.network.http_connection_manager"]


class ManagerChain(Fields):
    """Wraps it."""

    filter: ConnectionManager


class ManagerListener(Fields):
    """Every listener with one."""

    filter_chain: ManagerChain


class ManagerMatch(Fields):
    """Which connection managers are changed."""

    context: Literal["SIDECAR_INBOUND"]
    listener: ManagerListener


class ResponseFlags(Fields):
    """Envoy's reasons for an answer of its own."""

    flags: tuple[str, ...] = Field(min_length=1)


class ReplyFilter(Fields):
    """Which answers. Source: Envoy, config.accesslog.v3.AccessLogFilter."""

    response_flag_filter: ResponseFlags = Field(alias="response_flag_filter")


class HeaderValue(Fields):
    """A header."""

    key: str
    value: str


class AddedHeader(Fields):
    """A header to add. Source: Envoy, config.core.v3.HeaderValueOption."""

    header: HeaderValue
    append_action: Literal["OVERWRITE_IF_EXISTS_OR_ADD"] = Field(alias="append_action")


class ReplyMapper(Fields):
    """What is added to which answers. Source: Envoy, ResponseMapper."""

    filter: ReplyFilter
    headers_to_add: tuple[AddedHeader, ...] = Field(alias="headers_to_add", min_length=1)


class LocalReplyConfig(Fields):
    """How Envoy's own answers are changed."""

    mappers: tuple[ReplyMapper, ...] = Field(min_length=1)


class ManagerConfig(Fields):
    """Fields of the connection manager; no others are merged here."""

    type: Literal[
        "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
    ] = Field(alias="@type")
    local_reply_config: LocalReplyConfig = Field(alias="local_reply_config")


class ManagerChange(Fields):
    """Wraps them."""

    typed_config: ManagerConfig = Field(alias="typed_config")


class MergedManager(Fields):
    """A change to merge into a connection manager."""

    operation: Literal["MERGE"]
    value: ManagerChange


class ManagerPatch(Fields):
    """Changes connection managers."""

    apply_to: Literal["NETWORK_FILTER"]
    match: ManagerMatch
    patch: MergedManager
