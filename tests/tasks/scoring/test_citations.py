import pytest

from tasks.scoring.citations import citation_precision, citation_recall, statements

TENT, STOVE = "The tent weighs 2.1 kg and is waterproof.", "The stove burns gas for 40 minutes."


def test_a_statement_has_the_documents_it_cites_before_or_behind_the_full_stop():
    found = statements("The tent weighs 2.1 kg [P1]. It is waterproof. [P1, P2] The stove burns gas!")
    assert [sorted(each.documents) for each in found] == [["P1"], ["P1", "P2"], []]


@pytest.mark.parametrize(
    ("text", "recall", "precision"),
    [
        ("The tent weighs 2.1 kg [P1]. The stove burns gas [P2].", 1, 1),
        ("The tent weighs 2.1 kg [P1]. The stove burns gas.", 0.5, 1),
        ("The tent weighs 2.1 kg [P2].", 0, 0),
        ("The tent weighs 3 kg [P1].", 0, 0),
        ("The tent weighs 2.1 kg [P1, P2].", 1, 0.5),
        ("The waterproof tent weighs 2.1 kg, the stove burns 40 minutes [P1, P2].", 1, 1),
        ("The tent weighs 2.1 kg [P9].", 0, 0),
        ("The tent weighs 2.1 kg.", 0, None),
        ("[P1]", None, None),
    ],
)
def test_precision_and_recall_of_citations(row, answer, text, recall, precision):
    given = answer(text, TENT, STOVE)
    assert citation_recall(row(), given).value == recall
    assert citation_precision(row(), given).value == precision


def test_what_is_of_no_use_is_named(row, answer):
    assert citation_precision(row(), answer("The tent weighs 2.1 kg [P1, P2].", TENT, STOVE)).why == "of no use: P2"
