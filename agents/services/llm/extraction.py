"""An extractive summary: the sentences of a text that carry most of its words, unchanged and in their order.

In: a text and, if wanted, a question to lean towards. Out: some of its sentences. Nothing is generated, the same input
gives the same output. Method: mean frequency of a sentence's meaningful words (Luhn 1958), plus the share of the
question's words it holds. Not here: models (endpoint.py).
"""

import re
from collections import Counter
from typing import Final

from meshed_mcp.agents.services.keywords import meaningful_words

_SENTENCE_END: Final = re.compile(r"(?<=[.!?])\s+|(?<=[.!?][\"')\]])\s+|\n\s*\n|\s+…\s+")

MIN_WORDS: Final = 3
"""A sentence with fewer meaningful words counts as if it had so many: headings must not win by shortness."""

QUESTION_WEIGHT: Final = 2.0
"""A sentence with all words of the question gains twice what the most frequent words alone can give."""

STEM_LENGTH: Final = 5
"""Words that begin alike count as one: a coarse stand-in for stemming (`replica`, `replicas`)."""


def extractive_summary(text: str, sentences: int, question: str = "") -> str:
    """At most `sentences` (>= 1) of the text's sentences; earlier ones win ties. A text without any is empty."""
    candidates = [" ".join(part.split()) for part in _SENTENCE_END.split(text) if part and part.strip()]
    frequency = Counter(_stem(word) for word in meaningful_words(text))
    asked = {_stem(word) for word in meaningful_words(question)}
    ranked = sorted(range(len(candidates)), key=lambda place: (-_score(candidates[place], frequency, asked), place))
    return " ".join(candidates[place] for place in sorted(ranked[:sentences]))


def _score(sentence: str, frequency: Counter[str], asked: set[str]) -> float:
    words = [_stem(word) for word in meaningful_words(sentence)]
    if not words:
        return 0.0
    most_frequent = max(frequency.values())
    centrality = sum(frequency[word] for word in words) / max(len(words), MIN_WORDS) / most_frequent
    relevance = len(asked.intersection(words)) / len(asked) if asked else 0.0
    return centrality + QUESTION_WEIGHT * relevance


def _stem(word: str) -> str:
    return word[:STEM_LENGTH]
