"""Hostile requests: malformed and malicious cases, the client that sends them and the page of responses."""
