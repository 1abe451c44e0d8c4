"""Ids of server-initiated requests in a session that has changed its replica.

Each replica counts its requests from the same number. A user who answers a question of the replica that died would
otherwise answer the next question of its successor. From the second replica on, ids carry the number of the replica.
"""

import json
from typing import Any, Final

from pydantic_core import from_json

CANCELLED: Final = "notifications/cancelled"
_DATA: Final = b"data: "


def outgoing(chunk: bytes, epoch: int) -> bytes:
    """The chunk of an event stream with the ids of its request, or of the cancellation of one, marked with the epoch.

    >>> outgoing(b'data: {"id":1,"method":"ping"}', 2)
    b'data: {"id": "2:1", "method": "ping"}'
    """
    if b'"method"' not in chunk:
        return chunk
    return b"\n".join(_marked(line, epoch) for line in chunk.split(b"\n"))


def _marked(line: bytes, epoch: int) -> bytes:
    if not line.startswith(_DATA):
        return line
    try:
        message = from_json(line.removeprefix(_DATA))
    except ValueError:
        return line
    match message:
        case {"method": _, "id": number}:
            message["id"] = f"{epoch}:{json.dumps(number)}"
        case {"method": "notifications/cancelled", "params": {"requestId": number}}:
            message["params"]["requestId"] = f"{epoch}:{json.dumps(number)}"
        case _:
            return line
    return _DATA + json.dumps(message).encode() + (b"\r" if line.endswith(b"\r") else b"")


def is_response(message: Any) -> bool:
    """Whether a client's message responds to a server-initiated request."""
    return isinstance(message, dict) and "method" not in message and "id" in message


def incoming(message: Any, epoch: int) -> bytes | None:
    """The response with the id that this replica has given its request; None for a request of an earlier replica.

    >>> incoming({"id": "2:1", "result": {}}, 2), incoming({"id": 1, "result": {}}, 2)
    (b'{"id": 1, "result": {}}', None)
    """
    marked, text = f"{epoch}:", message["id"]
    if not isinstance(text, str) or not text.startswith(marked):
        return None
    try:
        number = json.loads(text.removeprefix(marked))
    except ValueError:
        return None
    return json.dumps({**message, "id": number}).encode()
