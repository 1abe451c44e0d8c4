"""Heads that the parser accepts and RFC 9112 does not: refused before anybody reads the request.

In: version, target and header fields of one request. Out: how its body is framed, or an error.
Not here: the connection (connection.py), which hosts are ours (hosts.py).
"""

from typing import Final, NamedTuple

Fields = list[tuple[bytes, bytes]]
"""Header fields, names in lower case."""

VERSIONS: Final = frozenset({"1.0", "1.1"})
NEEDS_HOST: Final = "1.1"
WHITESPACE: Final = b" \t"
SPACES: Final = frozenset({b" ", b"\t"})
CHUNKED: Final = b"chunked"


class HeadError(Exception):
    """The head is no head of HTTP/1.1."""


class Framing(NamedTuple):
    """How a body ends: by its length, in chunks, or there is none."""

    length: bytes = b"0"
    is_chunked: bool = False

    @property
    def has_body(self) -> bool:
        """Whether anything follows the head."""
        return self.is_chunked or self.length.lstrip(b"0") != b""

    def field(self) -> bytes:
        """The header field that says so."""
        return b"Transfer-Encoding: chunked" if self.is_chunked else b"Content-Length: " + self.length


def checked(version: str, target: bytes, fields: Fields) -> Framing:
    """Check a head, take the whitespace off the ends of its values, and let Host say what counts. Raises HeadError.

    Source: RFC 9112, sections 2.3 (versions), 3.2 (exactly one Host), 3.2.2 (a target that is a whole URL names the
    host, whatever the field says), 5.1 (whitespace), 6.1 (transfer codings).
    """
    hosts, length, is_chunked = 0, b"0", False
    for place, (name, value) in enumerate(fields):
        if value[-1:] in SPACES:
            value = value.rstrip(WHITESPACE)  # noqa: PLW2901 - from here on this is the value
            fields[place] = (name, value)
        if name == b"host":
            hosts += 1
            if target[:1] != b"/":
                fields[place] = (name, named_host(target) or value)
        elif name == b"content-length":
            length = value
        elif name == b"transfer-encoding":
            if is_chunked or value.lower() != CHUNKED:
                raise HeadError(f"transfer coding {value!r}")
            is_chunked = True
    if version not in VERSIONS or hosts > 1 or (version == NEEDS_HOST and not hosts):
        raise HeadError(f"HTTP/{version} with {hosts} Host fields")
    return Framing(length, is_chunked)


def named_host(target: bytes) -> bytes:
    """Host and port in a target that is a whole URL; empty in any other."""
    return target.partition(b"://")[2].partition(b"/")[0].partition(b"?")[0]
