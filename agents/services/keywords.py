"""Keywords of an English text: its words in lower case without stop words."""

import re
from typing import Final

_WORD: Final = re.compile(r"\w+")

STOP_WORDS: Final = frozenset(
    """
    a about above after again against all also am an and any are as at be because been before being below between
    both but by can could did do does doing down during each few for from further had has have having he her here hers
    him his how i if in into is it its itself just may me might more most must my no nor not of off on once only or
    other our ours out over own s same she should so some such t than that the their theirs them then there these they
    this those through to too under until up very was we were what when where which while who whom why will with would
    you your yours
    """.split()  # noqa: SIM905 - a list would be a hundred lines of one word each
)
"""Source: the English stop words of PostgreSQL, with the modal verbs."""


def keywords(text: str) -> list[str]:
    """Return the keywords in order, with repetitions."""
    return [word for word in _WORD.findall(text.lower()) if word not in STOP_WORDS]
