import pytest

from tasks.scoring.grounding import citation, cited, support


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("It is. [P12]", {"P12"}),
        ("[P1][P2, P3; returns policy]", {"P1", "P2", "P3", "returns policy"}),
        ("see [here](http://x.example)", set()),
        ("방수입니다. [문서 3]", {"문서 3"}),
        ("none", set()),
    ],
)
def test_citations_are_read_from_brackets(text, ids):
    assert cited(text) == ids


@pytest.mark.parametrize(
    ("text", "value"),
    [("It is. [P1]", 1), ("It is. [P1] [P2]", 1), ("It is. [P9]", 0), ("It is. [P1] [P9]", 0), ("It is.", 0)],
)
def test_a_citation_is_right_where_it_supports_and_nothing_else_is_cited(row, answer, text, value):
    assert citation(row(documents=("P1", "P2")), answer(text)).value == value


TENT = "[P1] Ridgeline: two-person tent, weight 2.1 kg, price 1,299 dollars."
KOREAN = "[P2] 리지라인 텐트는 완전 방수이며 무게는 2.1 kg입니다."


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("The Ridgeline weighs 2.1 kg. [P1]", 1),
        ("The Ridgeline weighs 2.2 kg. [P1]", 0),
        ("The Ridgeline costs $1299.", 1),
        ("The Ridgeline weighs 2.1 kg. Penguins love swimming.", 0.5),
        ("리지라인 텐트는 방수입니다.", 1),
        ("리지라인 텐트는 3.5 kg입니다.", 0),
        ("침낭은 오리털로 만들었습니다.", 0),
    ],
)
def test_support_is_the_share_of_sentences_found_in_a_passage(row, answer, text, value):
    assert support(row(), answer(text, TENT, KOREAN)).value == value


def test_an_answer_that_abstains_or_says_nothing_is_not_rated(row, answer):
    assert support(row(), answer("I do not know.", TENT)).value is None
    assert support(row(), answer("Yes! [P1]", TENT)).value is None


def test_without_context_nothing_is_supported(row, answer):
    assert support(row(), answer("The Ridgeline weighs 2.1 kg.")) == (0, "no context")


def test_a_sentence_must_find_its_support_in_one_passage(row, answer):
    halves = ("Ridgeline tent, weight 9 kg.", "Boots cost 2.1 dollars.")
    assert support(row(), answer("The Ridgeline tent, weight 2.1 kg.", *halves)).value == 0


def test_support_says_that_it_is_a_heuristic():
    assert support.metric.heuristic
