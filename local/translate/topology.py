"""Pods of a stack with their loopback addresses, identities and Services. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from meshed_mcp import contract
from meshed_mcp.error_codes.code import Message
from meshed_mcp.error_codes.local import APPLICATION_PORT, SECOND_PORT_NOT_RUN, SERVICE_PORTS, TARGET_PORT, TWO_DOMAINS
from meshed_mcp.local.errors import LocalRunError
from meshed_mcp.local.translate.objects.workload import Deployment, Service, ServicePort
from meshed_mcp.local.translate.stack import Stack

LOOPBACK: Final = "127.0.0.1"
"""Address of processes that cannot be bound to the address of their pod."""

DEFAULT_DOMAIN: Final = "cluster.local"
"""Trust domain and DNS suffix of a mesh. Source: Istio MeshConfig, default of `trustDomain`; Kubernetes DNS."""

INBOUND_PORT: Final = 15006
"""Inbound listener of a sidecar. Source: Istio, "Application Requirements", ports used by Istio."""

OUTBOUND_PORT: Final = 15001
"""Outbound listener of a sidecar, here an HTTP proxy. Source: as INBOUND_PORT."""

ADMIN_PORT: Final = 15000
"""Envoy admin interface. Source: as INBOUND_PORT."""


@dataclass(frozen=True)
class Identity:
    """Mesh identity of a service account."""

    trust_domain: str
    namespace: str
    service_account: str

    @property
    def principal(self) -> str:
        """The identity in policies. Source: Istio AuthorizationPolicy, field `principals`."""
        return f"{self.trust_domain}/ns/{self.namespace}/sa/{self.service_account}"

    @property
    def uri(self) -> str:
        """The identity in certificates. Source: SPIFFE ID, section 2."""
        return f"spiffe://{self.principal}"


@dataclass(frozen=True)
class Pod:
    """One replica; the process and its sidecar share the address."""

    name: str
    address: str
    identity: Identity
    labels: dict[str, str]
    port: int
    deployment: Deployment
    locality: str = ""
    """Region, zone and subzone, such as `europe/a`; "" without localities."""

    @property
    def namespace(self) -> str:
        """Namespace of the pod."""
        return self.identity.namespace

    @property
    def server_address(self) -> str:
        """Address of the server's process: servers without this package's runtime choose no address of their own."""
        return self.address if self.deployment.container.has_runtime else LOOPBACK


@dataclass(frozen=True)
class Topology:
    """A stack and its pods."""

    stack: Stack
    trust_domain: str
    cluster_domain: str
    """DNS suffix."""

    pods: tuple[Pod, ...]
    localities: tuple[str, ...] = ("",)
    """Localities that the replicas of a Deployment are spread over in turn; the gateway is in the first."""

    tokens: Mapping[str, str] = field(default_factory=dict)
    """Tokens of the local issuer by "namespace/name" of the Service."""

    draining_pods: tuple[Pod, ...] = ()
    """Terminating pods."""

    def token(self, service: Service) -> str | None:
        """A token that a Service accepts; None if it needs none, or one that the local issuer cannot sign."""
        return self.tokens.get(f"{service.namespace}/{service.name}")

    def draining(self, service: Service) -> list[Pod]:
        """Terminating pods that stay reachable for requests that name them."""
        return [pod for pod in self.draining_pods if service.keeps_draining and self._selects(service, pod)]

    def behind(self, service: Service) -> list[Pod]:
        """Endpoints of a Service."""
        return [pod for pod in self.pods if self._selects(service, pod)]

    @staticmethod
    def _selects(service: Service, pod: Pod) -> bool:
        return pod.namespace == service.namespace and service.spec.selector.items() <= pod.labels.items()

    def identities(self, service: Service, labels: dict[str, str]) -> list[Identity]:
        """Identities of a Service's Deployments with `labels`, also without a pod."""
        wanted = service.spec.selector.items() | labels.items()
        templates = [each for each in self.stack.deployments if each.namespace == service.namespace]
        chosen = [each.spec.template for each in templates if wanted <= each.spec.template.metadata.labels.items()]
        accounts = dict.fromkeys(template.spec.service_account_name for template in chosen)
        return [Identity(self.trust_domain, service.namespace, account) for account in accounts]

    def fqdn(self, service: Service) -> str:
        """Full host name of a Service. Source: Kubernetes, "DNS for Services and Pods"."""
        return self.resolved(service.name, service.namespace)

    def resolved(self, host: str, namespace: str) -> str:
        """Full name of a host in an object of `namespace`. Source: Istio VirtualService, field `hosts`."""
        return host if "." in host else f"{host}.{namespace}.svc.{self.cluster_domain}"

    def service(self, host: str) -> Service:
        """The Service of a full host name. Raises KeyError."""
        return {self.fqdn(each): each for each in self.stack.services}[host]


