import pytest

from tasks.calling.answer import Answer, Outcome, Passage
from tasks.scoring.ranking import hit_rate, holes, holes_ratio, labels_of, mrr, ndcg_at_k, precision_at_k, recall_at_k
from tasks.scoring.scoring import score


@pytest.fixture
def retrieved():
    """An answer that drew on documents, best first."""
    return lambda *ids: Answer("r1", Outcome.OK, "a", context=tuple(Passage(each, "text") for each in ids))


def test_binary_relevance_by_hand(row, retrieved):
    asked, given = row(documents=("A", "B")), retrieved("X", "A", "Y", "B")
    assert recall_at_k(asked, given).value == pytest.approx(1 / 2)
    assert recall_at_k.rate(asked, given, k=0).value == 1
    assert precision_at_k(asked, given).value == pytest.approx(1 / 3)
    assert precision_at_k.rate(asked, given, k=4).value == pytest.approx(1 / 2)
    assert hit_rate(asked, given).value == 1
    assert hit_rate.rate(asked, given, k=1).value == 0
    assert mrr(asked, given).value == pytest.approx(1 / 2)
    assert mrr.rate(asked, given, k=1).value == 0
    assert holes(asked, given).value == 2
    assert holes_ratio(asked, given).value == pytest.approx(1 / 2)


def test_passages_of_one_document_count_once(row, retrieved):
    asked, given = row(documents=("A",)), retrieved("X", "X", "X", "A")
    assert recall_at_k.rate(asked, given, k=2).value == 1
    assert mrr(asked, given).value == pytest.approx(1 / 2)


def test_ndcg_of_graded_labels_agrees_with_scikit_learn(row, retrieved):
    import numpy as np
    from sklearn.metrics import ndcg_score

    gains = {"A": 3, "B": 0, "C": 2, "D": 1}
    order = ["B", "A", "D", "C"]
    found = ndcg_at_k.rate(row(columns={"gains": gains}), retrieved(*order), k=3, column="gains").value
    scores = [4 - order.index(name) for name in gains]
    assert found == pytest.approx(ndcg_score(np.array([list(gains.values())]), np.array([scores]), k=3))


def test_labels_come_as_a_mapping_or_as_azure_writes_them(row, retrieved):
    azure = [{"document_id": "A", "query_relevance_label": 4}, {"document_id": "B", "query_relevance_label": 0}]
    assert labels_of(azure) == labels_of({"A": 4, "B": 0}) == {"A": 4, "B": 0}
    asked = row(columns={"labels": azure})
    assert ndcg_at_k.rate(asked, retrieved("A", "X"), column="labels").value == 1
    assert holes.rate(asked, retrieved("A", "B", "X"), column="labels").value == 1


@pytest.mark.parametrize("cell", ["A", 3, [{"id": "A"}], ["A"], {"A": -1}, {"A": "much"}, {"A": float("nan")}])
def test_labels_that_are_none_are_the_instruments_failure(row, retrieved, cell):
    from configs.schema.scorer import ScorerConfig

    named = ndcg_at_k.configured(ScorerConfig(name="ndcg"), {"column": "labels"})
    (only,) = score([row(columns={"labels": cell})], [retrieved("A")], [named])
    assert only.outcome == "scorer_error"


def test_nothing_retrieved_is_nothing_found(row, retrieved):
    asked, given = row(documents=("A",)), retrieved()
    values = [scorer(asked, given).value for scorer in (recall_at_k, precision_at_k, hit_rate, mrr, ndcg_at_k, holes)]
    assert values == [0, 0, 0, 0, 0, 0]
    assert holes_ratio(asked, given).value is None


def test_rows_that_nobody_judged_are_not_rated(row, retrieved):
    for scorer in (recall_at_k, precision_at_k, hit_rate, mrr, ndcg_at_k, holes, holes_ratio):
        (only,) = score([row()], [retrieved("A")], [scorer])
        assert (only.value, only.outcome) == (None, "ok"), scorer.metric.name
