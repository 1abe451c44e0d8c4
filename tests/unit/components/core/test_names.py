"""Names: what Kubernetes and the mesh accept, and the errors on other names."""

import pytest

from meshed_mcp.components.core.names import (
    domain_name,
    host_name,
    listed,
    namespace_name,
    namespaced_name,
    object_name,
    service_name,
)


def test_service_name_has_at_most_54_characters() -> None:
    """Kubernetes: a label value has 63, of which KEDA takes 9 for `keda-hpa-`."""
    longest = "m" * 54
    assert service_name(longest) == longest
    assert len(f"keda-hpa-{longest}") == 63
    with pytest.raises(ValueError, match=r"has 55 characters; use at most 54"):
        service_name(longest + "m")


@pytest.mark.parametrize("name", ["", "MCP", "mcp_rag", "1mcp", "mcp-", "-mcp", "mcp.rag", "mcp\n"])
def test_service_name_is_a_dns_label_that_begins_with_a_letter(name: str) -> None:
    """RFC 1035, section 2.3.1, which Kubernetes applies to Services."""
    with pytest.raises(ValueError, match=r"is not a DNS label; use .* beginning with a letter, such as 'mcp-search'"):
        service_name(name)


@pytest.mark.parametrize("name", ["a", "mcp-system", "0a", "a" * 63])
def test_namespace_is_a_dns_label(name: str) -> None:
    """RFC 1123, label."""
    assert namespace_name(name) == name


@pytest.mark.parametrize("name", ["", "a.b", "A", "a" * 64, "a-"])
def test_invalid_namespace_is_rejected(name: str) -> None:
    """RFC 1123, label."""
    with pytest.raises(ValueError, match=r"is not a namespace name; use .* such as 'mcp-system'"):
        namespace_name(name)


@pytest.mark.parametrize("name", ["*.example.com", "mcp.example.com:80", "http://x", "a..b", "a." * 130 + "a"])
def test_host_has_no_wildcard_port_or_scheme(name: str) -> None:
    """RFC 1123, host names."""
    with pytest.raises(ValueError, match=r"is not a host name; use .* such as 'mcp.example.com'"):
        host_name(name)


def test_gateway_host_is_not_a_short_name() -> None:
    """Istio API, Gateway `servers.hosts`, FQDN format; real istiod: "short names (non FQDN) are not allowed"."""
    assert domain_name("mcp.localhost") == "mcp.localhost"
    with pytest.raises(
        ValueError, match=r"has no dot, and Istio rejects .* use a fully qualified name, such as 'tools.example.com'"
    ):
        domain_name("tools")


def test_object_name_may_contain_dots() -> None:
    """Kubernetes, "DNS Subdomain Names"."""
    assert object_name("tls.example.com") == "tls.example.com"
    with pytest.raises(ValueError, match="is not a name of a Kubernetes object"):
        object_name("a/b")


def test_gateway_reference_names_namespace_and_object() -> None:
    """Istio API, VirtualService `gateways`: "<namespace>/<name>"."""
    assert namespaced_name("istio-ingress/mcp") == "istio-ingress/mcp"
    with pytest.raises(ValueError, match="is not a reference; use 'namespace/name'"):
        namespaced_name("mcp")


def test_names_in_an_error_are_quoted() -> None:
    """Requirement CFG-2: quotes show where a name ends."""
    assert listed(["a", "b c"]) == "'a', 'b c'"
