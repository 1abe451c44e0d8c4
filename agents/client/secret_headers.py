"""HTTP authentication by headers whose values may change while the process runs."""

from collections.abc import Callable, Generator, Mapping
from http import HTTPStatus

import httpx2


class SecretHeaders(httpx2.Auth):
    """Adds the current values to each request.

    A request that gets 401 is repeated once if a value has changed since: the server did nothing, and the Secret was
    replaced in between. Source: RFC 9110, section 15.5.2.
    """

    def __init__(self, values: Mapping[str, Callable[[], str]]) -> None:
        """`values`: header -> function that returns its value."""
        self._values = dict(values)

    async def add(self, request: httpx2.Request) -> None:
        """Add the current values: a hook for clients with another authentication. Source: HTTPX, "Event Hooks"."""
        request.headers.update(self._current())

    def auth_flow(self, request: httpx2.Request) -> Generator[httpx2.Request, httpx2.Response]:
        """Send the request with the headers. Source: HTTPX, "Customizing authentication"."""
        sent = self._current()
        request.headers.update(sent)
        response = yield request
        if response.status_code == HTTPStatus.UNAUTHORIZED and (newest := self._current()) != sent:
            request.headers.update(newest)
            yield request

    def _current(self) -> dict[str, str]:
        return {header: read() for header, read in self._values.items()}
