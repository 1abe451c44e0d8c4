"""Why a process cannot start, where a sentence says it all: whoever raises it needs no traceback in the log.

Raised while settings are read and in lifespans; told by serving.py.
"""


class StartError(RuntimeError):
    """The process cannot start; the text is one line that says what to change."""


def start_error(error: BaseException) -> StartError | None:
    """The StartError in `error`, which a task group may have wrapped; None where there is none."""
    if isinstance(error, StartError):
        return error
    parts = error.exceptions if isinstance(error, BaseExceptionGroup) else ()
    return next((found for part in parts if (found := start_error(part)) is not None), None)
