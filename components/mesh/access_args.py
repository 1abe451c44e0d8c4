"""Arguments of who may do what at one service: rules per tool, and tokens.

Stack keys in, frozen models out. Not here: who may call the service at all (args.py, `callers`), the objects that a
rule becomes (security.py, container.py, egress.py).
"""

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Final
from urllib.parse import SplitResult, urlsplit

from pydantic import Field, field_validator

from meshed_mcp.components.core.args import Model
from meshed_mcp.components.core.errors import suggestion
from meshed_mcp.components.core.names import listed
from meshed_mcp.components.mesh.tool_args import ToolTraffic

INGRESS: Final = "ingress"
"""In `allow`: clients from outside, who reach the service through the gateway."""

EVERY_OTHER_TOOL: Final = "*"
"""In `tools`: every tool that has no rule of its own."""

HTTPS_PORT: Final = 443
_TOOL: Final = re.compile(r"[A-Za-z0-9_./-]{1,128}|\*")
"""Source: MCP 2026-07-28, "Tool Names"; others travel encoded in headers, where the mesh could not compare them."""

_SCOPE: Final = re.compile(r"[!#-+\--\[\]-~]+")
"""Source: RFC 6749, section 3.3, less the comma, which separates them in the environment."""

_CLAIM: Final = re.compile(r"[A-Za-z0-9_:./-]{1,128}")
"""Source: RFC 7519, section 4.2: names are short texts, or URIs against collisions."""


def scope_names(value: list[str]) -> list[str]:
    """Scopes, each once."""
    bad = [scope for scope in value if _SCOPE.fullmatch(scope) is None]
    if bad:
        raise ValueError(f"{listed(bad)} is no scope; write it without spaces, quotes and commas, such as 'docs.read'")
    return list(dict.fromkeys(value))


class ToolSettings(ToolTraffic):
    """Who may call one tool, where every condition given must hold, and how its calls travel."""

    allow: list[str] | None = None
    """Some of the service's callers, or "ingress" for clients from outside. Unset = every caller, empty = nobody."""

    scopes: list[str] = Field(default_factory=list)
    """Scopes that the caller's token must have, all of them; needs `auth`."""

    @property
    def says_traffic_only(self) -> bool:
        """Whether the tool is named for how its calls travel alone; who may call it is then said by "*"."""
        travels = self.repeatable or self.timeout_seconds is not None
        return travels and self.allow is None and not self.scopes

    @field_validator("scopes")
    @classmethod
    def _are_scopes(cls, value: list[str]) -> list[str]:
        return scope_names(value)


class TokenSettings(Model):
    """Tokens that every request to the service must carry: JWTs of one issuer, made for this service."""

    issuer: str
    """URL of the issuer, exactly as in the tokens' claim `iss`."""

    jwks_url: str
    """URL of the issuer's public keys: HTTPS on port 443, or HTTP inside the cluster."""

    audience: str | None = None
    """URL of this service, as clients name it and as tokens have it in `aud`. Unset = the URL at the gateway, by HTTPS;
    the URL in the mesh when the service is not exposed."""

    scopes: list[str] = Field(default_factory=list)
    """Scopes that every token must have."""

    organization_claim: str = "organization"
    """Claim that names the caller's organisation, for `rate_limits` and the tags of metrics; a text."""

    @field_validator("organization_claim")
    @classmethod
    def _is_claim(cls, value: str) -> str:
        if _CLAIM.fullmatch(value) is None:
            raise ValueError(f"{value!r} is no claim; write its name without spaces and quotes, such as 'organization'")
        return value

    @field_validator("issuer", "audience")
    @classmethod
    def _is_url(cls, value: str | None) -> str | None:
        if value is not None:
            _url(value)
        return value

    @field_validator("jwks_url")
    @classmethod
    def _is_safe_url(cls, value: str) -> str:
        url = _url(value)
        if url.scheme == "http" and not is_inside(url):
            raise ValueError(f"{value!r} is fetched in the clear, where keys can be exchanged; write https://")
        if url.scheme == "https" and url.port not in (None, HTTPS_PORT):
            raise ValueError(f"{value!r} names port {url.port}, but pods reach outside hosts on port 443; leave it out")
        return value

    @field_validator("scopes")
    @classmethod
    def _are_scopes(cls, value: list[str]) -> list[str]:
        return scope_names(value)


def is_inside(url: SplitResult) -> bool:
    """Whether a URL's host is a Service of the cluster. Source: Kubernetes, "DNS for Services and Pods"."""
    host = url.hostname or ""
    return "." not in host or ".svc." in f"{host}."


def tool_names(tools: Collection[str]) -> None:
    """Raise ValueError for keys that are no tool names."""
    bad = [tool for tool in tools if _TOOL.fullmatch(tool) is None]
    if bad:
        raise ValueError(
            f"{listed(bad)} cannot name a tool here; write at most 128 letters, digits, '_', '-', '.' and '/', or '*' "
            "for every other tool"
        )


def tool_faults(
    tools: Mapping[str, ToolSettings], callers: list[str], *, expose: bool, has_tokens: bool
) -> Iterable[str]:
    """What is wrong with the rules at a service with these callers; one line each, with the field's path."""
    known = [*callers, *([INGRESS] if expose else [])]
    for tool, rule in tools.items():
        for number, caller in enumerate(rule.allow or ()):
            where = f"tools.{tool}.allow[{number}]: {caller!r}"
            if caller == INGRESS and not expose:
                yield f"{where} cannot reach the service; write expose: true, or remove it"
            elif caller not in known:
                yield f"{where} may not call the service at all; add it to callers, or {suggestion(caller, known)}"
        if rule.scopes and not has_tokens:
            yield f"tools.{tool}.scopes: no token is asked for; add auth, or remove the scopes"


def _url(value: str) -> SplitResult:
    url = urlsplit(value)
    if url.scheme not in ("http", "https") or not url.hostname or url.fragment or url.username is not None:
        raise ValueError(f"{value!r} is no URL; write one such as 'https://login.example.com/realms/tools'")
    return url
