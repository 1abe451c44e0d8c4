"""References to packages: registry, name, exact version."""

import pytest

from meshed_mcp.components.mesh.service.package_args import Registry, package_of
from meshed_mcp.error_codes.code import MessageError


@pytest.mark.parametrize(
    ("value", "registry", "name", "version", "requirement"),
    [
        ("npm:server@1.2.3", Registry.NPM, "server", "1.2.3", "server@1.2.3"),
        ("npm:@scope/server@2026.10.19", Registry.NPM, "@scope/server", "2026.10.19", "@scope/server@2026.10.19"),
        ("npm:a@1.0.0-rc.1", Registry.NPM, "a", "1.0.0-rc.1", "a@1.0.0-rc.1"),
        ("pypi:mcp-time==2026.10.19", Registry.PYPI, "mcp-time", "2026.10.19", "mcp-time==2026.10.19"),
        ("pypi:Some.Server==1!2.0rc1", Registry.PYPI, "Some.Server", "1!2.0rc1", "Some.Server==1!2.0rc1"),
    ],
)  # fmt: skip
def test_a_reference_names_registry_package_and_version(
    value: str, registry: Registry, name: str, version: str, requirement: str
) -> None:
    """Semantic Versioning 2.0 and PyPA, "Version specifiers": one version, no range."""
    found = package_of(value)
    assert found == (registry, name, version)
    assert found.requirement == requirement


@pytest.mark.parametrize(
    "value",
    [
        "npm:server", "npm:server@", "npm:server@latest", "npm:server@^1.2.3", "npm:server@1.x", "npm:server@1.2",
        "npm:@scope@1.2.3", "npm:Server@1.2.3", "npm:../server@1.2.3", "npm:server@1.2.3 --registry=x", "npm:a==1.0.0",
        "pypi:server", "pypi:server==", "pypi:server>=1.0", "pypi:server==1.*", "pypi:server[cli]==1.0",
        "pypi:server==1.0; rm", "pypi:server@1.0", "pypi:-server==1.0",
    ],
)  # fmt: skip
def test_a_package_without_an_exact_version_is_rejected(value: str) -> None:
    """Requirement SRV-1: two pods of a service never run different code."""
    with pytest.raises(MessageError) as raised:
        package_of(value)
    assert [message.code for message in raised.value.messages] == ["MM0303"]


@pytest.mark.parametrize("value", ["mcp-server-time", "pip:a==1.0", "npm:", "", "https://example.com/a.tgz"])
def test_a_package_of_no_known_registry_is_rejected(value: str) -> None:
    """Requirement CFG-8: npm and PyPI are the known registries."""
    with pytest.raises(MessageError) as raised:
        package_of(value)
    assert [message.code for message in raised.value.messages] == ["MM0302"]


def test_a_mirror_replaces_the_public_registry() -> None:
    """Requirement SRV-6: hosts that an installation does not read stay closed."""
    npm, pypi = package_of("npm:a@1.0.0"), package_of("pypi:a==1.0")
    assert [each.text for each in npm.hosts(set())] == ["registry.npmjs.org"]
    assert [each.text for each in pypi.hosts({"npm_config_registry"})] == ["pypi.org", "files.pythonhosted.org"]
    assert npm.hosts({"npm_config_registry"}) == pypi.hosts({"UV_DEFAULT_INDEX", "A"}) == []
