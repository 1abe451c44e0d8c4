"""AuthorizationPolicy and PeerAuthentication: authorized callers and mTLS mode of a workload.

Source of every name and meaning: Istio API v1, security.istio.io.
"""

import re
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field

from meshed_mcp.error_codes.local import VALUE_NOT_RUN
from meshed_mcp.local.translate.objects.fields import Fields
from meshed_mcp.local.translate.objects.metadata import Placed, Selector

HEADER_KEY: Final = re.compile(r"request\.headers\[([^\]]+)\]")


class Source(Fields):
    """Caller; every list must match."""

    principals: tuple[str, ...] = ()
    request_principals: tuple[str, ...] = ()
    not_principals: tuple[str, ...] = ()
    namespaces: tuple[str, ...] = ()
    not_namespaces: tuple[str, ...] = ()
    service_accounts: tuple[str, ...] = ()


class Operation(Fields):
    """Request; every list must match."""

    methods: tuple[str, ...] = ()
    not_methods: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    not_paths: tuple[str, ...] = ()
    ports: tuple[str, ...] = ()


def _header_key(key: str) -> str:
    if not HEADER_KEY.fullmatch(key):
        raise VALUE_NOT_RUN.error(value=key, known="request.headers[NAME]")
    return key


class Condition(Fields):
    """Condition on one request header."""

    key: Annotated[str, AfterValidator(_header_key)]
    values: tuple[str, ...] = ()
    not_values: tuple[str, ...] = ()


class From(Fields):
    """Wraps a source."""

    source: Source


class To(Fields):
    """Wraps an operation."""

    operation: Operation


class Rule(Fields):
    """One source, one operation and every condition must match; an empty rule matches every request."""

    from_: tuple[From, ...] = Field(default=(), alias="from")
    to: tuple[To, ...] = ()
    when: tuple[Condition, ...] = ()


class AuthorizationPolicySpec(Fields):
    """Rules of an action; an ALLOW policy without rules denies every request."""

    selector: Selector = Selector()
    action: Literal["ALLOW", "DENY"] = "ALLOW"
    rules: tuple[Rule, ...] = ()


class AuthorizationPolicy(Placed):
    """Authorized callers of the selected workloads."""

    spec: AuthorizationPolicySpec = AuthorizationPolicySpec()


class MutualTLS(Fields):
    """STRICT rejects plaintext, PERMISSIVE accepts it."""

    mode: Literal["STRICT", "PERMISSIVE"]


class PeerAuthenticationSpec(Fields):
    """Transport security of the selected workloads."""

    selector: Selector = Selector()
    mtls: MutualTLS


class PeerAuthentication(Placed):
    """Whether the selected workloads accept plaintext."""

    spec: PeerAuthenticationSpec
