"""`python -m meshed_mcp.agents.registry`: serve the registry until SIGTERM or SIGINT."""

from meshed_mcp.agents.http.server import serve
from meshed_mcp.agents.registry.service import application, open_store
from meshed_mcp.agents.settings import Settings, SettingsError
from meshed_mcp.agents.state.database import DatabaseError
from meshed_mcp.agents.telemetry.metrics import process_registry
from meshed_mcp.contract import REGISTRY_NAME


def main() -> None:
    """Raises SystemExit with a message if a setting is invalid or the database does not respond."""
    try:
        settings = Settings.from_environment(service=REGISTRY_NAME)
        database, store = open_store(settings)
    except (SettingsError, DatabaseError) as error:
        raise SystemExit(error.report()) from None
    metrics = process_registry()
    serve(application(database, store, metrics), settings, registry=metrics)


if __name__ == "__main__":
    main()
