"""A client on the user's machine, such as an editor: the official SDK, which opens the browser for the login."""

import contextlib
import queue
import ssl
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final
from urllib.parse import parse_qs, urlsplit

import anyio
import anyio.to_thread
import httpx2
from mcp import Client
from mcp.client.auth import AuthorizationCodeResult, OAuthClientProvider, TokenStorage
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import OAuthClientInformationFull, OAuthClientMetadata, OAuthToken
from pydantic import AnyUrl

from tests.connect_proxy import serving
from tests.engines.login.network import LoginNetwork

LOGIN_SECONDS: Final = 120
RETURN_PATH: Final = "/callback"


class InMemory(TokenStorage):
    """Tokens of one run."""

    tokens: OAuthToken | None = None
    client: OAuthClientInformationFull | None = None

    async def get_tokens(self) -> OAuthToken | None:
        """Return the tokens."""
        return self.tokens

    async def set_tokens(self, tokens: OAuthToken) -> None:
        """Keep the tokens."""
        self.tokens = tokens

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        """Return the registration."""
        return self.client

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        """Keep the registration."""
        self.client = client_info


class NativeClient:
    """Calls a server in a thread, while the test is the user in the browser."""

    def __init__(self, network: LoginNetwork, port: int, returned: "queue.Queue[str]") -> None:
        self._network, self._returned = network, returned
        self._redirect_url = f"http://127.0.0.1:{port}{RETURN_PATH}"
        self._opened = queue.Queue[str]()

    def list_tools(self, url: str, user: Callable[[str], None]) -> list[str]:
        """Names of the tools at `url`; `user` logs in at the URL that the client opens."""
        with ThreadPoolExecutor(1) as pool:
            tools: Future[list[str]] = pool.submit(anyio.run, self._tools, url)
            user(self._opened.get(timeout=LOGIN_SECONDS))
            return tools.result(LOGIN_SECONDS)

    async def _tools(self, url: str) -> list[str]:
        metadata = OAuthClientMetadata(client_name="Editor", redirect_uris=[AnyUrl(self._redirect_url)])
        login = OAuthClientProvider(url, metadata, InMemory(), self._open, self._code)
        trust = ssl.create_default_context(cafile=str(self._network.ca_file))
        proxy = self._network.proxy_url
        async with (
            httpx2.AsyncClient(auth=login, proxy=proxy, verify=trust, timeout=60, trust_env=False) as http,
            Client(streamable_http_client(url, http_client=http)) as client,
        ):
            return [tool.name for tool in (await client.list_tools()).tools]

    async def _open(self, url: str) -> None:
        self._opened.put(url)

    async def _code(self) -> AuthorizationCodeResult:
        query = await anyio.to_thread.run_sync(lambda: self._returned.get(timeout=LOGIN_SECONDS))
        found = {name: values[0] for name, values in parse_qs(query).items()}
        return AuthorizationCodeResult(code=found["code"], state=found.get("state"), iss=found.get("iss"))


@contextlib.contextmanager
def native_client(network: LoginNetwork) -> Iterator[NativeClient]:
    """A client that listens on loopback for the browser's return."""
    returned = queue.Queue[str]()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            target = urlsplit(self.path)
            if target.path == RETURN_PATH:
                returned.put(target.query)
            body = b"You are logged in."
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    with serving(server):
        yield NativeClient(network, server.server_port, returned)
