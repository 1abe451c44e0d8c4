"""Logins of a stack at PostgreSQL and Redis: Secrets with the URL and with TLS certificates."""

from typing import Annotated, Final

from pydantic import AfterValidator, model_validator

from meshed_mcp.components.core.args import Model
from meshed_mcp.components.core.names import object_name
from meshed_mcp.components.mesh.service.container_args import KeyName, SecretKey
from meshed_mcp.error_codes import secrets as codes

CERTIFICATE_KEY: Final = "tls.crt"
PRIVATE_KEY_KEY: Final = "tls.key"
"""Keys of a Secret with a certificate. Source: Kubernetes, "Secrets", type `kubernetes.io/tls`."""

ObjectName = Annotated[str, AfterValidator(object_name)]


class CertificateAuthority(Model):
    """Certificates of authorities, as PEM in one key of a Secret or a ConfigMap in the service's namespace."""

    secret: ObjectName | None = None
    """Name of the Secret."""

    config_map: ObjectName | None = None
    """Name of the ConfigMap."""

    key: KeyName = "ca.crt"
    """Key of the Secret or ConfigMap."""

    @model_validator(mode="after")
    def _is_in_one_object(self) -> "CertificateAuthority":
        if (self.secret is None) == (self.config_map is None):
            raise codes.CA_NOT_IN_ONE_OBJECT.error()
        return self


class LoginTLS(Model):
    """Certificates of a TLS connection, read again when they change."""

    ca: CertificateAuthority | None = None
    """Authorities that may sign the server's certificate, whose host name must be that of the URL; unset = those of
    the image for Redis, and the options of the URL for PostgreSQL."""

    client_secret: ObjectName | None = None
    """Secret of type kubernetes.io/tls with the client's certificate and private key; unset = no client certificate."""


class LoginSecret(SecretKey):
    """One key of a Secret in the service's namespace with a URL, and the TLS certificates for it."""

    tls: LoginTLS = LoginTLS()
    """Certificate authority and client certificate."""
