import pytest

from tasks.tracking.sampling import sampled_rows


@pytest.mark.parametrize("n", [60, 61, 100])
def test_the_sample_holds_as_many_rows_as_it_may_of_every_stratum_and_is_always_the_same(evaluation, n):
    judged = evaluation("sampled", n, failed=range(5))
    chosen = sampled_rows(judged, judged.metrics, 40)
    assert len(chosen) == 40
    assert chosen == sampled_rows(judged, judged.metrics, 40)
    assert {f"r{number}" for number in range(5)} <= chosen
    unflagged = judged.rows.iloc[5:]
    for _, stratum in unflagged.groupby(["slice.kind", "answerable"]):
        share = 35 / len(unflagged) * len(stratum)
        assert share - 1 < stratum["row_id"].isin(chosen).sum() < share + 4


def test_flagged_rows_are_kept_however_many(evaluation):
    judged = evaluation("flagged", 30, failed=range(10), broken=range(10, 15), harmful=range(15, 20))
    assert sampled_rows(judged, judged.metrics, 8) == {f"r{number}" for number in range(20)}


def test_rows_whose_answerability_is_unknown_are_a_stratum_too(evaluation):
    judged = evaluation("unknown", 30)
    judged.rows.loc[judged.rows.index < 12, "answerable"] = None
    assert len(sampled_rows(judged, judged.metrics, 20)) == 20
