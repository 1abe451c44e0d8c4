"""Decides what is a secret, by name and value, and makes the commands that create Secrets.

A plain value in a Secret costs one command, but a secret in a stack file stays in the repository: every doubt counts as
secret.
"""

import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Final
from urllib.parse import parse_qsl, urlsplit

SECRET_WORDS: Final = frozenset(
    {
        *("token", "secret", "password", "passwd", "passphrase", "pass", "pwd", "key", "apikey", "pat", "auth"),
        *("authorization", "credential", "credentials", "cookie", "bearer", "dsn", "jwt", "webhook", "privatekey"),
        *("accesskey", "secretkey", "clientsecret", "accesstoken", "authtoken", "connectionstring", "pin", "salt"),
    }
)
"""Words of names whose values are secrets."""

PLAIN_ENDINGS: Final = frozenset(
    {
        *("path", "dir", "limit", "count", "size", "ttl", "seconds", "enabled", "type", "mode", "method", "issuer"),
        *("audience", "name", "prefix", "header", "expiry", "length", "budget", "provider", "algorithm", "required"),
    }
)
"""Last words of names that describe a secret and are none: TOKEN_LIMIT, AUTH_ENABLED, KEY_PATH."""

SECRET_URL_WORDS: Final = ("connection_string", "connectionstring", "database_url", "redis_url", "mongo_uri")

PREFIXES: Final = (
    *("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-", "sk-", "sk_", "rk_", "pk_live", "xox", "xapp-"),
    *(
        "AKIA",
        "ASIA",
        "AIza",
        "ya29.",
        "npm_",
        "pypi-",
        "hf_",
        "lin_api_",
        "ntn_",
        "secret_",
        "dop_v1_",
        "shpat_",
        "SG.",
    ),
    *(
        "eyJ",
        "-----BEGIN",
        "Bearer ",
        "bearer ",
        "Basic ",
        "figd_",
        "tvly-",
        "fc-",
        "pplx-",
        "gsk_",
        "BSA",
        "r8_",
        "AGE-",
    ),
)
"""First characters of the tokens of well-known providers. Source: their documentation, as in GitHub, "Secret scanning
patterns"."""

RANDOM_BITS: Final = 3.2
"""Bits per character from which a long word counts as random; English names are below."""

RANDOM: Final = re.compile(r"[A-Za-z0-9+/_=.~-]{24,}")
HEXADECIMAL: Final = re.compile(r"[0-9a-fA-F-]{32,}")
UUID: Final = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
"""Identifiers of clients, tenants and projects; a secret one has a name that says so."""

USER_INFO: Final = re.compile(r"[a-z][a-z0-9+.-]*://[^/\s@]+@", re.IGNORECASE)
PASSWORD_FIELD: Final = re.compile(r"(?:password|pwd|accountkey|sharedaccesskey)\s*=", re.IGNORECASE)


ASSIGNMENT: Final = re.compile(r"(?P<name>[A-Za-z][\w.-]*)\s*[:=]\s*(?P<value>\S.*)", re.DOTALL)


def words(name: str) -> list[str]:
    """The lower-case words of `API_KEY`, `api-key` or `apiKey`."""
    return [word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+", name)]


def is_secret_name(name: str) -> bool:
    """Whether the value of a variable, option or header of this name is a secret."""
    found = words(name)
    if not found or found[-1] in PLAIN_ENDINGS or (found[-1] in {"url", "uri", "file"} and not in_url(name)):
        return False
    return bool(SECRET_WORDS & set(found)) or in_url(name)


def in_url(name: str) -> bool:
    """Whether a URL of this name has a password in it."""
    return name.lower().endswith(SECRET_URL_WORDS)


def is_secret_value(value: str) -> bool:
    """Whether a value looks like a token, a key or a password."""
    text = value.strip()
    if text.startswith(PREFIXES) or USER_INFO.search(text) or PASSWORD_FIELD.search(text) or "PRIVATE KEY" in text:
        return True
    if secret_query(text):
        return True
    text = UUID.sub("", text)
    return HEXADECIMAL.fullmatch(text) is not None or any(is_random(word) for word in re.split(r"[\s,;:=\"'/]+", text))


def assigns_secret(text: str) -> bool:
    """Whether a text is `API_KEY=value` or `X-Api-Key: value`."""
    found = ASSIGNMENT.fullmatch(text.strip())
    return found is not None and is_secret(found["name"], found["value"])


def is_random(word: str) -> bool:
    """Whether a long word of letters and digits is random."""
    if RANDOM.fullmatch(word) is None or not (re.search(r"\d", word) and re.search(r"[A-Za-z]", word)):
        return False
    counts = Counter(word).values()
    bits = -sum(count / len(word) * math.log2(count / len(word)) for count in counts)
    return bits >= RANDOM_BITS and "." not in word.strip(".")


def secret_query(text: str) -> list[str]:
    """Names of the parameters of a URL whose values are secrets."""
    if "?" not in text or "://" not in text:
        return []
    try:
        pairs = parse_qsl(urlsplit(text).query)
    except ValueError:
        return []
    return [name for name, value in pairs if is_secret_name(name) or value.startswith(PREFIXES) or is_random(value)]


def is_secret(name: str, value: str) -> bool:
    """Whether a variable is a secret."""
    return (is_secret_name(name) and not is_switch(value)) or is_secret_value(value)


def is_switch(value: str) -> bool:
    """Whether a value only switches something on or off."""
    return value.strip().lower() in {"true", "false", "yes", "no", "on", "off", "none"}


def variable_of(*parts: str) -> str:
    """A shell variable from the words of a name: `GITHUB_AUTHORIZATION`."""
    name = "_".join(re.findall(r"[A-Za-z0-9]+", "_".join(parts))).upper()
    return name if name[:1].isalpha() else f"V_{name}"


def secret_commands(secrets: Mapping[str, Mapping[str, str]], namespace: str) -> Iterator[str]:
    """One command per Secret; it reads the values from variables of the shell."""
    for name, keys in secrets.items():
        literals = " ".join(f'--from-literal={key}="${{{variable}:?}}"' for key, variable in keys.items())
        yield f"kubectl create secret generic {name} --namespace {namespace} {literals}"
