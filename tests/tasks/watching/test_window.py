"""A window of served requests is scored as an evaluation is, and judged against limits with its intervals."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from configs.errors import ConfigurationError
from configs.schema.app import Limit
from tasks.calling.answer import Answer, Latency, Outcome, ToolCall, Usage
from tasks.calling.spend import Spend
from tasks.data.reading import read_dataset
from tasks.data.row import Message
from tasks.journal.journal import Journal
from tasks.scoring.asked import Means
from tasks.scoring.catalogue import metrics_of, scorers_of
from tasks.serving.record import RecordStore
from tasks.serving.served import Served
from tasks.statistics.estimate import Estimate
from tasks.watching.compare import check_limits, compare, worsening
from tasks.watching.tracing import is_traced
from tasks.watching.window import read_window

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def served(number, text="yes", outcome=Outcome.OK, row_id="", candidate="c1"):
    cause = "" if outcome is Outcome.OK else "the model refused"
    answer = Answer(f"r{number}", outcome, text, cause, usage=Usage(9, 3), latency=Latency(0.2), price=0.0, attempts=1)
    messages = (Message("user", "텐트가 방수인가요?"),)
    at = NOON + timedelta(seconds=number)
    return Served(f"r{number}", at, candidate, 1, row_id, messages, {}, answer, ())


@pytest.fixture
def window_of(shop, tmp_path):
    async def read(requests):
        with RecordStore(tmp_path / "served.db") as store, Journal(tmp_path / "journal.db") as journal:
            means = Means(shop.loaded, journal, "first", Spend(shop.loaded.app.budget))
            for each in requests:
                store.add(each)
            production = read_dataset(shop.loaded, "production")
            return await read_window(
                means, scorers_of(shop.loaded), store, "c1", NOON, NOON + timedelta(hours=1), production
            )

    return read


async def test_what_a_fallback_answered_and_calls_of_tools_are_not_the_candidate_s_answers(window_of):
    calls = (ToolCall("c1", "weather", "{}"),)
    calling = served(3, text="")
    window = await window_of(
        [
            served(1),
            replace(served(2), fallback="spare"),
            replace(calling, answer=replace(calling.answer, tool_calls=calls)),
        ]
    )
    assert list(window.rows["row_id"]) == ["r1"] and window.gone == 0


def limited(shop, *limits, min_requests=3):
    monitor = shop.loaded.app.monitor.model_copy(update={"limits": limits, "min_requests": min_requests})
    return shop.loaded.app.model_copy(update={"monitor": monitor})


class Released:
    """An evaluation, as far as a comparison reads it."""

    def __init__(self, **estimates):
        self.estimates = estimates

    def estimate(self, metric):
        return self.estimates.get(metric)


def estimate(value, low, high, metric="token_f1"):
    return Estimate(metric=metric, value=value, low=low, high=high, n=50, coverage=1, confidence=0.95, method="t")


async def test_error_rate_counts_failures_and_abstention_rate_only_answers(window_of):
    window = await window_of(
        [served(1), served(2, "I do not know."), served(3, "모르겠습니다"), served(4, "", Outcome.APP_ERROR)]
    )
    assert window.requests == 4
    assert window.estimate("error_rate").value == pytest.approx(1 / 4)
    abstained = window.estimate("abstention_rate")
    assert (abstained.value, abstained.n, abstained.coverage) == (pytest.approx(2 / 3), 3, pytest.approx(3 / 4))


async def test_a_client_that_went_away_is_in_no_rate(window_of):
    window = await window_of([served(1), served(2, "half an ans", Outcome.SKIPPED)])
    assert (window.requests, window.gone) == (1, 1)
    assert window.estimate("error_rate").value == 0


async def test_a_played_row_has_its_reference_and_a_users_request_none(window_of):
    window = await window_of([served(1, "yes", row_id="p1"), served(2, "no", row_id="p1"), served(3, "yes")])
    f1 = window.scores["token_f1"].set_axis(window.rows["row_id"])
    assert (f1["r1"], f1["r2"]) == (1.0, 0.0)
    assert f1.isna()["r3"]
    assert list(window.rows["cluster"]) == ["p1", "p1", "r3"]


async def test_only_the_candidates_own_requests_in_time(window_of):
    late = served(7200)
    assert (await window_of([served(1), served(2, candidate="c2"), late])).requests == 1


async def test_an_empty_window_is_not_judged(window_of, shop):
    comparison = compare(
        limited(shop, Limit(metric="error_rate", at_most=0.1)),
        metrics_of(scorers_of(shop.loaded)),
        await window_of([]),
        None,
    )
    assert not comparison.judged and comparison.broken == ()
    assert comparison.reason == "0 requests in the window; 3 are needed to judge it"


async def test_a_limit_is_broken_only_where_the_whole_interval_lies_beyond_it(window_of, shop):
    some = [served(n, outcome=Outcome.APP_ERROR if n < 2 else Outcome.OK) for n in range(10)]
    app = limited(shop, Limit(metric="error_rate", at_most=0.1))
    assert compare(app, metrics_of(scorers_of(shop.loaded)), await window_of(some), None).broken == ()
    most = [served(100 + n, outcome=Outcome.APP_ERROR) for n in range(20)]
    [finding] = compare(app, metrics_of(scorers_of(shop.loaded)), await window_of(most), None).broken
    assert finding.limit == "error_rate at most 0.1"
    assert finding.reason.startswith("error_rate 0.733 [")


async def test_a_drop_from_the_release_counts_in_the_metrics_own_direction(window_of, shop):
    window = await window_of([served(n, "no", row_id=f"p{n % 5}") for n in range(20)])
    released = Released(token_f1=estimate(0.9, 0.85, 0.95), latency_total=estimate(0.1, 0.05, 0.15, "latency_total"))
    app = limited(shop, Limit(metric="token_f1", drop_at_most=0.1), Limit(metric="latency_total", drop_at_most=1000.0))
    findings = compare(app, metrics_of(scorers_of(shop.loaded)), window, released).findings
    assert [finding.broken for finding in findings] == [True, False]
    assert "+0.900 worse than at the release" in findings[0].reason


async def test_a_drop_is_not_judged_without_the_release(window_of, shop):
    window = await window_of([served(n, "no", row_id="p1") for n in range(5)])
    [finding] = compare(
        limited(shop, Limit(metric="token_f1", drop_at_most=0.0)), metrics_of(scorers_of(shop.loaded)), window, None
    ).findings
    assert not finding.broken and "not measured at the release" in finding.reason


def test_worsening_combines_the_two_intervals_by_their_near_ends():
    was, now = estimate(0.8, 0.7, 0.9), estimate(0.5, 0.4, 0.6)
    assert worsening(was, now, "higher") == pytest.approx((0.3, 0.3 - (0.1**2 + 0.1**2) ** 0.5))
    assert worsening(was, now, "lower") == pytest.approx((-0.3, -0.3 - (0.1**2 + 0.1**2) ** 0.5))
    assert worsening(was, estimate(None, None, None), "higher") is None


def test_a_limit_on_an_unknown_metric_names_those_there_are(shop):
    with pytest.raises(ConfigurationError, match=r"unknown metric 'joy'; known are token_f1, profanity, .*error_rate"):
        check_limits(limited(shop, Limit(metric="joy", at_least=1)), metrics_of(scorers_of(shop.loaded)))


def test_flagged_requests_are_always_traced_and_the_others_by_a_fixed_share():
    plain = [served(n) for n in range(1000)]
    chosen = [each for each in plain if is_traced(each, 0.2)]
    assert 150 < len(chosen) < 250
    assert chosen == [each for each in plain if is_traced(each, 0.2)]
    assert all(is_traced(each, 0.5) for each in chosen), "a larger share adds to a smaller one"
    assert all(is_traced(replace(each, flags=("error",)), 0.0) for each in plain)
    assert not any(is_traced(each, 0.0) for each in plain) and all(is_traced(each, 1.0) for each in plain)
