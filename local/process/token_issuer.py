"""Token issuer of a run: it signs tokens in the names of the real issuers, whose private keys it does not have.

It replaces `jwksUri` by its own keys. A rule with inline keys (`jwks`) keeps them and gets no token.
"""

import json
import time
import uuid
from dataclasses import replace
from typing import Any, Final

import jwt
from cryptography.hazmat.primitives.asymmetric import ec

from meshed_mcp import contract
from meshed_mcp.local.translate.envoy.security import policies_for
from meshed_mcp.local.translate.objects.policies import JWTRule, RequestAuthentication
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
        deployments = tuple(self._with_keys(stack, each) for each in stack.deployments)
        found = stack.request_authentications
        authentications = tuple(_with_jwks(each, self.jwks()) if each.rule.jwks_uri else each for each in found)
        return replace(stack, deployments=deployments, request_authentications=authentications)

    def _with_keys(self, stack: Stack, deployment: Deployment) -> Deployment:
        template = deployment.spec.template
        found = policies_for(stack.request_authentications, deployment.namespace, template.metadata.labels)
        if not any(each.rule.jwks_uri for each in found):
            return deployment
        container = deployment.container
        kept = [variable for variable in container.env if variable.name != contract.ENV_AUTH_JWKS_URL]
        keys = EnvVar(name=contract.ENV_AUTH_JWKS, value=self.jwks())
        changed_container = container.model_copy(update={"env": (*kept, keys)})
        others = [each for each in template.spec.containers if each is not container]
        pod = template.spec.model_copy(update={"containers": (changed_container, *others)})
        changed = template.model_copy(update={"spec": pod})
        return deployment.model_copy(update={"spec": deployment.spec.model_copy(update={"template": changed})})

    def token(self, rule: JWTRule, **claims: Any) -> str:
        """A token that the rule accepts, unless `claims` change it; a claim that is None is left out."""
        now = int(time.time())
        content: dict[str, Any] = {
            "iss": rule.issuer,
            "sub": SUBJECT,
            "aud": rule.audiences[0] if rule.audiences else None,
            "iat": now,
            "exp": now + LIFETIME_SECONDS,
            "jti": str(uuid.uuid4()),
            **claims,
        }
        given = {name: value for name, value in content.items() if value is not None}
        return jwt.encode(given, self._key, algorithm=ALGORITHM, headers={"kid": KEY_ID})


def issue_tokens(issuer: LocalIssuer, stack: Stack) -> dict[str, str]:
    """A token per Service that accepts `issuer`, by "namespace/name", with the required scopes."""
    tokens = {}
    for deployment in stack.deployments:
        labels = deployment.spec.template.metadata.labels
        rules = policies_for(stack.request_authentications, deployment.namespace, labels)
        if not rules or rules[0].rule.jwks != issuer.jwks():
            continue
        scope = " ".join(_scopes(deployment)) or None
        token = issuer.token(rules[0].rule, scope=scope)
        for service in stack.services:
            if service.namespace == deployment.namespace and service.spec.selector.items() <= labels.items():
                tokens[f"{service.namespace}/{service.name}"] = token
    return tokens


def _with_jwks(owner: RequestAuthentication, jwks: str) -> RequestAuthentication:
    rule = owner.rule.model_copy(update={"jwks_uri": None, "jwks": jwks})
    return owner.model_copy(update={"spec": owner.spec.model_copy(update={"jwt_rules": (rule,)})})


def _scopes(deployment: Deployment) -> list[str]:
    """Scopes that the process requires for all calls and for tools."""
    env = {variable.name: variable.value for variable in deployment.container.env}
    policy = json.loads(env.get(contract.ENV_TOOL_POLICY) or "{}")
    of_tools = [scope for rule in policy.values() for scope in rule.get("scopes", [])]
    of_all = [scope for scope in env.get(contract.ENV_AUTH_SCOPES, "").split(",") if scope]
    return list(dict.fromkeys([*of_all, *of_tools]))