def topology(stack: Stack, block: int, localities: tuple[str, ...] = ("",)) -> Topology:
    """Every replica with its own address 127.`block`.x.y. Raises LocalRunError for a Service without a usable port."""
    trust_domain, cluster_domain = _domains(stack)
    pods: list[Pod] = []
    for deployment in stack.deployments:
        for _ in range(deployment.spec.replicas):
            pods.append(next_pod(deployment, pods, block, trust_domain, localities))
    return validated(Topology(stack, trust_domain, cluster_domain, tuple(pods), localities))


def validated(topology: Topology) -> Topology:
    """The same topology. Raises LocalRunError for a Service whose ports do not match its pods."""
    issues = [issue for service in topology.stack.services for issue in _port_issues(topology, service)]
    if issues:
        raise LocalRunError(*issues)
    return topology


def next_pod(
    deployment: Deployment, made: Sequence[Pod], block: int, trust_domain: str, localities: tuple[str, ...]
) -> Pod:
    """One more replica with a name and an address that none of the pods `made` in this run has."""
    template = deployment.spec.template
    number = sum(pod.deployment.name == deployment.name for pod in made)
    return Pod(
        name=f"{deployment.name}-{number}",
        address=_address(block, len(made)),
        identity=Identity(trust_domain, deployment.namespace, template.spec.service_account_name),
        labels=template.metadata.labels,
        port=_application_port(deployment),
        deployment=deployment,
        locality=localities[number % len(localities)],
    )


def service_port(service: Service, number: int | None = None) -> ServicePort:
    """The port with that number, or the only port. Raises LocalRunError."""
    ports = [port for port in service.spec.ports if number in (None, port.port)]
    if len(ports) != 1:
        wanted = "exactly one port" if number is None else f"the port {number}"
        raise LocalRunError(SERVICE_PORTS.message(namespace=service.namespace, name=service.name, wanted=wanted))
    return ports[0]


def _domains(stack: Stack) -> tuple[str, str]:
    """Trust domain and DNS suffix in principals of policies and hosts of rules, else the defaults."""
    rules = [rule for policy in stack.authorization_policies for rule in policy.spec.rules]
    principals = [principal for rule in rules for each in rule.from_ for principal in each.source.principals]
    hosts = [rule.spec.host for rule in stack.destination_rules]
    trust = {principal.partition("/ns/")[0] for principal in principals if "/ns/" in principal} - {"*"}
    cluster = {host.partition(".svc.")[2] for host in hosts if ".svc." in host}
    return _single("trust domain", trust), _single("cluster domain", cluster)


def _single(what: str, found: set[str]) -> str:
    if len(found) > 1:
        raise LocalRunError(TWO_DOMAINS.message(what=what, found=", ".join(sorted(found))))
    return found.pop() if found else DEFAULT_DOMAIN


def _address(block: int, index: int) -> str:
    third, fourth = divmod(index, 254)
    return f"127.{block}.{third + 1}.{fourth + 1}"


def _application_port(deployment: Deployment) -> int:
    ports = [port for port in deployment.container.ports if port.name != contract.MANAGEMENT_PORT_NAME]
    if len(ports) != 1:
        namespace, name = deployment.namespace, deployment.name
        raise LocalRunError(APPLICATION_PORT.message(namespace=namespace, name=name, ports=len(ports)))
    return ports[0].container_port


def _port_issues(topology: Topology, service: Service) -> Sequence[Message]:
    where = f"Service {service.namespace}/{service.name}"
    if len(service.spec.ports) != 1:
        return [SECOND_PORT_NOT_RUN.message(where=where)]
    port = service.spec.ports[0]
    for pod in topology.behind(service):
        names = {each.name: each.container_port for each in pod.deployment.container.ports}
        target = names.get(port.target_port) if isinstance(port.target_port, str) else port.target_port or port.port
        if target != pod.port:
            return [TARGET_PORT.message(where=where, target=port.target_port, port=pod.port, name=pod.name)]
    return []
