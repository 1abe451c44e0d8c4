"""Sticky sessions: rendered EnvoyFilters, and the Lua script on session ids in LuaJIT."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lupa import luajit21
from pydantic import ValidationError

from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.components.mesh.sessions import affinity
from tests.unit.components.mesh.mesh_rendering import CANARY, INGRESS, Objects, render, render_exposed

SCRIPT: Final = Path(affinity.__file__).with_name("affinity.lua").read_bytes()
KEY: Final = "a secret of the stack"
SID: Final = "2f6c1e0a9b7d4c5e8f3a1b2c3d4e5f60"
ADDRESS: Final = "10.244.3.17:8000"


class Headers:
    """Headers as the script sees them."""

    def __init__(self, **values: str) -> None:
        self.values = {name.replace("_", "-").encode(): value.encode() for name, value in values.items()}

    def get(self, _self: object, name: bytes) -> bytes | None:
        """One value."""
        return self.values.get(name)

    def replace(self, _self: object, name: bytes, value: bytes) -> None:
        """Set a value."""
        self.values[name] = value

    def remove(self, _self: object, name: bytes) -> None:
        """Remove a value."""
        self.values.pop(name, None)


class Proxy:
    """The part of Envoy's stream handle API that the script uses. Source: Envoy, "Lua filter"."""

    def __init__(self, key: str = KEY, previous: str | None = None) -> None:
        self._lua = luajit21.LuaRuntime(encoding=None)
        self._lua.execute(SCRIPT)
        texts = {b"key": key, b"previous": previous}
        self._context = {name: text.encode() for name, text in texts.items() if text is not None}
        self.chosen: tuple[str, bool] | None = None

    def request(self, session_id: str | None) -> str | None:
        """The session id that the server sees."""
        headers = Headers() if session_id is None else Headers(mcp_session_id=session_id)
        return self._run(b"envoy_on_request", headers)

    def response(self, session_id: str, address: str = ADDRESS) -> str:
        """The session id that the client sees."""
        headers = Headers(mcp_session_id=session_id, x_mcp_upstream=address)
        seen = self._run(b"envoy_on_response", headers)
        assert b"x-mcp-upstream" not in headers.values
        assert seen is not None
        return seen

    def _run(self, function: bytes, headers: Headers) -> str | None:
        handle = self._table(
            headers=lambda _: self._table(get=headers.get, replace=headers.replace, remove=headers.remove),
            filterContext=lambda _: self._table(get=lambda _, name: self._context.get(name)),
            setUpstreamOverrideHost=self._choose,
        )
        self._lua.globals()[function](handle)
        found = headers.values.get(b"mcp-session-id")
        return None if found is None else found.decode()

    def _choose(self, _self: object, address: bytes, strict: bool) -> None:
        self.chosen = (address.decode(), strict)

    def _table(self, **members: Any) -> Any:
        return self._lua.table_from({name.encode(): member for name, member in members.items()})


def xtea(key: list[int], left: int, right: int) -> tuple[int, int]:
    """A second implementation of the cipher, for comparison."""
    total, mask = 0, 0xFFFFFFFF
    for _ in range(32):
        left = left + (((right << 4 ^ right >> 5) + right) ^ (total + key[total & 3])) & mask
        total = total + 0x9E3779B9 & mask
        right = right + (((left << 4 ^ left >> 5) + left) ^ (total + key[total >> 11 & 3])) & mask
    return left, right


def mac(key: list[int], text: bytes) -> tuple[int, int]:
    """CBC-MAC of length and text."""
    left, right = xtea(key, 0, len(text))
    for start in range(0, len(text), 8):
        block = text[start : start + 8].ljust(8, b"\0")
        left ^= int.from_bytes(block[:4], "big")
        right ^= int.from_bytes(block[4:], "big")
        left, right = xtea(key, left, right)
    return left, right


def key_of(text: bytes) -> list[int]:
    """The cipher key derived from any text."""
    known = [int.from_bytes(b"meshed-mcp.sessi"[place : place + 4], "big") for place in range(0, 16, 4)]
    return [*mac(known, text), *mac(known, text + b".")]


def signature(text: bytes, sid: bytes, masked: bytes) -> bytes:
    """MAC of a session id and its masked address, with the signing key."""
    left, right = mac(key_of(b"signature " + text), sid + b"~" + masked)
    return left.to_bytes(4, "big") + right.to_bytes(4, "big")


