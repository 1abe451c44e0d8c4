"""OpenTelemetry's tracer with a cheaper way to make a span the current one; every span is still the SDK's.

In: a provider's tracer. Out: the same, whose `start_as_current_span` is one object where the library nests two
generators: two thirds of what a span costs that is not kept, and nine in ten are not (docs/reference/performance.md).
Not here: which spans are kept, and their export (tracing.py).
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any, TypeVar

from opentelemetry import context as context_api
from opentelemetry.context import Context
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import Link, Span, SpanKind, StatusCode, Tracer, set_span_in_context
from opentelemetry.util.types import Attributes

Function = TypeVar("Function", bound=Callable[..., Any])


class LeanProvider(TracerProvider):
    """OpenTelemetry's provider; its tracers are `LeanTracer`."""

    def get_tracer(self, *args: Any, **kwargs: Any) -> Tracer:
        """Return the tracer of one instrumentation."""
        return LeanTracer(super().get_tracer(*args, **kwargs))


class LeanTracer(Tracer):
    """A tracer that starts spans through another one."""

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer
        self._start = tracer.start_span

    def start_span(self, *args: Any, **kwargs: Any) -> Span:
        """Start a span, which becomes nobody's parent by itself."""
        return self._start(*args, **kwargs)

    def start_as_current_span(  # type: ignore[override]  # noqa: PLR0913, PLR0917 - OpenTelemetry's signature
        self,
        name: str,
        context: Context | None = None,
        kind: SpanKind = SpanKind.INTERNAL,
        attributes: Attributes = None,
        links: Sequence[Link] | None = (),
        start_time: int | None = None,
        record_exception: bool = True,
        set_status_on_exception: bool = True,
        end_on_exit: bool = True,
    ) -> "CurrentSpan":
        """Return a block, or a decorator of functions, inside which a new span is the current one."""
        arguments = (name, context, kind, attributes, links, start_time, record_exception, set_status_on_exception)
        return CurrentSpan(self._tracer, arguments, end_on_exit)


class CurrentSpan(AbstractContextManager[Span]):
    """A block with a span of its own; what the library's `use_span` does, in one object."""

    __slots__ = ("_arguments", "_end_on_exit", "_span", "_token", "_tracer")

    def __init__(self, tracer: Tracer, arguments: tuple[Any, ...], end_on_exit: bool) -> None:
        self._tracer, self._arguments, self._end_on_exit = tracer, arguments, end_on_exit

    def __call__(self, function: Function) -> Function:
        """Return the function inside a span per call, a coroutine function too; the library's own decorator."""
        begin: Any = self._tracer.start_as_current_span
        decorated: Function = begin(*self._arguments, end_on_exit=self._end_on_exit)(function)
        return decorated

    def __enter__(self) -> Span:
        self._span = span = self._tracer.start_span(*self._arguments)
        self._token = context_api.attach(set_span_in_context(span))
        return span

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        context_api.detach(self._token)
        if isinstance(error, Exception) and self._span.is_recording():
            *_, record_exception, set_status = self._arguments
            if record_exception:
                self._span.record_exception(error)
            if set_status:
                self._span.set_status(StatusCode.ERROR, f"{type(error).__name__}: {error}")
        if self._end_on_exit:
            self._span.end()
