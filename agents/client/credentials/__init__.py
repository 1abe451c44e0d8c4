"""Credentials of calls to other services: which token goes to which destination, by the table of the stack.

`table.py` finds the row of a destination, `sources.py` makes its tokens, `tokens.py` caches them, `token_endpoint.py`
requests them, and `http_auth.py` attaches them to requests. Tokens and secrets are never logged.
"""

from meshed_mcp.agents.client.credentials.http_auth import OutboundAuth, UserCredential, outbound_auth

__all__ = ["OutboundAuth", "UserCredential", "outbound_auth"]