def stream(text: bytes, sid: bytes) -> Iterator[int]:
    """The key stream that masks an address: output feedback mode, initialized with the MAC of the session id."""
    key = key_of(text)
    left, right = mac(key, sid)
    while True:
        left, right = xtea(key, left, right)
        yield from left.to_bytes(4, "big") + right.to_bytes(4, "big")


def test_cipher_of_these_tests_matches_the_published_vectors() -> None:
    """XTEA test vectors: key 000102..0f over 4142434445464748, and zeros over zeros."""
    key = [0x00010203, 0x04050607, 0x08090A0B, 0x0C0D0E0F]
    assert xtea(key, 0x41424344, 0x45464748) == (0x497DF3D0, 0x72612CB5)
    assert xtea([0, 0, 0, 0], 0, 0) == (0xDEE9D4D8, 0xF7131ED9)


@given(st.text("0123456789abcdefghijklmnopqrstuvwxyz-", min_size=1, max_size=70), st.text(min_size=1, max_size=70))
def test_mask_and_signature_are_xtea_over_the_session_id(sid: str, key: str) -> None:
    """Requirement NET-7: a published block cipher. MCP 2025-11-25: ids are visible ASCII of any length."""
    masked = bytes(a ^ b for a, b in zip(ADDRESS.encode(), stream(key.encode(), sid.encode()), strict=False))
    signed = masked + signature(key.encode(), sid.encode(), masked)
    assert Proxy(key).response(sid) == f"{sid}~{signed.hex()}"


