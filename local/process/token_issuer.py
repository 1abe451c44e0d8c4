"""Token issuer of a run: it signs tokens in the names of the real issuers, whose private keys it does not have.

It replaces URLs and discovery of keys by its own keys. An issuer with inline keys (`jwks`) keeps them, without a token.
"""

import json
import time
import uuid
from dataclasses import replace
from typing import Any, Final

import jwt
from cryptography.hazmat.primitives.asymmetric import ec

from meshed_mcp import contract
from meshed_mcp.contract.token_issuers import ALGORITHMS, TokenIssuer
from meshed_mcp.local.translate.envoy.security import policies_for
from meshed_mcp.local.translate.objects.policies import RequestAuthentication
from meshed_mcp.local.translate.objects.workload import Deployment, EnvVar
from meshed_mcp.local.translate.stack import Stack

ALGORITHM: Final = "ES256"
KEY_ID: Final = "local-run"
SUBJECT: Final = "local-run"
LIFETIME_SECONDS: Final = 24 * 3600
"""Lifetime of the certificates of a run."""


class LocalIssuer:
    """Signs tokens; the private key is never written."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())

    def jwks(self) -> str:
        """The public key as a JWK Set."""
        public = jwt.algorithms.ECAlgorithm.to_jwk(self._key.public_key(), as_dict=True)
        return json.dumps({"keys": [public | {"kid": KEY_ID, "use": "sig", "alg": ALGORITHM}]})

    def with_local_keys(self, stack: Stack) -> Stack:
        """The stack with the keys of this issuer in place of URLs, for proxies and processes."""
        deployments = tuple(self._with_keys(each) for each in stack.deployments)
        authentications = tuple(_with_jwks(each, self.jwks()) for each in stack.request_authentications)
        return replace(stack, deployments=deployments, request_authentications=authentications)

    def _with_keys(self, deployment: Deployment) -> Deployment:
        container, template = deployment.container, deployment.spec.template
        env = tuple(self._with_local_table(each) for each in container.env)
        if env == tuple(container.env):
            return deployment
        changed_container = container.model_copy(update={"env": env})
        others = [each for each in template.spec.containers if each is not container]
        pod = template.spec.model_copy(update={"containers": (changed_container, *others)})
        changed = template.model_copy(update={"spec": pod})
        return deployment.model_copy(update={"spec": deployment.spec.model_copy(update={"template": changed})})

    def _with_local_table(self, variable: EnvVar) -> EnvVar:
        if variable.name != contract.ENV_AUTH_ISSUERS or variable.value is None:
            return variable
        rows = [row if row.jwks is not None else self._local(row) for row in issuer_table(variable.value)]
        value = json.dumps([row.model_dump(exclude_defaults=True, mode="json") for row in rows])
        return variable.model_copy(update={"value": value})

    def _local(self, row: TokenIssuer) -> TokenIssuer:
        changes = {"jwks": json.loads(self.jwks()), "jwks_url": None, "algorithms": ALGORITHMS}
        return row.model_copy(update=changes)

    def token(self, row: TokenIssuer, **claims: Any) -> str:
        """A token that the issuer's row accepts, unless `claims` change it; a claim that is None is left out."""
        now = int(time.time())
        content: dict[str, Any] = {
            "iss": row.issuer,
            "sub": SUBJECT,
            "iat": now,
            "exp": now + LIFETIME_SECONDS,
            "jti": str(uuid.uuid4()),
        }
        for path, value in ((row.audience_claim, row.audiences[0]), (row.claims.subject, SUBJECT)):
            set_claim(content, path, value)
        given = {name: value for name, value in (content | claims).items() if value is not None}
        return jwt.encode(given, self._key, algorithm=ALGORITHM, headers={"kid": KEY_ID})


def issuer_table(value: str) -> list[TokenIssuer]:
    """The rows of ENV_AUTH_ISSUERS."""
    return [TokenIssuer.model_validate(row) for row in json.loads(value)]


def set_claim(claims: dict[str, Any], path: str, value: Any) -> None:
    """Set a claim at a path of names joined by dots; a URL is one name."""
    *objects, last = (path,) if "/" in path else path.split(".")
    for name in objects:
        claims = claims.setdefault(name, {})
    claims[last] = value


def issue_tokens(issuer: LocalIssuer, stack: Stack) -> dict[str, str]:
    """A token per Service that accepts `issuer`, by "namespace/name", with the required scopes."""
    tokens = {}
    for deployment in stack.deployments:
        labels = deployment.spec.template.metadata.labels
        row = next((row for row in _rows(stack, deployment) if row.jwks == json.loads(issuer.jwks())), None)
        if row is None:
            continue
        extra: dict[str, Any] = {}
        if (scopes := _scopes(deployment)) and row.claims.scopes:
            set_claim(extra, row.claims.scopes[0], " ".join(scopes))
        token = issuer.token(row, **extra)
        for service in stack.services:
            if service.namespace == deployment.namespace and service.spec.selector.items() <= labels.items():
                tokens[f"{service.namespace}/{service.name}"] = token
    return tokens


def _rows(stack: Stack, deployment: Deployment) -> list[TokenIssuer]:
    """Issuers of a workload: of its process, or of its proxy for a server without the runtime."""
    env = {variable.name: variable.value for variable in deployment.container.env}
    if table := env.get(contract.ENV_AUTH_ISSUERS):
        return issuer_table(table)
    labels = deployment.spec.template.metadata.labels
    found = policies_for(stack.request_authentications, deployment.namespace, labels)
    return [
        TokenIssuer(issuer=rule.issuer, audiences=rule.audiences or ("",), jwks=json.loads(rule.jwks or "null"))
        for each in found
        for rule in each.spec.jwt_rules
    ]


def _with_jwks(owner: RequestAuthentication, jwks: str) -> RequestAuthentication:
    rules = tuple(
        rule if rule.jwks is not None else rule.model_copy(update={"jwks_uri": None, "jwks": jwks})
        for rule in owner.spec.jwt_rules
    )
    return owner.model_copy(update={"spec": owner.spec.model_copy(update={"jwt_rules": rules})})


def _scopes(deployment: Deployment) -> list[str]:
    """Scopes that the process requires for all calls and for tools."""
    env = {variable.name: variable.value for variable in deployment.container.env}
    policy = json.loads(env.get(contract.ENV_TOOL_POLICY) or "{}")
    of_tools = [scope for rule in policy.values() for scope in rule.get("scopes", [])]
    of_all = [scope for scope in env.get(contract.ENV_AUTH_SCOPES, "").split(",") if scope]
    return list(dict.fromkeys([*of_all, *of_tools]))
