"""Extractive summary: the sentences of a text with the highest scores, unchanged and in order; deterministic."""

import re
from collections import Counter
from typing import Final

from meshed_mcp.agents.services.keywords import keywords

_SENTENCE_END: Final = re.compile(r"(?<=[.!?])\s+|(?<=[.!?][\"')\]])\s+|\n\s*\n|\s+…\s+")
MIN_WORDS: Final = 3  # minimum divisor of the mean, so that short headings do not win
QUESTION_WEIGHT: Final = 2.0
"""Weight of the question: a sentence with all its words gains twice the maximum of the mean."""

STEM_LENGTH: Final = 5
"""Words with this common prefix count as one: an approximation of stemming (`replica`, `replicas`)."""


def extractive_summary(text: str, sentences: int, question: str = "") -> str:
    """Return at most `sentences` (>= 1) sentences of the text; earlier ones win ties."""
    candidates = [" ".join(part.split()) for part in _SENTENCE_END.split(text) if part and part.strip()]
    frequency = Counter(_stem(word) for word in keywords(text))
    question_stems = {_stem(word) for word in keywords(question)}
    ranked = sorted(
        range(len(candidates)), key=lambda index: (-_score(candidates[index], frequency, question_stems), index)
    )
    return " ".join(candidates[index] for index in sorted(ranked[:sentences]))


def _score(sentence: str, frequency: Counter[str], question_stems: set[str]) -> float:
    """Return the mean frequency of the keywords (Luhn 1958), plus their share of the question's keywords."""
    words = [_stem(word) for word in keywords(sentence)]
    if not words:
        return 0.0
    most_frequent = max(frequency.values())
    centrality = sum(frequency[word] for word in words) / max(len(words), MIN_WORDS) / most_frequent
    relevance = len(question_stems.intersection(words)) / len(question_stems) if question_stems else 0.0
    return centrality + QUESTION_WEIGHT * relevance


def _stem(word: str) -> str:
    return word[:STEM_LENGTH]
