"""Migrations of the registry; `down_revision` gives their order."""
