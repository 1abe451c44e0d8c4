"""The bridge: the runtime as an MCP proxy in front of a server that others wrote.

Callers reach `BridgeService`, an `MCPService` with all its middleware (http/__init__.py). Its handlers pass each
message on as it is, through the official SDK's client transports and JSON-RPC dispatcher:

    service.py         BridgeService: handlers, lifespan, registry entry
      proxy.py         one request: translation between revisions, progress, logs, server-initiated requests
        held_calls.py  calls that wait for the input of a 2026-07-28 client
        listening.py   change notifications, for both revisions
      pool.py          which connection serves which caller; limits, idle connections, backoff
        upstream.py    one connection: negotiation, requests, what the upstream sends by itself
          streamable_http.py  HTTP
          process.py          a child process
          launcher.py         a process behind the stdio launcher, over TCP
            lines.py   newline-delimited JSON-RPC of the last two
"""
