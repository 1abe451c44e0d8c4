"""The Alembic script that the services share; the versions lie beside each service."""
