"""`BridgeService`: an `MCPService` whose tools, resources and prompts are those of its upstream.

A replica becomes ready when its upstream has completed a handshake: before that, it cannot state the upstream's
capabilities and tools in `initialize`, `server/discover` and the registry. Afterwards it stays ready while the upstream
is down, and calls get an error: without this, a restart of the upstream would take all replicas out at once.
"""

import asyncio
import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import mcp_types
from mcp.server.context import CallNext, HandlerResult
from mcp.server.lowlevel import Server
from mcp.server.request_state import RequestStateBoundary, RequestStateSecurity
from mcp.shared.exceptions import MCPError
from mcp_types import Tool
from mcp_types.methods import SPEC_CLIENT_METHODS, SPEC_CLIENT_NOTIFICATION_METHODS
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from starlette.applications import Starlette

from meshed_mcp import contract
from meshed_mcp.agents.bridge.catalog import Catalog, all_tools, discover_upstream
from meshed_mcp.agents.bridge.connector import Connector
from meshed_mcp.agents.bridge.downstream import Context, is_modern
from meshed_mcp.agents.bridge.errors import UpstreamError
from meshed_mcp.agents.bridge.launcher import LauncherConnector
from meshed_mcp.agents.bridge.listening import Listening
from meshed_mcp.agents.bridge.metrics import NOT_OPENED, BridgeMetrics
from meshed_mcp.agents.bridge.negotiation import WrongEraError
from meshed_mcp.agents.bridge.pool import Pool
from meshed_mcp.agents.bridge.process import ProcessConnector, child_environment
from meshed_mcp.agents.bridge.proxy import ClientSession, Proxy, identity_of
from meshed_mcp.agents.bridge.settings import BridgeSettings
from meshed_mcp.agents.bridge.streamable_http import HTTPConnector
from meshed_mcp.agents.bridge.translation import upstream_headers, upstream_params
from meshed_mcp.agents.client.credentials import UserCredential, outbound_auth
from meshed_mcp.agents.client.credentials.errors import CredentialsError
from meshed_mcp.agents.process.supervision import BACKOFF, supervised
from meshed_mcp.agents.service import MCPService
from meshed_mcp.agents.settings import Settings, SettingsError
from meshed_mcp.error_codes.code import MessageError
from meshed_mcp.error_codes.user_credentials import USER_CREDENTIAL_MISSING

PASSED: Final[dict[str, type[mcp_types.RequestParams]]] = {
    "tools/list": mcp_types.PaginatedRequestParams,
    "tools/call": mcp_types.CallToolRequestParams,
    "resources/list": mcp_types.PaginatedRequestParams,
    "resources/templates/list": mcp_types.PaginatedRequestParams,
    "resources/read": mcp_types.ReadResourceRequestParams,
    "prompts/list": mcp_types.PaginatedRequestParams,
    "prompts/get": mcp_types.GetPromptRequestParams,
    "completion/complete": mcp_types.CompleteRequestParams,
}
"""Requests that pass as they are. Source: MCP 2026-07-28 and 2025-11-25, `ClientRequest`."""

CLIENT_NOTIFICATIONS: Final[dict[str, type[mcp_types.NotificationParams]]] = {
    "notifications/roots/list_changed": mcp_types.NotificationParams,
    "notifications/progress": mcp_types.ProgressNotificationParams,
}

logger = logging.getLogger(__name__)


