"""Hostile requests: the table, the requests, and the client that sends them."""
