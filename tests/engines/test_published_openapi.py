"""The schemas of `check` compared with the OpenAPI documents of a real API server."""

from meshed_mcp.infra.checks.schemas import KUBERNETES
from tests.engines.api_server import ApiServer
from tests.schemas import published


def test_the_schemas_of_built_in_kinds_are_the_api_servers(api_server: ApiServer) -> None:
    """Kubernetes, "The Kubernetes API": an API server publishes OpenAPI v3, enums included."""
    text = (published.FOLDER / f"{KUBERNETES}.json").read_text(encoding="utf-8")
    assert published.kubernetes_text(api_server.client.http) == text
