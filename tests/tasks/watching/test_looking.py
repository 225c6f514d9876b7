"""Each request is scored once and enters once, whatever windows overlap, however late it comes, whatever its clock."""

from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from configs.errors import ConfigurationError
from configs.schema.app import ErrorBudget, Sample
from infra.simulator.behaviour import Behaviour, Fault
from infra.simulator.running import simulated
from tasks.calling.answer import Answer, Latency, Outcome, Usage
from tasks.calling.spend import Spend
from tasks.data.row import Message
from tasks.journal.journal import Journal
from tasks.scoring.asked import Means
from tasks.scoring.catalogue import metrics_of
from tasks.scoring.score import Metric
from tasks.scoring.scorer import Rating, Scorer
from tasks.serving.record import RecordStore
from tasks.serving.served import Served
from tasks.serving.votes import Vote
from tasks.watching.budgets import check_budgets
from tasks.watching.looking import look
from tasks.watching.scored import RATES, open_scoring
from tasks.watching.window import read_window

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
OLD = ("where is my parcel {}", "my parcel {} is late", "the tent {} leaks", "is the tent {} waterproof")
NEW = ("invoice {} was charged twice, write to jo@example.com", "please refund invoice {} to my card")


def request(number, question="Is it waterproof?", text="yes", outcome=Outcome.OK, at=None, latency=0.2):
    cause = "" if outcome is Outcome.OK else "the model refused"
    answer = Answer(
        f"r{number:05d}", outcome, text, cause, usage=Usage(9, 3), latency=Latency(latency), price=0.0, attempts=1
    )
    came = at or NOON + timedelta(seconds=number)
    return Served(answer.row_id, came, "c1", 1, "", (Message("user", question),), {}, answer, ())


class Watched:
    """An app's requests, and who looks at them."""

    def __init__(self, store, means):
        self.store, self.means, self.asked = store, means, []
        metric = Metric("length", "quality", "higher", "1", "Counts what it is asked.", binary=True)
        self.scorers = (Scorer(metric, frozenset(), self._rate, {}),)

    def _rate(self, row, answer):
        self.asked.append(row.id)
        return Rating(float(len(answer.text) > 2))

    def serve(self, *requests):
        self.store.add_all(requests)

    def settle(self, **changes):
        app = self.means.loaded.app
        monitor = app.monitor.model_copy(update=changes)
        self.means = replace(
            self.means, loaded=replace(self.means.loaded, app=app.model_copy(update={"monitor": monitor}))
        )

    def without_embeddings(self):
        app = self.means.loaded.app.model_copy(update={"retrieval": None})
        self.means = replace(self.means, loaded=replace(self.means.loaded, app=app))

    @contextmanager
    def scoring(self):
        with open_scoring(self.means, self.scorers, self.store, "c1", None) as scoring:
            yield scoring

    async def look(self, now=NOON + timedelta(hours=1)):
        with self.scoring() as scoring:
            return await look(scoring, "c1", now)

    async def window(self, since=NOON, until=NOON + timedelta(hours=1)):
        return await read_window(self.means, self.scorers, self.store, "c1", since, until)


@pytest.fixture
def watched(shop, tmp_path):
    with RecordStore(tmp_path / "served.db") as store, Journal(tmp_path / "journal.db") as journal:
        budget = shop.loaded.app.budget.model_copy(update={"unpriced": ("vectors",)})
        loaded = replace(shop.loaded, app=shop.loaded.app.model_copy(update={"budget": budget}))
        made = Watched(store, Means(loaded, journal, "first", Spend(budget)))
        drift = made.means.loaded.app.monitor.drift.model_copy(update={"requests": 50})
        made.settle(drift=drift)
        yield made


async def test_windows_that_overlap_score_nothing_twice(watched):
    watched.serve(*(request(n) for n in range(40)))
    first = await watched.window(until=NOON + timedelta(seconds=30))
    second = await watched.window(since=NOON + timedelta(seconds=10))
    again = await watched.window()
    await watched.look()
    assert (first.scored, second.scored, again.scored) == (30, 10, 0)
    assert sorted(watched.asked) == [f"r{n:05d}" for n in range(40)]
    assert again.estimate("length").n == 40


async def test_a_late_request_is_taken_up_by_the_next_look(watched):
    watched.serve(*(request(n) for n in range(10, 20)))
    assert (await watched.look()).entered == 10
    watched.serve(request(1), request(2))
    assert (await watched.look()).entered == 2
    assert (await watched.look()).entered == 0
    assert (await watched.window()).estimate("length").n == 12


async def test_what_a_scorer_failed_on_is_tried_again(watched):
    watched.serve(request(1), request(2))
    working, watched.scorers = watched.scorers, (replace(watched.scorers[0], rate=lambda row, answer: 1 / 0),)
    failed = await watched.window()
    assert (failed.estimate("length").n, failed.estimate("length").coverage) == (0, 0)
    assert failed.rows["scorer_failed"].all()
    watched.scorers = working
    assert (await watched.window()).estimate("length").n == 2


