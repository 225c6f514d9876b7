from dataclasses import replace

from tasks.calling.answer import Outcome
from tasks.leaderboard import ranked
from tasks.scoring.score import Metric
from tasks.statistics.estimates import estimate_all

METRICS = {"exact": Metric("exact", "quality", "higher", "1", "")}
CUT = Outcome.SKIPPED


def _estimated(evaluation):
    return replace(evaluation, estimates=estimate_all(evaluation.rows, evaluation.scores, METRICS, 0.95))


def test_best_first_and_a_few_lucky_rows_are_no_better_candidate(evaluate):
    whole = _estimated(evaluate({"exact": [0.0, 1.0, 0.0, 1.0]}, model="whole"))
    better = _estimated(evaluate({"exact": [1.0, 1.0, 0.0, 1.0]}, model="better"))
    lucky = _estimated(evaluate({"exact": [1.0, CUT, CUT, CUT]}, model="lucky"))
    none = _estimated(evaluate({"exact": [CUT, CUT, CUT, CUT]}, model="none"))

    board = ranked([none, lucky, whole, better], "exact", METRICS, min_coverage=0.95)

    assert [each.candidate.model for each in board] == ["better", "whole", "lucky", "none"]
