"""Alembic script that the services share; each service has its own versions."""