async def test_another_version_of_a_scorer_scores_anew(watched):
    watched.serve(request(1))
    await watched.window()
    [scorer] = watched.scorers
    watched.scorers = (replace(scorer, metric=scorer.metric._replace(version="2")),)
    assert (await watched.window()).scored == 1
    assert watched.asked == ["r00001", "r00001"]


async def test_clocks_that_are_wrong_lose_nothing(watched):
    watched.serve(request(1, at=NOON + timedelta(days=400)), request(2, at=NOON - timedelta(days=400)), request(3))
    window = await watched.window()
    assert (window.requests, window.later) == (1, 1)
    assert (await watched.look()).entered == 3
    watched.serve(request(4, at=NOON - timedelta(days=401)))
    assert (await watched.look()).entered == 1


async def test_an_empty_window_and_one_request_are_no_finding(watched):
    empty = await watched.look()
    assert empty[:2] == (0, ()) and empty.budgets == ()
    watched.serve(request(1, outcome=Outcome.SKIPPED, text=""))
    assert (await watched.window()).requests == 0
    watched.serve(request(2))
    looked = await watched.look()
    assert (looked.entered, looked.signals) == (1, ())


async def test_more_errors_are_a_change_with_its_beginning(watched):
    rng = np.random.default_rng(1)
    outcomes = [Outcome.APP_ERROR if rng.random() < (0.01 if n < 600 else 0.3) else Outcome.OK for n in range(800)]
    watched.serve(*(request(n, outcome=each, text="yes!" * (each is Outcome.OK)) for n, each in enumerate(outcomes)))
    signals = (await watched.look()).signals
    [changed] = [each for each in signals if each.key == "change/error_rate"]
    assert "12:10" in changed.words or "12:09" in changed.words
    assert (await watched.look()).signals == signals, "still there, and found once"
    assert (await watched.look(NOON + timedelta(days=3))).signals == (), "longer ago than a window"


async def test_votes_come_later_and_count_by_who_voted(watched):
    watched.serve(*(request(n) for n in range(10)))
    await watched.look()
    for n in range(4):
        assert watched.store.votes.add(Vote(f"r{n:05d}", good=n > 0, comment="", at=NOON))
    down = (await watched.window()).estimate("vote_down_rate")
    assert (down.value, down.n, down.coverage) == (pytest.approx(1 / 4), 4, pytest.approx(0.4))
    await watched.look()
    with watched.scoring() as scoring:
        assert scoring.reader.votes_after("c1", 3, 10)[0].request == "r00003"


async def test_other_questions_are_drift_with_examples_without_personal_data(watched):
    watched.without_embeddings()
    rng = np.random.default_rng(2)

    def asked(n, new):
        return request(n, str(rng.choice(NEW if rng.random() < new else OLD)).format(rng.integers(90)))

    watched.serve(*(asked(n, 0.0) for n in range(250)))
    quiet = await watched.look()
    assert [each.kind for each in quiet.signals] == []
    assert quiet.drifted[0].told.startswith("questions: 4 comparisons by their words")
    watched.serve(*(asked(n, 0.7) for n in range(250, 450)))
    signals = {each.key: each for each in (await watched.look()).signals}
    assert "drift/questions" in signals and "drift/answers" not in signals
    examples = " ".join(signals["drift/questions"].examples)
    assert "invoice" in examples and "jo@example.com" not in examples


async def test_half_a_secret_is_no_example(watched):
    watched.without_embeddings()
    key = f"{'my refund is late ' * 10}AKIAIOSFODNN7EXAMPLE"
    watched.serve(*(request(n, OLD[n % 4].format(n)) for n in range(150)))
    watched.serve(*(request(n, key) for n in range(150, 300)))
    found = [each for each in (await watched.look()).signals if each.key == "drift/questions"]
    assert found and not any("AKIA" in example for example in found[0].examples)


async def test_embeddings_are_asked_for_once_and_what_cannot_be_had_is_said(watched):
    watched.serve(*(request(n, OLD[n % 4].format(n)) for n in range(120)))
    app = watched.means.loaded.app
    poor = replace(watched.means, spend=Spend(app.budget.model_copy(update={"calls": 1})))
    rich, watched.means = watched.means, poor
    looked = await watched.look()
    assert "not measured since" in looked.drifted[0].told
    watched.means = rich
    looked = await watched.look()
    assert [len(each.ranks) for each in looked.drifted] == [1, 1]
    calls = watched.means.spend.made
    await watched.look()
    assert watched.means.spend.made == calls


async def test_a_text_that_the_model_does_not_take_holds_no_other_up(watched):
    models = watched.means.loaded.models
    with simulated(Behaviour(faults=(Fault(kind="too_long", contains="endless"),))) as address:
        choosy = {**models, "vectors": models["vectors"].model_copy(update={"base_url": address})}
        watched.means = replace(watched.means, loaded=replace(watched.means.loaded, models=choosy))
        watched.serve(*(request(n, "endless" if n == 70 else OLD[n % 4].format(n)) for n in range(120)))
        looked = await watched.look()
    assert [(each.what, len(each.ranks), each.waiting, each.note) for each in looked.drifted] == [
        ("questions", 1, 19, ""),
        ("answers", 1, 20, ""),
    ]


