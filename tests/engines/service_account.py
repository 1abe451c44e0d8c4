"""Service account of a pod for a local process: the token folder and the environment."""

import base64
from pathlib import Path

import yaml

from tests.engines.api_server import ApiServer


def environment(server: ApiServer, account: str, namespace: str, folder: Path) -> dict[str, str]:
    """Environment for in-cluster access as `account`, with an issued token in `folder`."""
    content = yaml.safe_load(server.kubeconfig.read_text())["clusters"][0]["cluster"]
    url = f"/api/v1/namespaces/{namespace}/serviceaccounts/{account}/token"
    issued = server.client.http.post(url, json={"spec": {"expirationSeconds": 600}})
    files = {
        "namespace": namespace,
        "ca.crt": base64.b64decode(content["certificate-authority-data"]).decode(),
        "token": issued.json()["status"]["token"],
    }
    for name, text in files.items():
        (folder / name).write_text(text)
    host, _, port = content["server"].removeprefix("https://").partition(":")
    return {
        "KUBERNETES_SERVICE_HOST": host,
        "KUBERNETES_SERVICE_PORT": port,
        "MESHED_MCP_ACCOUNT_PATH": str(folder),
    }
