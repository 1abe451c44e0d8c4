"""Rotation of the keys that seal request state."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mcp.server.request_state import AESGCMRequestStateCodec, InvalidRequestState

from meshed_mcp.agents.process.secret_files import FixedSecret, SecretFile
from meshed_mcp.agents.state.request_state_codec import PROPAGATION_SECONDS, RotatingCodec
from tests.mounted_files import MountedFiles

OLD, NEW, NEWEST = "o" * 32, "n" * 32, "m" * 32


class Replica:
    """A codec with keys in a mounted file, and its clock."""

    def __init__(self, folder: Path, *keys: str) -> None:
        self.now = 0.0
        self._files = MountedFiles(folder, {"keys": "\n".join(keys)})
        self.codec = RotatingCodec(SecretFile(self._files.path("keys")), clock=lambda: self.now)

    def gets(self, *keys: str) -> None:
        """The kubelet replaces the file."""
        self._files.replace({"keys": "\n".join(keys)})

    def seals_with(self, key: str) -> bool:
        """Whether a replica with this key alone opens what it seals."""
        try:
            return AESGCMRequestStateCodec([key]).unseal(self.codec.seal(b"state")) == b"state"
        except InvalidRequestState:
            return False


def test_a_new_first_key_seals_when_every_replica_has_it(tmp_path: Path) -> None:
    """Requirement ROT-4: files of replicas change at different times."""
    early, late = Replica(tmp_path / "early", OLD), Replica(tmp_path / "late", OLD)
    early.gets(NEW, OLD)
    assert late.codec.unseal(early.codec.seal(b"state")) == b"state"
    early.now = PROPAGATION_SECONDS - 1
    assert early.seals_with(OLD)
    late.gets(NEW, OLD)
    early.now = PROPAGATION_SECONDS
    assert early.seals_with(NEW)
    assert late.seals_with(OLD)
    assert late.codec.unseal(early.codec.seal(b"state")) == b"state"
    assert early.codec.unseal(late.codec.seal(b"state")) == b"state"


def test_a_key_that_was_added_before_seals_at_once_when_it_is_first(tmp_path: Path) -> None:
    """Official SDK 2.3, `RequestStateSecurity`: rotation in three phases needs no delay."""
    replica = Replica(tmp_path / "files", OLD)
    replica.gets(OLD, NEW)
    assert replica.seals_with(OLD)
    replica.gets(NEW, OLD)
    assert replica.seals_with(NEW)


def test_a_removed_key_neither_seals_nor_opens_any_more(tmp_path: Path) -> None:
    """Requirement ROT-4: a leaked key is gone as soon as the file has changed."""
    replica = Replica(tmp_path / "files", OLD)
    sealed = replica.codec.seal(b"state")
    replica.gets(NEW)
    assert replica.seals_with(NEW)
    with pytest.raises(InvalidRequestState):
        replica.codec.unseal(sealed)


def test_keys_that_are_invalid_keep_the_last_ones(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Requirement ROT-2: a key that is too short is logged by its position."""
    replica = Replica(tmp_path / "files", OLD)
    replica.gets(NEW, "too-short")
    assert replica.seals_with(OLD)
    (record,) = caplog.records
    assert "key 2 of 2 has 9 bytes" in record.getMessage()
    assert "too-short" not in caplog.text
    replica.gets(NEWEST, OLD)
    replica.codec.seal(b"")
    replica.now += PROPAGATION_SECONDS
    assert replica.seals_with(NEWEST)


@given(st.lists(st.tuples(st.sampled_from(("a", "b")), st.permutations((OLD, NEW, NEWEST)), st.floats(0, 400))))
def test_no_order_of_updates_loses_a_round_while_no_key_is_removed(
    updates: list[tuple[str, list[str], float]],
) -> None:
    """Requirement ROT-4: whatever is sealed by a replica can be opened by each that has the keys."""
    now = [0.0]
    texts = dict.fromkeys(("a", "b"), f"{OLD}\n{NEW}\n{NEWEST}")

    class Changing:
        """A secret whose text the test sets."""

        def __init__(self, name: str) -> None:
            self.name = name

        def read(self) -> str:
            return texts[self.name]

    replicas = {name: RotatingCodec(Changing(name), clock=lambda: now[0]) for name in texts}
    for name, keys, wait in updates:
        texts[name] = "\n".join(keys)
        now[0] += wait
        for one in replicas.values():
            assert all(other.unseal(one.seal(b"state")) == b"state" for other in replicas.values())


def test_fixed_keys_never_change() -> None:
    """Requirement RUN-11: keys of a variable stay until the process ends."""
    codec = RotatingCodec(FixedSecret(f"{NEW}\n{OLD}"))
    assert AESGCMRequestStateCodec([NEW]).unseal(codec.seal(b"x")) == b"x"
    assert codec.unseal(AESGCMRequestStateCodec([OLD]).seal(b"y")) == b"y"