class BridgeService(MCPService[Any]):
    """The bridge; `run()` serves with the settings of the environment (`BridgeSettings`)."""

    settings_model = BridgeSettings

    def __init__(self, name: str) -> None:
        # The state of an upstream is opaque and passes unsealed; that of a held call is random and bound to its caller.
        super().__init__(name, request_state_security=RequestStateSecurity.ephemeral())
        self.middleware[:] = [each for each in self.middleware if not isinstance(each, RequestStateBoundary)]
        self.middleware.append(self._ask_first)
        self.middleware.append(self._discover_first)
        self.middleware.append(self._announce)
        self.middleware.append(self._pass_unknown)
        self.bridge_metrics = BridgeMetrics(self.metrics)
        self.catalog = Catalog()
        self.proxy: Proxy
        self.listening: Listening
        self._credential: str | None = None  # provider of the credential that each caller gives
        self._has_sessions = False
        self._with_legacy = True
        self._discovery = asyncio.Lock()

    def http_app(self, settings: Settings, **options: Any) -> Starlette:
        """Return the application. Raises SettingsError."""
        if not isinstance(settings, BridgeSettings):
            raise TypeError("the bridge takes BridgeSettings")
        try:
            connector = connector_for(settings, self.bridge_metrics, self._credential_of_caller)
        except MessageError as error:
            raise SettingsError(*error.messages) from None
        self._credential = connector.credential if isinstance(connector, HTTPConnector) else None
        app = super().http_app(settings, **options)
        self._has_sessions = settings.legacy is contract.Legacy.STICKY
        self._with_legacy = settings.legacy is not contract.Legacy.OFF
        pool = pool_for(settings, connector, self.bridge_metrics, self.catalog)
        self.proxy = Proxy(pool, self.catalog, self.bridge_metrics, has_sessions=self._has_sessions)
        self.listening = Listening(self.proxy)
        self.bridge_metrics.observe(sessions=lambda: pool.size, held=lambda: len(self.proxy.held))
        self._sessions.on_end.append(self.proxy.end_session)
        self.proxy.is_open = self._sessions.is_open
        self._register(self.session_manager.app)
        return self._with_upstream(app)

    async def list_tools(self) -> list[Tool]:
        """Return the upstream's tools, for the registry: read again after a change, where a connection is open."""
        upstream = self.proxy.pool.any_usable()
        if self.catalog.is_stale and upstream is not None:
            try:
                self.catalog.replace(await all_tools(upstream))
            except MCPError as error:
                logger.warning("the upstream does not list its tools: %s", error.message)
        self._note_tools()
        return self.catalog.registered()

    def end_streams(self) -> None:
        """End every open `subscriptions/listen` stream with its result, as a stopping server should."""
        self.listening.end_streams()

    def _register(self, server: Server[Any]) -> None:
        for method, params in PASSED.items():
            server.add_request_handler(method, params, self.proxy)
        server.add_request_handler("server/discover", mcp_types.RequestParams, self._discover)
        server.add_request_handler(
            "subscriptions/listen", mcp_types.SubscriptionsListenRequestParams, self.listening.listen
        )
        server.add_request_handler("resources/subscribe", mcp_types.SubscribeRequestParams, self.listening.subscribe)
        server.add_request_handler(
            "resources/unsubscribe", mcp_types.UnsubscribeRequestParams, self.listening.subscribe
        )
        server.add_request_handler("logging/setLevel", mcp_types.SetLevelRequestParams, self._set_level)
        for method, notification in CLIENT_NOTIFICATIONS.items():
            server.add_notification_handler(method, notification, self._notify)
        server.add_notification_handler(
            "notifications/initialized", mcp_types.NotificationParams, self.listening.opened
        )
        server.get_tool_input_schema = self.catalog.schema_of

    def _with_upstream(self, app: Starlette) -> Starlette:
        own = app.router.lifespan_context

        @asynccontextmanager
        async def lifespan(running: Starlette) -> AsyncIterator[Any]:
            try:
                await self._discover_upstream()
                async with (
                    supervised("upstream connections", self.proxy.pool.keep_sweeping, self.metrics),
                    supervised("upstream discovery", self._keep_discovering, self.metrics),
                    own(running) as state,
                ):
                    yield state
            finally:
                await self.proxy.held.aclose()
                await self.proxy.pool.aclose()

        app.router.lifespan_context = lifespan
        return app

    async def _keep_discovering(self) -> None:
        """Discover the upstream again when it has rejected its revision: another version of it may run."""
        while True:
            await self.proxy.wrong_era.wait()
            await self._discover_upstream()
            self.proxy.wrong_era.clear()

    async def _credential_of_caller(self, name: str) -> str:
        """Return the token of the caller at a provider. Raises CredentialsError."""
        try:
            return await self.user_credential(name)
        except MCPError:
            raise CredentialsError(USER_CREDENTIAL_MISSING.message(name=name)) from None

    async def _ask_first(self, ctx: Context, call_next: CallNext) -> HandlerResult:
        """SDK middleware: a caller without a credential for the upstream is asked before the upstream is."""
        if self._credential is not None and ctx.request_id is not None and ctx.method != "ping":
            await self.user_credential(self._credential)
        return await call_next(ctx)

    async def _discover_first(self, ctx: Context, call_next: CallNext) -> HandlerResult:
        """SDK middleware: an upstream that only callers can use is discovered in the request of the first one."""
        if ctx.request_id is not None and not self.catalog.facts:
            async with self._discovery:
                if not self.catalog.facts:
                    await self._discover_for_caller()
        return await call_next(ctx)

    async def _discover_for_caller(self) -> None:
        try:
            await discover_upstream(self.proxy.pool.connector, self.catalog, with_legacy=self._with_legacy)
        except WrongEraError as error:
            raise UpstreamError(NOT_OPENED, f"The upstream does not speak a known revision: {error}.") from None
        self._introduce()

    async def _discover_upstream(self) -> None:
        """Try until the upstream has completed a handshake; leave it to a caller where only callers can."""
        failures = 0
        if self.proxy.pool.connector.needs_caller:
            self.catalog.facts = {}
            return
        while True:
            try:
                await discover_upstream(self.proxy.pool.connector, self.catalog, with_legacy=self._with_legacy)
            except (MCPError, WrongEraError) as error:
                failures += 1
                wait = BACKOFF.seconds(failures)
                logger.warning("not ready: %s The bridge tries again in %.1f s.", error, wait)
                await asyncio.sleep(wait)
            else:
                self._introduce()
                return

    def _introduce(self) -> None:
        """Take the upstream's identity, which `initialize` and the registry entry state."""
        facts = self.catalog.facts.get(False) or self.catalog.newest
        server = self.session_manager.app
        if facts is not None:
            server.instructions = facts.instructions
        if facts is not None and facts.server is not None:
            found = mcp_types.Implementation.model_validate(facts.server, by_name=False)
            server.name, server.version, server.title = found.name, found.version, found.title
            server.description, server.website_url, server.icons = found.description, found.website_url, found.icons
        self._note_tools()
        logger.info("the upstream speaks %s", ", ".join(each.version for each in self.catalog.facts.values()))

    def _note_tools(self) -> None:
        self.tool_names.update(self.catalog.tools)  # in place: the metrics hold this set
        self.tool_names.intersection_update(self.catalog.tools)

    async def _announce(self, ctx: Context, call_next: CallNext) -> HandlerResult:
        """SDK middleware: `initialize` states the upstream's capabilities."""
        result = await call_next(ctx)
        if ctx.method == "initialize" and isinstance(result, dict) and (facts := self._legacy_facts()) is not None:
            return {**result, "capabilities": offered(facts.capabilities, has_sessions=self._has_sessions)}
        if ctx.method == "tools/list":
            self._note_tools()
        return result

    def _legacy_facts(self) -> Any:
        return self.catalog.facts.get(False) or self.catalog.newest

    async def _discover(self, _: Context, __: Any) -> HandlerResult:
        facts = self.catalog.newest
        if facts is None:
            raise MCPError(code=mcp_types.INTERNAL_ERROR, message="The upstream is not known yet.")
        return {
            "resultType": "complete",
            "ttlMs": 0,
            "cacheScope": "private",
            "supportedVersions": list(MODERN_PROTOCOL_VERSIONS),
            "capabilities": dict(facts.capabilities),
            **({} if facts.instructions is None else {"instructions": facts.instructions}),
            **({} if facts.server is None else {"_meta": {mcp_types.SERVER_INFO_META_KEY: dict(facts.server)}}),
        }

    async def _set_level(self, ctx: Context, params: Any) -> HandlerResult:
        """Pass the level on; an upstream of 2026-07-28 gets it with each request of the session."""
        if not self.proxy.era(ctx):
            return await self.proxy(ctx)
        session = self.proxy.session_of(ctx)
        if session is not None:
            self.proxy.sessions.setdefault(session, ClientSession()).log_level = params.level
        return {}

    async def _notify(self, ctx: Context, _: Any = None) -> None:
        """Pass a notification of a session's client on."""
        upstream = self.proxy.session_upstream(ctx)
        if upstream is not None and upstream.facts is not None:
            params = upstream_params(ctx.params, upstream.facts, identity_of(ctx))
            await upstream.notify(ctx.method, params, upstream_headers(ctx.method, params, upstream.facts))

    async def _pass_unknown(self, ctx: Context, call_next: CallNext) -> HandlerResult:
        """SDK middleware: methods of extensions pass as they are."""
        if ctx.request_id is None and ctx.method not in SPEC_CLIENT_NOTIFICATION_METHODS:
            await self._notify(ctx)
        if ctx.request_id is None or ctx.method in SPEC_CLIENT_METHODS:
            return await call_next(ctx)
        result = await self.proxy(ctx)
        return {"resultType": "complete", **result} if is_modern(ctx) else result


