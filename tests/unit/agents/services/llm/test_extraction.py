"""The extractive summary: sentences of the text, chosen and never changed."""

from hypothesis import given
from hypothesis import strategies as st

from meshed_mcp.agents.services.llm.extraction import extractive_summary

TEXT = (
    "Envoy is a proxy. The sidecar of each replica is an Envoy proxy. Lunch is at noon. "
    "A sidecar proxy encrypts every call! Is the proxy fast?"
)


def test_the_sentences_with_the_texts_frequent_words_are_chosen_in_their_order() -> None:
    """Luhn 1958: a sentence is significant by the frequency of its words."""
    assert extractive_summary(TEXT, 2) == "Envoy is a proxy. The sidecar of each replica is an Envoy proxy."


def test_a_question_draws_the_sentences_that_hold_its_words() -> None:
    """Product rule: a summary can be asked to answer something."""
    assert extractive_summary(TEXT, 1, "When is lunch?") == "Lunch is at noon."
    assert extractive_summary(TEXT, 1, "What is encrypted?") == "A sidecar proxy encrypts every call!"


def test_a_closing_quote_belongs_to_its_sentence() -> None:
    """Product rule: sentences are unchanged."""
    assert extractive_summary('He said "stop." Then he left.', 1) == 'He said "stop."'


def test_earlier_sentences_win_ties() -> None:
    """Product rule: deterministic, and texts usually begin with what matters."""
    assert extractive_summary("One apple. Two pears. Six plums.", 2) == "One apple. Two pears."


def test_a_text_of_nothing_but_stop_words_is_still_a_text() -> None:
    """Product rule: no division by an empty count."""
    assert extractive_summary("And so it is. To be or not to be.", 1) == "And so it is."


@given(st.text(max_size=500), st.integers(1, 20), st.text(max_size=50))
def test_a_summary_is_made_of_words_of_the_text_and_repeats_itself(text: str, sentences: int, question: str) -> None:
    """Product rule: nothing is generated, and the same input gives the same output."""
    summary = extractive_summary(text, sentences, question)
    assert summary == extractive_summary(text, sentences, question)
    assert set(summary.split()) <= set(text.split())
    assert len(summary) <= len(text)
