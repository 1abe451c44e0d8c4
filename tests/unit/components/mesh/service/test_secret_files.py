"""Credentials of a service as mounted files."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.components.mesh.service.container_args import SecretKey
from meshed_mcp.components.mesh.service.login_args import CertificateAuthority
from meshed_mcp.components.mesh.service.secret_files import mounted_path, secret_volumes
from tests.unit.components.mesh.mesh_rendering import lines, render

DATABASE = {
    "secret": "db",
    "key": "url",
    "tls": {"ca": {"config_map": "db-ca"}, "client_secret": "db-client"},
}
REDIS = {"secret": "redis", "key": "url", "tls": {"ca": {"secret": "redis", "key": "ca.pem"}}}
FILES = "/etc/meshed-mcp/files"


def pod(**settings: Any) -> Manifest:
    """The pod of `mcp-search`."""
    spec: Manifest = render(**settings).one("Deployment", "mcp-search")["spec"]["template"]["spec"]
    return spec


def test_every_credential_of_the_runtime_is_a_file_of_one_volume() -> None:
    """Requirement ROT-1: one projected volume, mounted as a folder, because a subPath is never updated."""
    spec = pod(database=DATABASE, redis=REDIS, shared_state=["subscriptions"])
    (container,) = spec["containers"]
    (volume,) = [each for each in spec["volumes"] if "projected" in each]
    assert volume["projected"]["sources"] == [
        {"secret": {"name": "db", "items": [{"key": "url", "path": "secret/db/url"}]}},
        {"configMap": {"name": "db-ca", "items": [{"key": "ca.crt", "path": "config-map/db-ca/ca.crt"}]}},
        {
            "secret": {
                "name": "db-client",
                "items": [
                    {"key": "tls.crt", "path": "secret/db-client/tls.crt"},
                    {"key": "tls.key", "path": "secret/db-client/tls.key"},
                ],
            }
        },
        {
            "secret": {
                "name": "redis",
                "items": [
                    {"key": "url", "path": "secret/redis/url"},
                    {"key": "ca.pem", "path": "secret/redis/ca.pem"},
                ],
            }
        },
    ]
    mount = {"name": volume["name"], "mountPath": FILES, "readOnly": True}
    assert mount in container["volumeMounts"]
    assert not any("subPath" in str(each) for each in container["volumeMounts"])
    env = {each["name"]: each["value"] for each in container["env"]}
    assert env["MESHED_MCP_DATABASE_URL_FILE"] == f"{FILES}/secret/db/url"
    assert env["MESHED_MCP_DATABASE_PRIVATE_KEY_FILE"] == f"{FILES}/secret/db-client/tls.key"
    assert env["MESHED_MCP_REDIS_CA_FILE"] == f"{FILES}/secret/redis/ca.pem"


def test_files_are_readable_for_the_user_of_any_image() -> None:
    """Requirement ROT-1: files of a Secret volume belong to root, and the container runs as another user."""
    (volume,) = [each for each in pod(database=DATABASE)["volumes"] if "projected" in each]
    assert volume["projected"]["defaultMode"] == 0o444


def test_a_service_without_credentials_has_no_volume_for_them() -> None:
    """Requirement SEC-6: a service gets only the credentials that it uses."""
    assert not [each for each in pod(redis=REDIS)["volumes"] if "projected" in each]


def test_variables_of_other_names_stay_in_the_environment() -> None:
    """Requirement ROT-1: the files are those of the runtime; a program of others reads its own variables."""
    (container,) = pod(secret_env={"API_KEY": {"secret": "llm", "key": "key"}})["containers"]
    reference = {"secretKeyRef": {"name": "llm", "key": "key"}}
    assert {"name": "API_KEY", "valueFrom": reference} in container["env"]


def test_a_key_that_is_no_path_is_rejected() -> None:
    """Kubernetes, "Secrets", key names: `.` and what begins with `..` are no keys."""
    for key in (".", "..", "..data", "a/b"):
        assert "is not a key of a Secret" in lines(database={"secret": "db", "key": key})[0]


KEYS = st.builds(
    SecretKey, secret=st.sampled_from(("a", "b.c")), key=st.from_regex(r"[a-z][a-z.]{0,3}", fullmatch=True)
)
AUTHORITIES = st.builds(
    CertificateAuthority, config_map=st.sampled_from(("a", "b.c")), key=st.from_regex(r"[a-z]{1,3}", fullmatch=True)
)


@given(st.lists(KEYS | AUTHORITIES))
def test_two_keys_share_no_path(sources: list[SecretKey | CertificateAuthority]) -> None:
    """Kubernetes, ProjectedVolumeSource: sources whose paths collide overwrite each other."""
    paths = [
        item["path"]
        for volume in secret_volumes(sources)
        for source in volume["projected"]["sources"]
        for item in next(iter(source.values()))["items"]
    ]
    assert len(set(paths)) == len(paths) == len({mounted_path(source) for source in sources})
