import pytest

from tasks.results.frames import Frames
from tasks.tracking.sampling import flagged_rows, sample_of, sampled_rows


@pytest.mark.parametrize("n", [60, 61, 100])
def test_the_sample_holds_of_every_stratum_its_share_and_is_always_the_same(evaluation, n):
    judged = evaluation("sampled", n)
    chosen = sampled_rows(judged, judged.metrics, 40)
    assert len(chosen) == 40
    assert chosen == sampled_rows(judged, judged.metrics, 40)
    for _, stratum in judged.rows.groupby(["slice.kind", "answerable"]):
        share = 40 / n * len(stratum)
        assert share - 1 < stratum["row_id"].isin(chosen).sum() < share + 4


def test_flagged_rows_are_kept_however_many(evaluation):
    judged = evaluation("flagged", 30, failed=range(10), broken=range(10, 15), harmful=range(15, 20))
    flagged = {f"r{number}" for number in range(20)}
    assert flagged_rows(Frames(judged.rows, judged.scores), judged.metrics) == flagged
    chosen = sampled_rows(judged, judged.metrics, 8)
    assert flagged < chosen
    assert len(chosen - flagged) <= 8


def test_the_sample_is_known_before_anything_is_asked(evaluation, dataset):
    judged, asked = evaluation("known", 60, failed=range(3)), dataset("known", 60)
    before = sample_of(asked.rows, 20)
    assert len(before) == 20
    assert sampled_rows(judged, judged.metrics, 20) == before | {"r0", "r1", "r2"}
    assert sample_of(asked.rows[::-1], 20) == before
    assert sample_of(asked.rows, 100) == {row.id for row in asked.rows}
    assert sample_of((), 5) == frozenset()


def test_rows_whose_answerability_is_unknown_are_a_stratum_too(evaluation):
    judged = evaluation("unknown", 30)
    judged.rows.loc[judged.rows.index < 12, "answerable"] = None
    assert len(sampled_rows(judged, judged.metrics, 20)) == 20