@given(st.integers(0, 8 * (len(ADDRESS) + 8) - 1))
def test_session_value_with_a_flipped_bit_selects_no_replica(place: int) -> None:
    """Requirement NET-7: a signature prevents forging the value of another address; a mask alone does not."""
    sid, _, hidden = Proxy().response(SID).partition("~")
    changed = bytearray.fromhex(hidden)
    changed[place // 8] ^= 1 << place % 8
    proxy, forged = Proxy(), f"{sid}~{changed.hex()}"
    assert proxy.request(forged) == forged
    assert proxy.chosen is None


def test_value_of_another_session_selects_no_replica() -> None:
    """Requirement NET-7: the value of one session is not valid for other sessions."""
    other = f"{SID[::-1]}~{Proxy().response(SID).partition('~')[2]}"
    proxy = Proxy()
    assert proxy.request(other) == other
    assert proxy.chosen is None


@pytest.mark.parametrize("address", [ADDRESS, "127.16.1.3:15006", "[fd00::1:2f]:8000", "[::ffff:10.0.0.1]:15006"])
def test_session_returns_to_its_replica(address: str) -> None:
    """Requirement NET-8: the override is not strict, so a session of a lost replica gets 404."""
    client_sees = Proxy().response(SID, address)
    proxy = Proxy()
    assert proxy.request(client_sees) == SID
    assert proxy.chosen == (address, False)


def test_session_id_reveals_no_address() -> None:
    """Requirement NET-7: no clear text, no hex, and two sessions of one replica have unrelated values."""
    one, other = Proxy().response(SID), Proxy().response(SID[::-1])
    assert ADDRESS not in one
    assert ADDRESS.encode().hex() not in one
    assert one.partition("~")[2] != other.partition("~")[2]
    assert Proxy().response(SID) == one


@pytest.mark.parametrize(
    "foreign",
    [
        pytest.param(SID, id="an id without our part"),
        pytest.param(f"{SID}~{ADDRESS.encode().hex()}", id="an address in hex"),
        pytest.param(f"{SID}~", id="an empty part"),
        pytest.param(f"{SID}~abc", id="an odd number of digits"),
        pytest.param(f"{SID}~{'00' * 5000}", id="a very long part"),
        pytest.param("~" * 300, id="nothing but marks"),
    ],
)
def test_foreign_session_id_passes_unchanged_and_selects_no_replica(foreign: str) -> None:
    """MCP 2025-11-25, "Session Management": the server answers an unknown id with 404."""
    proxy = Proxy()
    assert proxy.request(foreign) == foreign
    assert proxy.chosen is None


def test_session_id_made_with_another_key_selects_no_replica() -> None:
    """Requirement NET-8: sessions of a changed key end with 404 instead of reaching another replica."""
    proxy = Proxy("another")
    theirs = Proxy().response(SID)
    assert proxy.request(theirs) == theirs
    assert proxy.chosen is None


def test_request_without_a_session_is_left_alone() -> None:
    """MCP 2026-07-28 has no sessions; `initialize` has none yet."""
    proxy = Proxy()
    assert proxy.request(None) is None
    assert proxy.chosen is None


def sticky(**settings: Any) -> Objects:
    """A service with sessions, exposed, with two versions."""
    return render_exposed(legacy="sticky", rollout=CANARY, **settings)


def session_filters(objects: Objects) -> list[str]:
    """Names of the EnvoyFilters that keep sessions."""
    names = [item["metadata"]["name"] for item in objects if item["kind"] == "EnvoyFilter"]
    return [name for name in names if name.endswith("-sessions")]


def patches(item: Manifest, apply_to: str) -> list[Manifest]:
    """Patches of one kind in an EnvoyFilter."""
    return [patch for patch in item["spec"]["configPatches"] if patch["applyTo"] == apply_to]


def test_filter_runs_where_the_replica_is_selected() -> None:
    """Istio API, EnvoyFilter: it holds in its own namespace; callers' sidecars and the gateway choose the replica."""
    objects = sticky(callers=["mcp-chat", "frontend/chat"])
    found = {
        (item["metadata"]["namespace"], item["metadata"]["name"]): {
            patch["match"]["context"] for patch in item["spec"]["configPatches"]
        }
        for item in objects
        if item["kind"] == "EnvoyFilter" and item["metadata"]["name"].endswith("-sessions")
    }
    assert found == {
        ("frontend", "mcp-search-sessions"): {"SIDECAR_OUTBOUND"},
        ("mcp-system", "mcp-search-sessions"): {"SIDECAR_OUTBOUND"},
        ("istio-ingress", "mcp-search-ingress-sessions"): {"GATEWAY"},
    }


@pytest.mark.parametrize("legacy", ["stateless", "off"])
def test_without_sessions_no_session_filter_is_rendered(legacy: str) -> None:
    """Requirement NET-18: an EnvoyFilter depends on Istio's versions, so only sticky services have one."""
    objects = render_exposed(legacy=legacy, callers=["mcp-chat"])
    filters = [item["metadata"]["name"] for item in objects if item["kind"] == "EnvoyFilter"]
    assert filters == ["mcp-search-connect-failure", "mcp-search-rate-limits"]
    assert [rule["name"] for rule in objects.one("VirtualService", "mcp-search")["spec"]["http"]] == ["default"]


def test_session_filter_is_enabled_on_every_route_of_the_service_only() -> None:
    """Envoy, HttpFilter `disabled`: per-route configuration enables it; a name that no route has would do nothing."""
    objects = sticky(callers=["mcp-chat"])
    for route, owner in {
        "mcp-search": "mcp-search-sessions",
        "mcp-search-ingress": "mcp-search-ingress-sessions",
    }.items():
        names = [rule["name"] for rule in objects.one("VirtualService", route)["spec"]["http"]]
        item = objects.one("EnvoyFilter", owner)
        enabled = [
            patch["match"]["routeConfiguration"]["vhost"]["route"]["name"] for patch in patches(item, "HTTP_ROUTE")
        ]
        (inserted,) = patches(item, "HTTP_FILTER")
        assert enabled == names
        assert len(set(names)) == len(names)
        assert inserted["patch"]["value"]["disabled"] is True


def test_session_rule_routes_to_all_versions_before_weights_apply() -> None:
    """Envoy draws weights per request: behind them a session would change version (measured: 21 of 72 answered)."""
    session, fresh = sticky().one("VirtualService", "mcp-search")["spec"]["http"]
    assert session["match"] == [{"headers": {"mcp-session-id": {}}}]
    assert [target["destination"].get("subset") for target in session["route"]] == [None]
    assert [target["destination"]["subset"] for target in fresh["route"]] == ["stable", "canary"]
    assert {rule["headers"]["response"]["set"]["x-mcp-upstream"] for rule in (session, fresh)} == {
        "%UPSTREAM_REMOTE_ADDRESS%"
    }


def test_gateway_keeps_path_and_rewrite_for_sessions() -> None:
    """Requirement NET-5: a session reaches the same paths as any other request."""
    rules = sticky().one("VirtualService", "mcp-search-ingress")["spec"]["http"]
    assert [(rule["match"][0]["uri"], rule["rewrite"], "headers" in rule["match"][0]) for rule in rules] == [
        ({"exact": "/mcp-search/mcp"}, {"uri": "/mcp"}, True),
        ({"exact": "/mcp-search/mcp"}, {"uri": "/mcp"}, False),
        ({"prefix": "/mcp-search/mcp/"}, {"uri": "/mcp/"}, True),
        ({"prefix": "/mcp-search/mcp/"}, {"uri": "/mcp/"}, False),
    ]


def keys(objects: Objects) -> set[str]:
    """Keys that the proxies of a service get."""
    return {
        change["filter_context"]["key"]
        for item in objects
        if item["kind"] == "EnvoyFilter"
        for patch in patches(item, "HTTP_ROUTE")
        for change in patch["patch"]["value"]["typed_per_filter_config"].values()
    }


def test_session_key_is_the_configured_one_or_derived_from_the_identity() -> None:
    """Requirement NET-7: one key in every proxy of a service, stable over updates."""
    assert keys(sticky(callers=["mcp-chat"], session_key=KEY)) == {KEY}
    assert keys(sticky(callers=["mcp-chat"])) == {"cluster.local/ns/mcp-system/sa/mcp-search"}


def test_sessions_of_the_previous_key_stay_open_after_a_change() -> None:
    """Requirement ROT-4: a new key signs, and the ids that clients hold are still theirs."""
    before, between, after = Proxy("old"), Proxy("new", previous="old"), Proxy("new")
    held, fresh = before.response(SID), between.response(SID)
    assert between.request(held) == between.request(fresh) == after.request(fresh) == SID
    assert between.chosen == after.chosen == (ADDRESS, False)
    assert after.request(held) == held
    assert before.request(fresh) == fresh


def test_the_previous_session_key_reaches_every_proxy() -> None:
    """Requirement ROT-4: a key that rotates is in all proxies beside the new one."""
    item = sticky(callers=["mcp-chat"], session_key="new", previous_session_key="old").one(
        "EnvoyFilter", "mcp-search-sessions"
    )
    changes = [patch["patch"]["value"]["typed_per_filter_config"] for patch in patches(item, "HTTP_ROUTE")]
    contexts = [each["filter_context"] for change in changes for each in change.values()]
    assert contexts
    assert all(each == {"key": "new", "previous": "old"} for each in contexts)


def test_service_without_callers_has_no_session_filter() -> None:
    """Requirement NET-18: without a caller there is no proxy to patch."""
    assert session_filters(render(legacy="sticky", ingress=INGRESS)) == []


@pytest.mark.parametrize(("methods", "missing"), [(["POST"], "GET and DELETE"), (["GET", "POST"], "DELETE")])
def test_sessions_need_their_methods(methods: list[str], missing: str) -> None:
    """MCP 2025-11-25, "Streamable HTTP": GET opens the server's stream, DELETE ends the session."""
    with pytest.raises(ValidationError) as rejected:
        render(legacy="sticky", methods=methods)
    (error,) = rejected.value.errors()
    assert error["msg"] == (
        f"Value error, legacy: sticky needs {missing} in methods, for the streams and the end of sessions; "
        "add it, or set legacy: stateless"
    )


@pytest.mark.parametrize("legacy", ["stateless", "sticky", "off"])
def test_server_gets_the_legacy_mode(legacy: str) -> None:
    """Requirement CFG-13: mesh and server use the same `legacy` mode."""
    (container,) = render(legacy=legacy).one("Deployment")["spec"]["template"]["spec"]["containers"]
    assert {"name": "MESHED_MCP_LEGACY", "value": legacy} in container["env"]


@pytest.mark.parametrize(("legacy", "label"), [("sticky", "mcp-session"), ("stateless", None), ("off", None)])
def test_terminating_pods_stay_endpoints_only_for_sticky_services(legacy: str, label: str | None) -> None:
    """istiod, PILOT_PERSISTENT_SESSION_LABEL: endpoints that drain are left out unless the Service has it."""
    labels = render(legacy=legacy).one("Service")["metadata"]["labels"]
    assert labels.get("istio.io/persistent-session") == label
    assert labels["app.kubernetes.io/name"] == "mcp-search"
