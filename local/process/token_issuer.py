"""The issuer of tokens of one run: the real ones' keys are not on this machine, so it signs under their names itself.

A stack in; out the same stack with this issuer's keys in place of `jwksUri`, and a token per service that wants one.
A stack that gives keys itself (`jwks`) keeps them, and no token is made for it. The private key is never written.
"""

import json
import os
import time
import uuid
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import jwt
from cryptography.hazmat.primitives.asymmetric import ec

from meshed_mcp import contract
from meshed_mcp.local.translate.envoy.jwt import authentications_for
from meshed_mcp.local.translate.objects.authentication import JWTRule, RequestAuthentication
from meshed_mcp.local.translate.objects.workload import Deployment, EnvVar
from meshed_mcp.local.translate.stack import Stack

ALGORITHM: Final = "ES256"
KEY_ID: Final = "local-run"
SUBJECT: Final = "local-run"
LIFETIME_SECONDS: Final = 24 * 3600
"""As long as the certificates of a run."""


class LocalIssuer:
    """Signs tokens for as long as the object lives."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())

    def jwks(self) -> str:
        """The public key as a JWK Set."""
        public = jwt.algorithms.ECAlgorithm.to_jwk(self._key.public_key(), as_dict=True)
        return json.dumps({"keys": [public | {"kid": KEY_ID, "use": "sig", "alg": ALGORITHM}]})

    def adopted(self, stack: Stack) -> Stack:
        """The stack with this issuer's keys where it names a URL: for the proxies as for the processes."""
        deployments = tuple(self._told(stack, each) for each in stack.deployments)
        authentications = tuple(
            _changed(each, self.jwks()) if each.rule.jwks_uri else each for each in stack.request_authentications
        )
        return replace(stack, deployments=deployments, request_authentications=authentications)

    def _told(self, stack: Stack, deployment: Deployment) -> Deployment:
        template = deployment.spec.template
        found = authentications_for(stack.request_authentications, deployment.namespace, template.metadata.labels)
        if not any(each.rule.jwks_uri for each in found):
            return deployment
        container = deployment.container
        kept = [variable for variable in container.env if variable.name != contract.ENV_AUTH_JWKS_URL]
        keys = EnvVar(name=contract.ENV_AUTH_JWKS, value=self.jwks())
        told = container.model_copy(update={"env": (*kept, keys)})
        pod = template.spec.model_copy(update={"containers": (told,)})
        changed = template.model_copy(update={"spec": pod})
        return deployment.model_copy(update={"spec": deployment.spec.model_copy(update={"template": changed})})

    def token(self, rule: JWTRule, **claims: Any) -> str:
        """A token that the rule takes, but for what `claims` say; a claim given as None is left out."""
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


def tokens(issuer: LocalIssuer, stack: Stack) -> dict[str, str]:
    """A token per Service whose pods want one of `issuer`, as "namespace/name"; with the scopes the pods ask for."""
    found = {}
    for deployment in stack.deployments:
        labels = deployment.spec.template.metadata.labels
        rules = authentications_for(stack.request_authentications, deployment.namespace, labels)
        if not rules or rules[0].rule.jwks != issuer.jwks():
            continue
        scope = " ".join(_scopes(deployment)) or None
        token = issuer.token(rules[0].rule, scope=scope)
        for service in stack.services:
            if service.namespace == deployment.namespace and service.spec.selector.items() <= labels.items():
                found[f"{service.namespace}/{service.name}"] = token
    return found


def write_tokens(made: Mapping[str, str], folder: Path) -> list[Path]:
    """A file per Service, readable by this user alone."""
    files = []
    for owner, token in made.items():
        file = folder / owner
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        file.unlink(missing_ok=True)
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
            out.write(token)
        files.append(file)
    return files


def _changed(owner: RequestAuthentication, jwks: str) -> RequestAuthentication:
    rule = owner.rule.model_copy(update={"jwks_uri": None, "jwks": jwks})
    return owner.model_copy(update={"spec": owner.spec.model_copy(update={"jwt_rules": (rule,)})})


def _scopes(deployment: Deployment) -> list[str]:
    """Scopes that the process wants of every token, and of tools."""
    env = {variable.name: variable.value for variable in deployment.container.env}
    policy = json.loads(env.get(contract.ENV_TOOL_POLICY) or "{}")
    of_tools = [scope for rule in policy.values() for scope in rule.get("scopes", [])]
    of_all = [scope for scope in env.get(contract.ENV_AUTH_SCOPES, "").split(",") if scope]
    return list(dict.fromkeys([*of_all, *of_tools]))
