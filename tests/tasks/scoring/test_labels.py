import pytest

from tasks.scoring.classification import classification
from tasks.scoring.labels import label_accuracy, label_in, label_precision, label_recall

LABELS = ("card_arrival", "card_arrival_late", "lost_card")


@pytest.mark.parametrize(
    ("text", "labels", "find", "found"),
    [
        ("Card arrival.", (), "whole", "card arrival"),
        ("CARD_ARRIVAL", LABELS, "whole", "card arrival"),
        ("It is card arrival", LABELS, "whole", None),
        ("It is card arrival", LABELS, "first", "card arrival"),
        ("card_arrival_late", LABELS, "first", "card arrival late"),
        ("lost card or card arrival", LABELS, "first", "lost card"),
        ("lost card or card arrival", LABELS, "last", "card arrival"),
        ("lost card or card arrival", LABELS, "only", None),
        ("lost card, yes: lost_card", LABELS, "only", "lost card"),
        ("none of them", LABELS, "first", None),
        ("", (), "whole", None),
    ],
)
def test_a_label_is_found(text, labels, find, found):
    assert label_in(text, labels, find) == found


def test_accuracy_precision_and_recall_are_means_over_the_rows_they_apply_to(row, answer):
    said, true = ["a", "a", "b", "no label", "a"], ["a", "b", "b", "a", "a"]
    pairs = [(row(reference=label), answer(text)) for text, label in zip(said, true, strict=True)]

    def mean(scorer, **settings):
        values = [value for row, answer in pairs if (value := scorer.rate(row, answer, **settings).value) is not None]
        return sum(values) / len(values)

    assert mean(label_accuracy) == pytest.approx(3 / 5)
    assert mean(label_precision, label="a") == pytest.approx(2 / 3)
    assert mean(label_recall, label="a") == pytest.approx(2 / 3)
    assert mean(label_recall, label="b") == pytest.approx(1 / 2)
    table = classification(["a", "a", "b", None, "a"], true)
    assert [(each.label, each.n, each.said) for each in table.labels] == [("a", 3, 3), ("b", 2, 1)]
    assert [each.precision.value for each in table.labels] == pytest.approx([2 / 3, 1])
    assert [each.recall.value for each in table.labels] == pytest.approx([2 / 3, 1 / 2])
    assert table.accuracy.value == pytest.approx(3 / 5)


def test_f1_agrees_with_scikit_learn():
    from sklearn.metrics import f1_score, precision_recall_fscore_support

    said = ["a", "b", "c", "a", "b", "b", "d", "a"]
    true = ["a", "b", "b", "a", "c", "b", "a", "c"]
    table = classification(said, true)
    names = [each.label for each in table.labels]
    precision, recall, f1, n = precision_recall_fscore_support(true, said, labels=names, zero_division=0)
    assert [each.f1 for each in table.labels] == pytest.approx(list(f1))
    assert [each.n for each in table.labels] == list(n)
    assert [each.recall.value or 0 for each in table.labels] == pytest.approx(list(recall))
    assert [each.precision.value or 0 for each in table.labels] == pytest.approx(list(precision))
    assert table.macro_f1 == pytest.approx(f1_score(true, said, average="macro"))


def test_intervals_are_wilsons_and_nothing_counted_has_none():
    table = classification(["a"] * 8 + ["x"] * 2, ["a"] * 10)
    assert (table.labels[0].recall.low, table.labels[0].recall.high) == pytest.approx((0.4902, 0.9433), abs=1e-4)
    assert table.labels[1].recall == (None, None, None, 0)
    assert classification([], []).macro_f1 is None
