"""The extractive summary: unchanged sentences of the text."""

from hypothesis import given
from hypothesis import strategies as st

from meshed_mcp.agents.services.llm.extraction import extractive_summary

TEXT = (
    "Envoy is a proxy. The sidecar of each replica is an Envoy proxy. Lunch is at noon. "
    "A sidecar proxy encrypts every call! Is the proxy fast?"
)


def test_sentences_with_frequent_words_are_selected_in_order() -> None:
    """Luhn 1958: a sentence is significant by the frequency of its words."""
    assert extractive_summary(TEXT, 2) == "Envoy is a proxy. The sidecar of each replica is an Envoy proxy."


def test_a_question_selects_sentences_that_contain_its_words() -> None:
    """Requirement SVC-3: a summary can be asked to answer a question."""
    assert extractive_summary(TEXT, 1, "When is lunch?") == "Lunch is at noon."
    assert extractive_summary(TEXT, 1, "What is encrypted?") == "A sidecar proxy encrypts every call!"


def test_a_closing_quote_belongs_to_its_sentence() -> None:
    """Requirement SVC-3: sentences are unchanged."""
    assert extractive_summary('He said "stop." Then he left.', 1) == 'He said "stop."'


def test_earlier_sentences_win_ties() -> None:
    """Requirement SVC-3: the result is deterministic, and earlier sentences win."""
    assert extractive_summary("One apple. Two pears. Six plums.", 2) == "One apple. Two pears."


def test_a_text_of_only_stop_words_is_summarized() -> None:
    """Requirement SVC-1: an empty count does not end in a division by zero."""
    assert extractive_summary("And so it is. To be or not to be.", 1) == "And so it is."


@given(st.text(max_size=500), st.integers(1, 20), st.text(max_size=50))
def test_a_summary_contains_only_words_of_the_text(text: str, sentences: int, question: str) -> None:
    """Requirement SVC-3: nothing is generated, and the same input gives the same output."""
    summary = extractive_summary(text, sentences, question)
    assert summary == extractive_summary(text, sentences, question)
    assert set(summary.split()) <= set(text.split())
    assert len(summary) <= len(text)
