"""`MCPService`: the official SDK's server as one replica of a deployment; http/__init__.py shows all middleware."""

from typing import Any, Final, Literal

from mcp.server.lowlevel.server import LifespanResultT
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.server.subscriptions import ListenHandler
from mcp.server.transport_security import TransportSecuritySettings
from prometheus_client import CollectorRegistry, Gauge
from starlette.applications import Starlette

from meshed_mcp import contract
from meshed_mcp.agents.auth.current_caller import current_caller, track_request
from meshed_mcp.agents.auth.identity import Caller
from meshed_mcp.agents.auth.middleware import AccessControl
from meshed_mcp.agents.http.deadline import CallLimits
from meshed_mcp.agents.http.limits import LISTEN_METHOD
from meshed_mcp.agents.http.server import serve
from meshed_mcp.agents.http.sessions import SessionMetrics
from meshed_mcp.agents.process.loop_watchdog import name_running_tool
from meshed_mcp.agents.protocol.error_mapping import contain_exit, specified_errors
from meshed_mcp.agents.protocol.legacy import PostOnly, reject_legacy_revisions, session_options, wrap_endpoint
from meshed_mcp.agents.protocol.registered_names import NameTrackingServer
from meshed_mcp.agents.registry.registration import registration
from meshed_mcp.agents.sessions.setup import Sessions
from meshed_mcp.agents.settings import LOOPBACK_HOSTS, Settings, SettingsError
from meshed_mcp.agents.state.request_state import configure_request_state
from meshed_mcp.agents.state.subscriptions import ReplicaBus, with_subscription_relay
from meshed_mcp.agents.telemetry.metrics import OperationMetrics, process_registry
from meshed_mcp.agents.telemetry.usage import Usage
from meshed_mcp.agents.user_credentials.elicitation import ask_for_credentials
from meshed_mcp.agents.user_credentials.feature import UserCredentialsOfService

AFTER_TRACING = 1
"""Index in the SDK's middleware: inside its span and outside everything else, so that rejections are measured too."""

AFTER_METRICS = AFTER_TRACING + 2
"""Index of the limits: calls that they reject or cancel are measured and go no further."""

OWN_OPTIONS: Final = frozenset({"event_store", "retry_interval", "json_response"})
"""Options of the SDK's HTTP transport that belong to the service and not to its deployment."""


