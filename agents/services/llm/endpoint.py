"""Client of an OpenAI-compatible endpoint: `POST <base URL>/chat/completions`, through the environment's proxy."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Literal, Self, TypedDict

import httpx
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

from meshed_mcp.agents.process.start_error import StartError
from meshed_mcp.error_codes.runtime import INVALID_MODEL_URL, MODEL_NAME_MISSING

ENV_LLM_URL: Final = "MESHED_MCP_LLM_URL"
"""Base URL with version, such as `https://api.example.com/v1`; unset: no model."""

ENV_LLM_MODEL: Final = "MESHED_MCP_LLM_MODEL"
ENV_LLM_API_KEY: Final = "MESHED_MCP_LLM_API_KEY"  # sent as a bearer token if set
TIMEOUT_SECONDS: Final = 120.0  # timeout of a completion
MAX_DETAIL_CHARACTERS: Final = 300  # characters of the endpoint's error text that an error repeats
USAGE_FIELDS: Final = {"input": "prompt_tokens", "output": "completion_tokens"}
"""Field of `usage` by token type. Source: OpenTelemetry, `gen_ai.token.type`."""

CountTokens = Callable[[str, int], object]  # called with a token type (`input`, `output`) and a number of tokens


class EndpointError(RuntimeError):
    """The endpoint did not respond or returned an error; the message is one line without the key."""


class Message(TypedDict):
    """A message of a conversation."""

    role: Literal["system", "user"]
    content: str


class Endpoint(BaseModel):
    """URL, model and key of an endpoint."""

    model_config = ConfigDict(frozen=True)

    url: str = Field(pattern=r"^https?://[^\s]+$")
    model: str = Field(min_length=1)
    api_key: SecretStr | None = None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self | None:
        """Return the configured endpoint; None without MESHED_MCP_LLM_URL. Raises StartError."""
        url = environment.get(ENV_LLM_URL)
        if not url:
            return None
        model = environment.get(ENV_LLM_MODEL)
        if not model:
            raise StartError(MODEL_NAME_MISSING.message(variable=ENV_LLM_URL, missing=ENV_LLM_MODEL))
        try:
            return cls(url=url.rstrip("/"), model=model, api_key=environment.get(ENV_LLM_API_KEY) or None)
        except ValidationError:
            raise StartError(INVALID_MODEL_URL.message(variable=ENV_LLM_URL, url=url)) from None

    async def complete(
        self,
        http: httpx.AsyncClient,
        messages: Sequence[Message],
        max_tokens: int,
        count: CountTokens = lambda _type, _tokens: None,
    ) -> str:
        """Return the model's completion, and call `count` with its tokens. Raises EndpointError."""
        headers = {"Authorization": f"Bearer {self.api_key.get_secret_value()}"} if self.api_key else {}
        body = {"model": self.model, "messages": list(messages), "max_tokens": max_tokens}
        try:
            response = await http.post(f"{self.url}/chat/completions", json=body, headers=headers)
        except httpx.TimeoutException:
            raise EndpointError(f"the model {self.model} did not respond within {TIMEOUT_SECONDS:g} s") from None
        except httpx.HTTPError as error:
            raise EndpointError(f"the endpoint of the model {self.model} cannot be reached: {error}") from None
        if not response.is_success:
            raise EndpointError(f"the model {self.model} returned {response.status_code}: {_detail(response)}")
        content = self._content(response)
        for token_type, tokens in token_counts(response.json()).items():
            count(token_type, tokens)
        return content

    def _content(self, response: httpx.Response) -> str:
        try:
            content = response.json()["choices"][0]["message"]["content"]
        except (ValueError, LookupError, TypeError):
            content = None
        if not isinstance(content, str):
            raise EndpointError(f"the endpoint of the model {self.model} sent no text in choices[0].message.content")
        return content.strip()


def _detail(response: httpx.Response) -> str:
    """Return the endpoint's error message, else the start of the body."""
    try:
        text = response.json()["error"]["message"]
    except (ValueError, LookupError, TypeError):
        text = response.text
    return " ".join(str(text).split())[:MAX_DETAIL_CHARACTERS] or response.reason_phrase


def token_counts(document: Any) -> dict[str, int]:
    """Return the tokens that a response reports, by type. Source: OpenAI API, `usage`."""
    usage = document.get("usage") if isinstance(document, dict) else None
    if not isinstance(usage, dict):
        return {}
    found = {kind: usage.get(field) for kind, field in USAGE_FIELDS.items()}
    return {kind: tokens for kind, tokens in found.items() if isinstance(tokens, int) and tokens >= 0}
