"""Sessions of clients of MCP revisions up to 2025-11-25, with `legacy: sticky`.

owner.py: who may use a session. open_session.py: one session and its open streams. middleware.py: the endpoint's
middleware. The others are for `sessions: {store: redis}`.
"""
