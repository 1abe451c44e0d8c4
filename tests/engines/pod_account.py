"""What a pod's own account is to a process here: the folder that the kubelet would mount, and the environment."""

import base64
from pathlib import Path

import yaml

from tests.engines.api_server import ApiServer


def environment(server: ApiServer, account: str, namespace: str, folder: Path) -> dict[str, str]:
    """The way to the API server as `account`, with a token that Kubernetes issues; the files lie in `folder`."""
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
