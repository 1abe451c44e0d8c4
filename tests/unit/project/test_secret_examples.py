"""The objects in examples/secrets make what examples/stacks/Pulumi.rotation.yaml needs."""

from typing import Any

import pytest
import yaml

from meshed_mcp.infra.checks.required import required_objects
from meshed_mcp.infra.recording import record
from tests.stacks import ROOT

FOLDER = ROOT / "examples" / "secrets"


def documents(name: str) -> list[dict[str, Any]]:
    """The objects of a file."""
    return list(yaml.safe_load_all((FOLDER / name).read_text("utf-8")))


def keys_of(secret: dict[str, Any]) -> set[str]:
    """Keys of the Secret that External Secrets makes: those of the template, otherwise those of the store."""
    spec = secret["spec"]
    template = spec.get("target", {}).get("template", {}).get("data")
    return set(template or (each["secretKey"] for each in spec["data"]))


@pytest.fixture(scope="module")
def recorded() -> Any:
    """The example stack."""
    return record(ROOT / "examples" / "stacks", "rotation")


def test_external_secrets_make_every_secret_of_the_services(recorded: Any) -> None:
    """Requirement ROT-7: names and keys of the example are those that `check` lists."""
    made = {item["metadata"]["name"]: keys_of(item) for item in documents("external-secrets.yaml")}
    needed = {
        item.name: set(item.keys)
        for item in required_objects(recorded.objects, recorded.releases)
        if (item.kind, item.namespace) == ("Secret", "mcp-system")
    }
    assert made == needed


def test_the_csi_driver_mounts_the_file_that_the_service_reads(recorded: Any) -> None:
    """Requirement ROT-7: a volume of the driver needs no Secret."""
    (provider,) = documents("secret-provider-class.yaml")
    (deployment,) = [
        item
        for item in recorded.objects
        if item["kind"] == "Deployment" and item["metadata"]["name"] == provider["metadata"]["name"]
    ]
    pod = deployment["spec"]["template"]["spec"]
    (volume,) = [each for each in pod["volumes"] if "csi" in each]
    assert volume["csi"]["volumeAttributes"] == {"secretProviderClass": provider["metadata"]["name"]}
    (container,) = pod["containers"]
    (mount,) = [each for each in container["volumeMounts"] if each["name"] == volume["name"]]
    (read,) = [each["value"] for each in container["env"] if each["name"] == "MESHED_MCP_DATABASE_URL_FILE"]
    files = [each["objectName"] for each in yaml.safe_load(provider["spec"]["parameters"]["objects"])]
    assert [f"{mount['mountPath']}/{name}" for name in files] == [read]
    assert "subPath" not in mount