async def test_only_the_sample_is_asked_about(watched):
    watched.settle(sample=Sample(share=0.3))
    watched.serve(*(request(n) for n in range(400)))
    with watched.scoring() as scoring:
        sampled = [n for n in range(400) if scoring.in_sample(f"r{n:05d}")]
    assert 80 < len(sampled) < 160
    looked = await watched.look()
    assert looked.drifted[0].waiting == len(sampled) % 50


async def test_a_budget_that_is_spent_and_burns_is_critical(watched):
    watched.settle(budgets=(ErrorBudget(metric="error_rate", at_most=0.05), ErrorBudget(metric="length", at_most=0.1)))
    with pytest.raises(ConfigurationError, match=r"monitor.budgets`: found 'length'; allowed is .* error_rate"):
        check_budgets(watched.means.loaded.app, metrics_of(watched.scorers) | RATES)
    watched.settle(
        budgets=(ErrorBudget(metric="error_rate", at_most=0.02), ErrorBudget(metric="abstention_rate", at_most=0.5))
    )
    fine = [request(n) for n in range(300)]
    bad = [request(n, outcome=Outcome.APP_ERROR, text="") for n in range(3000, 3500)]
    watched.serve(*fine, *bad)
    looked = await watched.look()
    errors, abstentions = looked.budgets
    assert errors.n == 800 and errors.share == pytest.approx(500 / 800 / 0.02)
    assert (abstentions.n, abstentions.share) == (300, 0)
    found = {each.key: each.severity for each in looked.signals if each.kind == "budget"}
    assert found == {"budget/error_rate/28 d": "critical", "burn/error_rate/28 d": "critical"}


async def test_two_budgets_of_a_metric_are_two_things(watched):
    watched.settle(budgets=tuple(ErrorBudget(metric="error_rate", at_most=0.02, over_days=days) for days in (7, 28)))
    watched.serve(*(request(n, outcome=Outcome.APP_ERROR, text="") for n in range(3300, 3500)))
    keys = [each.key for each in (await watched.look()).signals if each.kind == "budget"]
    assert len(keys) == len(set(keys)) == 4


async def test_what_could_not_be_measured_is_said(watched):
    watched.settle(budgets=(ErrorBudget(metric="error_rate", at_most=0.02, over_days=1),))
    texts = ("drift/questions", "topic/questions", "drift/answers", "topic/answers")
    spent, burnt = "budget/error_rate/1 d", "burn/error_rate/1 d"

    async def told(second):
        looked = await watched.look(NOON + timedelta(seconds=second))
        return burnt in {each.key for each in looked.signals}, burnt in {each.key for each in looked.unmeasured}

    unmeasured = [each for each in (await watched.look()).unmeasured if each.kind != "change"]
    assert [each.key for each in unmeasured] == [*texts, spent, burnt]
    watched.serve(*(request(n, outcome=Outcome.APP_ERROR, text="") for n in range(1800, 2000)))
    assert await told(2000) == (True, False)
    assert await told(3900) == (False, True), "nobody has asked since"
    watched.serve(*(request(n) for n in range(3800, 3900)))
    assert await told(3900) == (False, False)


async def test_texts_that_were_compared_within_a_window_are_measured(watched):
    watched.without_embeddings()
    watched.serve(*(request(n, OLD[n % 4].format(n)) for n in range(120)))
    assert {each.kind for each in (await watched.look()).unmeasured} == {"change"}
    later = await watched.look(NOON + timedelta(days=2))
    assert {each.kind for each in later.unmeasured} == {"change", "drift", "topic"}


async def test_a_metric_without_a_value_for_a_window_is_not_measured(watched):
    watched.serve(*(request(n) for n in range(10)))

    async def unmeasured(now):
        return {each.key for each in (await watched.look(now)).unmeasured if each.kind == "change"}

    assert "change/vote_down_rate" in await unmeasured(NOON + timedelta(hours=1))
    assert "change/error_rate" not in await unmeasured(NOON + timedelta(hours=20))
    assert "change/error_rate" in await unmeasured(NOON + timedelta(days=2))
    watched.serve(request(11))
    assert "change/error_rate" not in await unmeasured(NOON + timedelta(days=2, hours=1))


async def test_a_burn_that_has_stopped_is_none(watched):
    watched.settle(budgets=(ErrorBudget(metric="error_rate", at_most=0.02, over_days=366),))
    bad = [request(n, outcome=Outcome.APP_ERROR, text="") for n in range(100)]
    watched.serve(*bad, *(request(n) for n in range(3300, 3500)))
    [budget] = (await watched.look()).budgets
    hour = budget.burns[0]
    assert hour.low > 1 and hour.short == 0 and not hour.too_fast
