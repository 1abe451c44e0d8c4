"""CA bundle of a service: the file is where the variables say, and nothing is rendered without one."""

from typing import Any, Final

from meshed_mcp.components.mesh.egress.ca_bundle import CA_VARIABLES
from tests.unit.components.mesh.mesh_rendering import render

BUNDLE: Final = {"config_map": "corporate-ca", "key": "corporate.pem"}


def pod(**settings: Any) -> dict[str, Any]:
    """The pod of a service."""
    found: dict[str, Any] = render(**settings).one("Deployment")["spec"]["template"]["spec"]
    return found


def test_variables_name_the_file_of_the_mounted_key() -> None:
    """Kubernetes, "ConfigMaps", `items`: one key becomes one file of the volume."""
    found = pod(ca_bundle=BUNDLE)
    container = found["containers"][0]
    volume = next(each for each in found["volumes"] if "configMap" in each)
    assert volume["configMap"]["name"] == "corporate-ca"
    (item,) = volume["configMap"]["items"]
    assert item["key"] == "corporate.pem"
    mount = next(each for each in container["volumeMounts"] if each["name"] == volume["name"])
    assert mount["readOnly"]
    values = {each["name"]: each.get("value") for each in container["env"]}
    assert {values[name] for name in CA_VARIABLES} == {f"{mount['mountPath']}/{item['path']}"}


def test_service_without_a_bundle_keeps_the_certificates_of_its_image() -> None:
    """Requirement NET-18: what is not asked for costs no volume and no variable."""
    found = pod()
    assert not [each for each in found["volumes"] if "configMap" in each]
    assert not {*CA_VARIABLES} & {each["name"] for each in found["containers"][0]["env"]}
