import pytest

from tasks.scoring.scoring import score
from tasks.scoring.strings import regex_match, string_similarity


@pytest.mark.parametrize(
    ("pattern", "text", "value"),
    [
        (r"\d+ kg", "It weighs 2 kg.", 1),
        (r"(?i)^yes", "Yes, it is.", 1),
        (r"^yes$", "yes\nno", 0),
        (r"a.c", "a\nc", 1),
        (r"\p{Hangul}+", "방수", 1),
    ],
)
def test_a_pattern_is_searched_in_the_whole_answer(row, answer, pattern, text, value):
    assert regex_match.rate(row(), answer(text), pattern=pattern).value == value


def test_a_pattern_that_backtracks_for_ever_is_the_instruments_failure(row, answer):
    from configs.schema.scorer import ScorerConfig

    slow = regex_match.configured(ScorerConfig(name="slow", scorer="regex_match"), {"pattern": r"(a|aa)+$"})
    (only,) = score([row()], [answer("a" * 60 + "!")], [slow])
    assert (only.value, only.outcome) == (None, "scorer_error")
    assert only.why.startswith("TimeoutError")


@pytest.mark.parametrize(
    ("text", "reference", "value"),
    [("kitten", "sitting", 1 - 3 / 7), ("Blue  Tent", "blue tent", 1), ("", "blue", 0), ("방수", "방풍", 0.5)],
)
def test_similarity_is_one_less_the_share_of_characters_to_change(row, answer, text, reference, value):
    assert string_similarity(row(reference=reference), answer(text)).value == pytest.approx(value)
