"""An issuer of tokens on loopback: a JWKS that is served and counted, and tokens of every kind, good and bad."""

import base64
import hmac
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from meshed_mcp import contract

RSAKey = rsa.RSAPrivateKey
HOUR = 3600
ISSUER = "https://login.example.com/tools"
AUDIENCE = "https://mcp.example.com/vault/mcp"
SECOND_ISSUER = "https://login.example.com/partners"
"""Issuer of `Issuer.second_jwks`, for services that accept tokens of two issuers."""


@dataclass
class Issuer:
    """Its keys by id, what it serves, how often it was asked."""

    keys: dict[str, Any] = field(default_factory=dict)
    asked: int = 0
    broken: bool = False
    url: str = ""
    documents: dict[str, Any] = field(default_factory=dict)
    """Documents by path, such as metadata; every other path below `/.well-known` is not found."""

    second_key: Any = field(default_factory=lambda: rsa.generate_private_key(65537, 2048))
    """Private key of SECOND_ISSUER."""

    def jwks(self) -> bytes:
        """The public keys."""
        keys = [
            (jwt.algorithms.RSAAlgorithm if isinstance(key, RSAKey) else jwt.algorithms.ECAlgorithm).to_jwk(
                key.public_key(), as_dict=True
            )
            | {"kid": key_id, "use": "sig"}
            for key_id, key in self.keys.items()
        ]
        return json.dumps({"keys": keys}).encode()

    def second_jwks(self) -> dict[str, Any]:
        """The public keys of SECOND_ISSUER: another key with the ID `one`, and one with an ID of its own."""
        key = jwt.algorithms.RSAAlgorithm.to_jwk(self.second_key.public_key(), as_dict=True)
        return {"keys": [key | {"kid": key_id, "use": "sig"} for key_id in ("one", "second")]}

    def response(self, path: str) -> tuple[int, bytes]:
        """Status and body of a request: a document, or the public keys."""
        if self.broken:
            return 503, b"out of order"
        if path in self.documents:
            return 200, json.dumps(self.documents[path]).encode()
        return (404, b"not found") if path.startswith("/.well-known") else (200, self.jwks())

    def token(
        self, key_id: str = "one", *, header: dict[str, Any] | None = None, key: Any = None, **claims: Any
    ) -> str:
        """A token that is good but for what is given; a claim given as None is left out."""
        now = int(time.time())
        content = {"iss": ISSUER, "aud": AUDIENCE, "sub": "ada", "exp": now + HOUR, "iat": now, "scope": "docs.read"}
        signing = key or self.keys[key_id]
        present = {name: value for name, value in (content | claims).items() if value is not None}
        return jwt.api_jws.encode(  # `jwt.encode` refuses claims of wrong types
            json.dumps(present).encode(),
            signing,
            algorithm="RS256" if isinstance(signing, RSAKey) else "ES256",
            headers={"kid": key_id} | (header or {}),
        )

    def unsigned(self, **claims: Any) -> str:
        """A token with `alg` none."""
        content = jwt.decode(self.token(**claims), options={"verify_signature": False})
        return ".".join([_part({"alg": "none", "kid": "one"}), _part(content), ""])

    def spelled(self, header: bytes, content: bytes | None = None) -> str:
        """A token with these bytes as its header, and as its content; the signature is of another token."""
        _, valid, signature = self.token().split(".")
        return f"{_text(header)}.{valid if content is None else _text(content)}.{signature}"

    def without_a_signature_value(self, **claims: Any) -> str:
        """A token of the curve whose signature is zero."""
        return f"{self.token('curve', **claims).rpartition('.')[0]}.{_text(bytes(64))}"

    def signed_with_the_public_key(self, **claims: Any) -> str:
        """A token whose shared secret is the public key, which everybody has."""
        public = self.keys["one"].public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        content = jwt.decode(self.token(**claims), options={"verify_signature": False})
        signed = f"{_part({'alg': 'HS256', 'kid': 'one'})}.{_part(content)}"  # by hand: PyJWT refuses to make one
        return f"{signed}.{_text(hmac.digest(public, signed.encode(), 'sha256'))}"

    def changed(self, **claims: Any) -> str:
        """A token whose content was changed after it was signed."""
        head, content, signature = self.token(**claims).split(".")
        text = base64.urlsafe_b64decode(content + "==").replace(b'"ada"', b'"eve"')
        return ".".join([head, _text(text), signature])


def _part(value: dict[str, Any]) -> str:
    return _text(json.dumps(value).encode())


def _text(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def row(**fields: Any) -> dict[str, Any]:
    """The row of the issuer in ENV_AUTH_ISSUERS."""
    return {"issuer": ISSUER, "audiences": [AUDIENCE]} | fields


def environment(*rows: dict[str, Any], **more: str) -> dict[str, str]:
    """The variables of a service that accepts tokens of these issuers."""
    return {contract.ENV_AUTH_ISSUERS: json.dumps(rows), contract.ENV_AUTH_RESOURCE: AUDIENCE, **more}


@contextmanager
def serving() -> Iterator[Issuer]:
    """An issuer with the keys `one` and `curve`, for as long as the block lasts."""
    issuer = Issuer({"one": rsa.generate_private_key(65537, 2048), "curve": ec.generate_private_key(ec.SECP256R1())})

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            issuer.asked += 1
            status, body = issuer.response(self.path)
            self.send_response(status)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    issuer.url = f"http://127.0.0.1:{server.server_port}/jwks"
    try:
        yield issuer
    finally:
        server.shutdown()
        server.server_close()
