"""What a store of sealed records does. Keys are digests and values are sealed, so a store learns neither."""

from typing import Protocol


class StoreUnavailableError(Exception):
    """The store does not respond. The text names no record."""


class Store(Protocol):
    """Records by key. Each method raises StoreUnavailableError."""

    async def open(self) -> None:
        """Connect, if connections are made at the start. Raises StartError."""

    async def get(self, key: str) -> str | None:
        """Return the value; None without one, and after its expiry."""

    async def put(self, key: str, value: str, seconds: float | None) -> None:
        """Write a value, which expires after `seconds`; None = never."""

    async def add(self, key: str, value: str, seconds: float) -> bool:
        """Write a value unless there is one, atomically; return whether it was written."""

    async def delete(self, key: str) -> bool:
        """Delete a value; return whether there was one."""

    async def aclose(self) -> None:
        """Close every connection."""
