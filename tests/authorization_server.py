"""An authorization server on loopback: metadata, keys, and a token endpoint with the grants of `calls` and of users.

It verifies clients and subject tokens as a real one does, and records every token request.
"""

import base64
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final
from urllib.parse import parse_qs, unquote_plus

import jwt
from cryptography.hazmat.primitives.asymmetric import ec

from tests.oauth_provider import CodeGrants

ALGORITHM: Final = "ES256"
EXCHANGE: Final = "urn:ietf:params:oauth:grant-type:token-exchange"
JWT_BEARER: Final = "urn:ietf:params:oauth:grant-type:jwt-bearer"
ACCESS_TOKEN: Final = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105 - a type
ID_JAG: Final = "urn:ietf:params:oauth:token-type:id-jag"


class RejectedError(Exception):
    """An error response of the token endpoint. Source: RFC 6749, section 5.2."""


@dataclass
class AuthorizationServer:
    """What it knows, and what it was asked for."""

    key: Any = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    url: str = ""
    """Issuer."""

    secrets: dict[str, str] = field(default_factory=lambda: {"front": "s3cret +/%"})
    """Client -> secret."""

    client_keys: dict[str, Any] = field(default_factory=dict)
    """Client -> public key of its assertions."""

    trusted: dict[str, Any] = field(default_factory=dict)
    """Issuer -> public key, of ID-JAGs from elsewhere."""

    people: CodeGrants = field(default_factory=CodeGrants)
    """Persons who log in and consent."""

    lifetime_seconds: int = 3600
    status: int = 200
    """Status of every response; another one than 200 is a broken server."""

    metadata: dict[str, Any] = field(default_factory=dict)
    """Changes of the metadata."""

    response: Any = None
    """Response of the token endpoint, whatever the request is."""

    requests: list[dict[str, str]] = field(default_factory=list)
    hold: threading.Event = field(default_factory=threading.Event)
    """Token requests wait until it is set, as it is by default."""

    def __post_init__(self) -> None:
        self.hold.set()

    def jwks(self) -> str:
        """The public key as a JWK Set."""
        public = jwt.algorithms.ECAlgorithm.to_jwk(self.key.public_key(), as_dict=True)
        return json.dumps({"keys": [public | {"kid": "one", "use": "sig", "alg": ALGORITHM}]})

    def token(self, audience: str, **claims: Any) -> str:
        """A signed token; a claim given as None is left out."""
        now = int(time.time())
        content = {"iss": self.url, "aud": audience, "sub": "ada", "iat": now, "exp": now + self.lifetime_seconds}
        given = {name: value for name, value in (content | claims).items() if value is not None}
        return jwt.encode(given, self.key, algorithm=ALGORITHM, headers={"kid": "one"})

    def posted(self, form: dict[str, str], authorization: str) -> tuple[int, str]:
        """Status and text of the response to a form."""
        if self.status != 200:
            return self.status, "out of order"
        try:
            found = self.respond(form, authorization) if self.response is None else self.response
        except RejectedError as error:
            described = {"error": str(error), "error_description": f"token {form.get('subject_token')}"}
            return 400, json.dumps(described)
        return 200, json.dumps(found)

    def respond(self, form: dict[str, str], authorization: str) -> dict[str, Any]:
        """The response of the token endpoint. Raises RejectedError."""
        client = self._client(form, authorization)
        if "grant_type" not in form:
            self.people.revoked.append(form["token"])
            return {}
        audience = form.get("resource") or form.get("audience") or self.url
        match form.get("grant_type"):
            case "authorization_code" | "refresh_token":
                return self._for_person(form, client)
            case "client_credentials":
                return self._issued(self.token(audience, sub=client, client_id=client, scope=form.get("scope")))
            case grant if grant == EXCHANGE and form.get("requested_token_type") == ID_JAG:
                claims = self._subject(form["subject_token"])
                grant_token = self.token(
                    form["audience"], sub=claims["sub"], client_id=client, resource=form["resource"]
                )
                return {"access_token": grant_token, "token_type": "N_A", "issued_token_type": ID_JAG}
            case grant if grant == EXCHANGE:
                claims = self._subject(form["subject_token"])
                actor = self._subject(form["actor_token"])["sub"] if "actor_token" in form else client
                act = {"sub": actor} | ({"act": claims["act"]} if "act" in claims else {})
                return self._issued(self.token(audience, sub=claims["sub"], act=act, scope=form.get("scope")))
            case grant if grant == JWT_BEARER and form.get("requested_token_use") == "on_behalf_of":
                claims = self._subject(form["assertion"])
                audience = form["scope"].rpartition("/")[0]
                return self._issued(self.token(audience, sub=claims["sub"], azp=client, scp="access"))
            case grant if grant == JWT_BEARER:
                head = jwt.decode(form["assertion"], options={"verify_signature": False})
                claims = self._verified(form["assertion"], self.trusted.get(head["iss"]), self.url)
                return self._issued(self.token(claims["resource"], sub=claims["sub"], act={"sub": client}))
        raise RejectedError("unsupported_grant_type")

    def _for_person(self, form: dict[str, str], client: str) -> dict[str, Any]:
        if form["grant_type"] == "refresh_token":
            person = self.people.refresh.pop(form["refresh_token"], None)
            if person is None:
                raise RejectedError("invalid_grant")
            return self.people.issue(person)
        asked = self.people.exchange(form, client)
        if asked is None:
            raise RejectedError("invalid_grant")
        found = self.people.issue(asked["person"])
        if "openid" in asked.get("scope", "").split():
            claims = {"sub": asked["person"], "nonce": asked.get("nonce")} | self.people.claims
            found["id_token"] = self.token(client, **claims)
        return found

    def _issued(self, token: str) -> dict[str, Any]:
        kind = {"issued_token_type": ACCESS_TOKEN, "token_type": "Bearer"}
        return {"access_token": token, "expires_in": self.lifetime_seconds, **kind}

    def _client(self, form: dict[str, str], authorization: str) -> str:
        if "client_assertion" in form:
            name = form["client_id"]
            claims = self._verified(form["client_assertion"], self.client_keys.get(name), self.url)
            form["client_auth"] = "private_key_jwt"
            if claims["iss"] == claims["sub"] == name:
                return name
        name, secret = form.get("client_id", ""), form.get("client_secret", "")
        form["client_auth"] = "client_secret_post"
        if authorization.startswith("Basic "):
            pair = base64.b64decode(authorization.removeprefix("Basic ")).decode()
            name, secret = (unquote_plus(part) for part in pair.split(":"))
            form["client_auth"] = "client_secret_basic"
        if not secret or self.secrets.get(name) != secret:
            raise RejectedError("invalid_client")
        return name

    def _subject(self, token: str) -> dict[str, Any]:
        return self._verified(token, self.key.public_key(), None)

    def _verified(self, token: str, key: Any, audience: str | None) -> dict[str, Any]:
        options: Any = {"verify_aud": audience is not None}
        try:
            found: dict[str, Any] = jwt.decode(
                token, key, algorithms=[ALGORITHM, "RS256", "EdDSA"], audience=audience, options=options
            )
        except (jwt.PyJWTError, TypeError):
            raise RejectedError("invalid_grant") from None
        return found


