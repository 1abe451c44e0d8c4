"""Login of a process at a server of the stack, PostgreSQL or Redis: URL and TLS certificates, all of which rotate."""

from dataclasses import dataclass, field
from urllib.parse import urlsplit

from meshed_mcp.agents.process.secret_files import FixedSecret, Secret


@dataclass(frozen=True)
class LoginValues:
    """The values of one moment; equal ones log in alike."""

    url: str = field(repr=False)
    """URL with user and password."""

    ca: str | None = field(default=None, repr=False)
    """PEM certificates of the authorities that may sign the server's; None = as the URL or the machine says."""

    certificate: str | None = field(default=None, repr=False)
    """PEM certificate of the client with its chain; None = none."""

    private_key: str | None = field(default=None, repr=False)
    """PEM private key of `certificate`."""

    def is_same_server(self, other: "LoginValues") -> bool:
        """Whether only credentials and certificates differ: scheme, hosts, ports, database and options are the same."""
        return _place(self.url) == _place(other.url)


@dataclass(frozen=True)
class ServerLogin:
    """The sources of a login."""

    url: Secret
    ca: Secret | None = None
    certificate: Secret | None = None
    private_key: Secret | None = None

    def read(self) -> LoginValues:
        """Return the values of now, those of one update: the kubelet replaces all files of a volume at once."""
        found = self._read()
        while (again := self._read()) != found:
            found = again
        return found

    def _read(self) -> LoginValues:
        ca, certificate, key = (
            None if each is None else each.read() for each in (self.ca, self.certificate, self.private_key)
        )
        return LoginValues(self.url.read(), ca, certificate, key)


def fixed_login(url: str) -> ServerLogin:
    """A login that never changes."""
    return ServerLogin(FixedSecret(url))


def _place(url: str) -> tuple[str, str, str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc.rpartition("@")[2], parts.path, parts.query
