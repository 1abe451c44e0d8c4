"""Caller identity, token verification and the tool policy of one service."""
