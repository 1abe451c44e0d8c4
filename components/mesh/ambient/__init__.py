"""Ambient mode: waypoints instead of sidecars."""