class MCPService(NameTrackingServer[LifespanResultT]):
    """An `MCPServer` with metrics, readiness, limits and graceful drain.

    Takes the arguments of `MCPServer`. `run()` without a transport serves streamable HTTP with the settings of the
    environment (`Settings`); "stdio", "sse" and "streamable-http" run the SDK's transports unchanged.
    """

    settings_model: type[Settings] = Settings
    """Model of the environment that `run()` reads."""

    metrics: CollectorRegistry
    """Registry behind `/metrics`; pass it as `registry=` to add instruments."""

    def __init__(self, name: str | None = None, *args: Any, **kwargs: Any) -> None:
        self.metrics = process_registry()
        self._bus = ReplicaBus(self.metrics) if kwargs.get("subscriptions") is None else None
        self._listen_handler: ListenHandler | None = None
        self._seals_itself = kwargs.get("request_state_security") is not None
        super().__init__(name, *args, **(kwargs if self._bus is None else {**kwargs, "subscriptions": self._bus}))
        self._concurrency_limit = Gauge(contract.METRIC_CONCURRENCY_LIMIT, "Concurrency limit.", registry=self.metrics)
        is_tool = self.tool_names.__contains__
        self._usage = Usage(self.metrics, is_tool=is_tool)
        self._access = AccessControl(self.metrics, is_tool=is_tool)
        self.middleware.insert(AFTER_TRACING, self._usage)
        self.middleware.insert(AFTER_TRACING, self._access.tool_policy)
        operations = OperationMetrics(
            self.metrics, is_tool=is_tool, tool_count=lambda: len(self.tool_names), release=self.version
        )
        self.middleware.insert(AFTER_TRACING, operations)
        self.middleware.insert(AFTER_TRACING, track_request)
        self._sessions = SessionMetrics(self.metrics)
        self.middleware.extend((specified_errors, contain_exit, name_running_tool, ask_for_credentials))
        self._user_credentials = UserCredentialsOfService()

    def run(self, transport: Literal["stdio", "sse", "streamable-http"] | None = None, **kwargs: Any) -> None:
        """Serve until SIGTERM or SIGINT, without `transport` with the settings of the environment.

        Settings that an environment cannot hold are arguments: `event_store`, `retry_interval`, `json_response`.
        Raises SystemExit with a text for invalid settings, with code 1 when the replica cannot start.
        """
        if transport is not None:
            super().run(transport, **kwargs)
            return
        if foreign := kwargs.keys() - OWN_OPTIONS:
            raise TypeError(
                f"run() takes {', '.join(sorted(foreign))} only with a transport of the SDK, as run('streamable-http', "
                f"port=8000). Without one, set the environment: {contract.ENV_PORT} and its neighbors."
            )
        try:
            settings = self.settings_model.from_environment(service=self.name)
            lease = registration(self, settings, self.metrics)
            app = self.http_app(settings, **kwargs)
        except SettingsError as error:
            raise SystemExit(error.report()) from None
        serve(app, settings, registry=self.metrics, end_streams=self.end_streams, registration=lease)

    def http_app(self, settings: Settings, **options: Any) -> Starlette:
        """Return the application that `run()` serves, for mounting or tests; `options` as for `run()`.

        `settings.legacy` controls clients up to 2025-11-25. Unless `json_response` is set, their responses may be event
        streams, which carry progress. Raises SettingsError.
        """
        self._access.configure(self, settings)
        sessions = Sessions(settings, self.metrics)
        app = self.streamable_http_app(
            streamable_http_path=settings.path,
            transport_security=transport_security(settings),
            max_request_body_size=settings.body_bytes,
            max_sessions=settings.sessions,
            **session_options(settings.legacy, settings.session_idle_seconds),
            **{**sessions.options(), **options},
        )
        if settings.legacy is contract.Legacy.OFF:
            reject_legacy_revisions(app, settings.path)
        if settings.legacy is contract.Legacy.STATELESS:
            wrap_endpoint(app, settings.path, PostOnly)
        sessions.protect(app, self._sessions)
        self._sessions.observe(self.session_manager)
        self._listen_handler = listen_handler(self.session_manager)
        self._concurrency_limit.set(settings.concurrent_calls)
        self.middleware.insert(AFTER_METRICS, CallLimits(settings))
        if not self._seals_itself:
            configure_request_state(self.middleware, settings)
        self._user_credentials.protect(app, settings)
        self._access.protect(app, settings)
        return app if self._bus is None else with_subscription_relay(app, self._bus, settings)

    @property
    def current_caller(self) -> Caller:
        """The caller of the request that the running tool, resource or prompt serves: its verified identities alone.

        A `Caller` without any over stdio, in tests in memory, and outside a request. Worker threads of `def` tools and
        tasks that a tool starts have it too.
        """
        return current_caller()

    async def user_credential(self, name: str) -> str:
        """Return the token of the current caller at a provider of `user_credentials`; an expired one is refreshed.

        Without a credential it asks the user for one by URL elicitation: the exception leaves the tool, and the client
        calls again, so call it before anything with an effect. Raises MCPError; MessageError for an unknown provider.
        """
        return await self._user_credentials.token(name)

    async def revoke_user_credential(self, name: str) -> bool:
        """Delete the credential of the current caller, and revoke it where its provider has an endpoint for that.

        Returns whether there was one. Raises MCPError; MessageError for an unknown provider.
        """
        return await self._user_credentials.revoke(name)

    def end_streams(self) -> None:
        """End every open `subscriptions/listen` stream with its result, as a stopping server should.

        Source: MCP 2026-07-28, "Subscriptions", "Graceful Closure".
        """
        if self._listen_handler is not None:
            self._listen_handler.close()


def listen_handler(manager: StreamableHTTPSessionManager) -> ListenHandler | None:
    """Return the SDK's handler of `subscriptions/listen`; None if the server has none or another one."""
    entry = manager.app.get_request_handler(LISTEN_METHOD)
    return entry.handler if entry is not None and isinstance(entry.handler, ListenHandler) else None


def transport_security(settings: Settings) -> TransportSecuritySettings:
    """Return the SDK's Host and Origin check, behind that of EdgeMiddleware, which also knows who asks for localhost.

    It has no form for every origin: with ANY_ORIGIN it is off, and a mounted application checks nothing.
    """
    origins = [*settings.own_origins, *settings.page_origins]
    if contract.ANY_ORIGIN in origins:
        return TransportSecuritySettings(enable_dns_rebinding_protection=False)
    portless = (origin.removesuffix(contract.ANY_PORT) for origin in origins)
    hosts = dict.fromkeys((*settings.effective_hosts, *LOOPBACK_HOSTS))
    return TransportSecuritySettings(allowed_hosts=[*hosts], allowed_origins=[*dict.fromkeys((*origins, *portless))])
