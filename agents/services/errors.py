"""Database errors as one line for the model."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from mcp.server.mcpserver.exceptions import ResourceError, ToolError
from sqlalchemy.exc import DataError, DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

logger = logging.getLogger(__name__)


@contextmanager
def database_errors(kind: type[ToolError | ResourceError] = ToolError) -> Iterator[None]:
    """Convert database errors to `kind`. The original text goes to the log, because it can name hosts."""
    try:
        yield
    except DataError as error:
        raise kind("a text contains a character that the database cannot store, such as NUL; remove it") from error
    except (DBAPIError, PoolTimeoutError) as error:
        logger.warning("the database does not respond: %s", " ".join(str(getattr(error, "orig", error)).split()))
        raise kind("the database of this service does not respond; try again later") from error
