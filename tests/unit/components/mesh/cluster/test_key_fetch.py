"""istiod in a corporate network: proxy and certificates for the keys of token issuers, and for nothing else."""

import json
from typing import Any, Final

import pytest

from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.components.mesh.cluster.istio_releases import istiod_values
from meshed_mcp.infra.plan import planned

AUTH: Final = {
    "issuers": [{"issuer": "https://login.example.com/tools", "jwks_url": "https://login.example.com/tools/keys"}]
}
PROXY: Final = {"host": "proxy.example.com"}


def values(*, auth: dict[str, Any] | None = None, **proxy: Any) -> Manifest:
    """Values of istiod in a stack with a proxy and a CA bundle."""
    service = {"image": "a:1", "expose": True, "egress_hosts": ["api.example.com"], "auth": auth}
    keys = {"services": {"mcp-a": service}, "egress_proxy": PROXY | proxy, "ca_bundle": {"config_map": "corporate-ca"}}
    return istiod_values(planned({f"meshed-mcp:{key}": json.dumps(value) for key, value in keys.items()}).mesh)


def test_istiod_fetches_keys_through_the_proxy_and_reaches_the_api_server_without_it() -> None:
    """Go, `http.ProxyFromEnvironment`: every address outside NO_PROXY goes to the proxy; the API server has a name."""
    env = values(auth=AUTH)["env"]
    assert env["HTTPS_PROXY"] == "http://proxy.example.com:3128"
    assert env["KUBERNETES_SERVICE_HOST"] == "kubernetes.default.svc"
    assert ".svc" in env["NO_PROXY"].split(",")
    assert {"HTTP_PROXY", "https_proxy"} & env.keys() == set()


def test_istiod_trusts_the_bundle_beside_the_public_authorities() -> None:
    """Istio, `jwksExtraRootCABundlePath`: the file /cacerts/extra.pem."""
    found = values(auth=AUTH)
    (volume,), (mount,) = found["volumes"], found["volumeMounts"]
    assert (mount["name"], mount["mountPath"]) == (volume["name"], "/cacerts")
    assert volume["configMap"] == {"name": "corporate-ca", "items": [{"key": "ca-bundle.crt", "path": "extra.pem"}]}


@pytest.mark.parametrize(
    "auth",
    [None, {"issuers": [{"issuer": "https://login.example.com", "jwks": {"keys": [{"kty": "OKP", "x": "AA"}]}}]}],
)
def test_istiod_that_fetches_no_keys_gets_neither(auth: dict[str, Any] | None) -> None:
    """Requirement NET-18: what is not asked for costs nothing."""
    found = values(auth=auth)
    assert not {"volumes", "volumeMounts", "envVarFrom"} & found.keys()
    assert not {"HTTPS_PROXY", "KUBERNETES_SERVICE_HOST"} & found["env"].keys()


def test_keys_of_a_direct_host_are_fetched_without_the_proxy() -> None:
    """Requirement NET-19: a host in `no_proxy` has no other way."""
    found = values(auth=AUTH, no_proxy=["login.example.com"])
    assert "HTTPS_PROXY" not in found["env"]
    assert found["volumes"]


def test_credentials_of_the_proxy_stay_in_their_secret() -> None:
    """Requirement CFG-11: a password is in no chart value."""
    found = values(auth=AUTH, url_secret={"secret": "proxy", "key": "url"})
    assert "HTTPS_PROXY" not in found["env"]
    reference = {"secretKeyRef": {"name": "proxy", "key": "url"}}
    assert found["envVarFrom"] == [{"name": "HTTPS_PROXY", "valueFrom": reference}]
