import pytest

from configs.schema.app import Limit
from tasks.gating.limit import check_limit
from tasks.scoring.catalogue import SCORERS
from tasks.statistics.estimate import Estimate

SUPPORT, PII = SCORERS["support"].metric, SCORERS["pii_leak"].metric


def estimate(value, low, high, n=50):
    return Estimate(metric="m", value=value, low=low, high=high, n=n, coverage=1, confidence=0.95, method="t")


NOTHING = estimate(None, None, None, 0)


@pytest.mark.parametrize(
    ("bound", "broken"),
    [({"at_least": 0.7}, True), ({"at_least": 0.5}, False), ({"at_most": 0.3}, True), ({"at_most": 0.5}, False)],
)
def test_a_limit_is_broken_only_where_the_whole_interval_is_beyond_it(bound, broken):
    verdict = check_limit(Limit(metric="support", **bound), estimate(0.5, 0.4, 0.6), None, SUPPORT)
    assert verdict.broken is broken
    assert "0.5 [0.4, 0.6] n=50" in verdict.reason


@pytest.mark.parametrize(
    ("current", "broken"), [((0.5, 0.45, 0.55), True), ((0.75, 0.6, 0.9), False), ((0.9, 0.8, 0.95), False)]
)
def test_a_drop_is_counted_against_the_release(current, broken):
    limit = Limit(metric="support", drop_at_most=0.1)
    assert check_limit(limit, estimate(*current), estimate(0.8, 0.75, 0.85), SUPPORT).broken is broken


def test_a_rise_is_the_drop_of_a_metric_that_is_better_low():
    limit = Limit(metric="pii_leak", drop_at_most=0.1)
    before, after = estimate(0.01, 0.0, 0.03), estimate(0.4, 0.3, 0.5)
    assert check_limit(limit, after, before, PII).broken is True
    assert check_limit(limit, before, after, PII).broken is False


def test_what_cannot_be_judged_is_neither_broken_nor_kept():
    limit = Limit(metric="support", drop_at_most=0.1)
    assert check_limit(limit, NOTHING, estimate(0.8, 0.7, 0.9), SUPPORT).broken is None
    assert check_limit(limit, estimate(0.8, 0.7, 0.9), None, SUPPORT).broken is None
    assert check_limit(limit, estimate(0.8, 0.7, 0.9), NOTHING, SUPPORT).broken is None
