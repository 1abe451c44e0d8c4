"""Faults of what a service stands on, as one line for the model instead of a crash.

In: an exception of the database. Out: a ToolError. Not here: faults of arguments (the SDK reports them).
"""

from collections.abc import Iterator
from contextlib import contextmanager

from mcp.server.mcpserver.exceptions import ToolError
from sqlalchemy.exc import DataError, DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError


@contextmanager
def database_faults() -> Iterator[None]:
    """Turn what the database says into a ToolError; its own words name hosts and statements and stay in the log."""
    try:
        yield
    except DataError as error:
        raise ToolError("a text holds a character that the database cannot keep, such as NUL; remove it") from error
    except (DBAPIError, PoolTimeoutError) as error:
        raise ToolError("the database of this service does not answer; try again later") from error