def offered(capabilities: Any, *, has_sessions: bool) -> dict[str, Any]:
    """Return the capabilities for clients up to 2025-11-25; without sessions they get no notifications."""
    if has_sessions:
        return dict(capabilities)
    never = ("listChanged", "subscribe")
    return {
        name: {key: each for key, each in value.items() if key not in never} if isinstance(value, dict) else value
        for name, value in capabilities.items()
    }


def connector_for(settings: BridgeSettings, metrics: BridgeMetrics, user_credential: UserCredential) -> Connector:
    """Return the way to the upstream. Raises MessageError for a header whose variable has no value."""
    if settings.upstream_url is not None:
        auth = outbound_auth(settings.upstream_url, os.environ, user_credential)
        return HTTPConnector(settings.upstream_url, settings.headers(), auth)
    if settings.upstream_address is not None:
        return LauncherConnector(settings.upstream_address, metrics)
    environment = child_environment(settings.upstream_environment, os.environ)
    return ProcessConnector(settings.upstream_command, environment, metrics)


def pool_for(settings: BridgeSettings, connector: Connector, metrics: BridgeMetrics, catalog: Catalog) -> Pool:
    """Return the pool with the limits of the settings."""
    most, variable, kind = settings.upstream_max_processes, contract.ENV_UPSTREAM_MAX_PROCESSES, "processes"
    if not connector.has_processes:
        most, variable, kind = settings.sessions, contract.ENV_SESSIONS, "upstream sessions"
    return Pool(
        connector,
        metrics,
        is_shared=connector.has_processes and settings.upstream_process == "shared",
        most=most,
        idle_seconds=settings.session_idle_seconds,
        limit_text=f"This replica runs its maximum of {most} {kind}. Send the call again later. Its operator can raise "
        f"{contract.setting(variable)}.",
        catalog=catalog,
    )
