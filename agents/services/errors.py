"""Faults of what a service stands on, as one line for the model instead of a crash.

In: an exception of the database. Out: a ToolError, or a ResourceError where a resource is read.
Not here: faults of arguments (the SDK reports them).
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from mcp.server.mcpserver.exceptions import ResourceError, ToolError
from sqlalchemy.exc import DataError, DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

logger = logging.getLogger(__name__)


@contextmanager
def database_errors(kind: type[ToolError | ResourceError] = ToolError) -> Iterator[None]:
    """Turn what the database says into an error of this kind; its own words may name hosts and are for the log."""
    try:
        yield
    except DataError as error:
        raise kind("a text holds a character that the database cannot keep, such as NUL; remove it") from error
    except (DBAPIError, PoolTimeoutError) as error:
        logger.warning("the database does not answer: %s", " ".join(str(getattr(error, "orig", error)).split()))
        raise kind("the database of this service does not answer; try again later") from error