@contextmanager
def serving(**fields: Any) -> Iterator[AuthorizationServer]:
    """A running server, with these fields of AuthorizationServer."""
    server = AuthorizationServer(**fields)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.rstrip("/")
            if path.startswith("/authorize"):
                self._redirect(server.people.authorize(self.path, self.headers.get("cookie", "")))
            elif path == "/.well-known/oauth-authorization-server":
                endpoints = {
                    "authorization_endpoint": f"{server.url}/authorize",
                    "token_endpoint": f"{server.url}/token",
                }
                metadata = {"issuer": server.url, "response_types_supported": ["code"], **endpoints, **server.metadata}
                self._send(server.status, json.dumps(metadata))
            else:
                self._send(200 if path == "/jwks" else 404, server.jwks())

        def _redirect(self, target: str | None) -> None:
            self.send_response(401 if target is None else 302)
            self.send_header("location", target or "")
            self.send_header("content-length", "0")
            self.end_headers()

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"])).decode()
            form = {name: values[0] for name, values in parse_qs(body).items()}
            server.requests.append(form)
            server.hold.wait(30)
            self._send(*server.posted(form, self.headers.get("authorization", "")))

        def _send(self, status: int, text: str) -> None:
            body = text.encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=http.serve_forever, daemon=True).start()
    server.url = f"http://127.0.0.1:{http.server_port}"
    try:
        yield server
    finally:
        server.hold.set()
        http.shutdown()
        http.server_close()
