"""Ambient mode: waypoints and ztunnel instead of sidecars."""
