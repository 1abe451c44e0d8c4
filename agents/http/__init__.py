"""HTTP server of a replica: listeners, middleware, limits, graceful drain.

A request passes these layers, outermost first, and its response passes them in reverse:

    uvicorn (h11)                   listener.py: HTTP/1.1, keep-alive; the lifespan runs before (lifespan.py)
      DrainMiddleware               drain.py: in-flight requests, HTTP metrics, trace context; 503 while draining
       EdgeMiddleware               edge.py: Host (421), public URL, trailing slash
        BrowserMiddleware           browsers.py: Origin (403), preflights, CORS headers
        ConcurrencyLimitMiddleware  concurrency_limiter.py: body (413), concurrency slot or queue (503), deadlines (408)
          IdentityMiddleware        auth/middleware.py: caller identity from the sidecar's certificate header
            AuthenticationMiddleware        SDK: bearer token
              RequireAuthMiddleware         SDK, only with tokens: 401, 403
                ModernOnly                  protocol/legacy.py, only with `legacy: off`: rejects old revisions
                  PostOnly                  protocol/legacy.py, only with `legacy: stateless`: 405 for GET and DELETE
                  SessionMiddleware         sessions/middleware.py, only with `legacy: sticky`: owner, newest stream
                    StreamableHTTPASGIApp   SDK: Host and Origin, JSON-RPC, sessions
                      SDK middleware, in the order of `MCPService.middleware`:
                        OpenTelemetryMiddleware    SDK: the server span
                        track_request              auth/current_caller.py
                        OperationMetrics           telemetry/metrics.py
                        CallLimits                 deadline.py: argument depth, deadline of the call
                        ToolPolicyMiddleware       auth/tool_policy_middleware.py
                        Usage                      telemetry/usage.py: authorized tool calls by organization
                        RequestStateBoundary       SDK: sealed request state
                        specified_errors           protocol/error_mapping.py
                        contain_exit               protocol/error_mapping.py
                        name_running_tool          process/loop_watchdog.py
                          the tool, prompt or resource
"""
