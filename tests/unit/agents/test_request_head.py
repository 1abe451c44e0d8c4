"""Heads that llhttp lets pass and RFC 9112 does not, as pure data."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meshed_mcp.agents.request_head import Fields, Framing, HeadError, checked

HOST = (b"host", b"a")
TOKENS = st.text("abcdefghijklmnopqrstuvwxyz-", min_size=1, max_size=12).map(str.encode)
VALUES = st.binary(max_size=20).map(lambda value: value.replace(b"\r", b"").replace(b"\n", b""))


@pytest.mark.parametrize(
    ("version", "fields", "said"),
    [
        ("1.1", [], "HTTP/1.1 with 0 Host fields"),
        ("1.1", [HOST, HOST], "HTTP/1.1 with 2 Host fields"),
        ("1.0", [HOST, (b"host", b"b")], "HTTP/1.0 with 2 Host fields"),
        ("2.0", [HOST], "HTTP/2.0 with 1 Host fields"),
        ("0.9", [], "HTTP/0.9 with 0 Host fields"),
        ("1.1", [HOST, (b"transfer-encoding", b"gzip, chunked")], "transfer coding b'gzip, chunked'"),
        ("1.1", [HOST, (b"transfer-encoding", b"chunked"), (b"transfer-encoding", b"chunked")], "transfer coding"),
    ],
)
def test_what_may_be_understood_in_two_ways_is_refused(version: str, fields: Fields, said: str) -> None:
    """RFC 9112, sections 2.3, 3.2 and 6.1: two readers of one head must not see two requests."""
    with pytest.raises(HeadError, match=said):
        checked(version, b"/", fields)


@pytest.mark.parametrize(
    ("fields", "framing"),
    [
        ([HOST], Framing()),
        ([HOST, (b"content-length", b"12 ")], Framing(length=b"12")),
        ([HOST, (b"transfer-encoding", b"Chunked ")], Framing(is_chunked=True)),
    ],
)
def test_the_end_of_a_body_is_known_from_its_head(fields: Fields, framing: Framing) -> None:
    """RFC 9112, section 6.3."""
    assert checked("1.1", b"/", fields) == framing
    assert framing.has_body == (framing != Framing())


@pytest.mark.parametrize(("length", "has_body"), [(b"0", False), (b"000", False), (b"10", True)])
def test_a_length_of_nothing_is_no_body(length: bytes, has_body: bool) -> None:
    """RFC 9112, section 6.3: nothing is awaited after such a head."""
    assert Framing(length).has_body is has_body


@pytest.mark.parametrize(
    ("target", "host"),
    [
        (b"http://b/mcp", b"b"),
        (b"http://b:81?c=http://d/", b"b:81"),
        (b"http://user@b/", b"user@b"),
        (b"*", b"a"),
        (b"/mcp?next=http://b/", b"a"),
    ],
)
def test_a_target_that_is_a_url_names_the_host(target: bytes, host: bytes) -> None:
    """RFC 9112, section 3.2.2: a server must ignore the field then, or a check of it checks nothing."""
    fields = [HOST]
    checked("1.1", target, fields)
    assert fields == [(b"host", host)]


@given(st.lists(st.tuples(TOKENS, VALUES), max_size=8))
def test_values_keep_all_but_the_whitespace_behind_them(fields: list[tuple[bytes, bytes]]) -> None:
    """RFC 9112, section 5.1: optional whitespace around a value is no part of it. Nothing else changes."""
    harmless = [(name, value) for name, value in fields if name not in {b"host", b"transfer-encoding"}]
    seen = [HOST, *harmless]
    checked("1.1", b"/", seen)
    assert seen == [HOST, *((name, value.rstrip(b" \t")) for name, value in harmless)]
