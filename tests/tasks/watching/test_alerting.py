"""A broken limit is news once for a champion; what could not be measured is neither news nor the end of it."""

from datetime import UTC, datetime, timedelta

import pytest

from configs.settings import settings
from tasks.alerting.found import Found
from tasks.alerting.raising import raise_alerts
from tasks.calling.answer import Answer, Latency, Outcome, Usage
from tasks.data.row import Message
from tasks.orchestrating.events import LIMIT_BROKEN
from tasks.scoring.score import Metric
from tasks.serving.record import RecordStore
from tasks.serving.served import Served
from tasks.watching.alerting import found_in, signalled, unjudged, unmeasured_keys
from tasks.watching.compare import Comparison, Finding
from tasks.watching.examples import examples_of
from tasks.watching.signals import Signal, Unmeasured
from tasks.watching.window import Window

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@pytest.fixture
def app(tmp_path, monkeypatch, receiver, make_app):
    monkeypatch.setenv("LIFECYCLE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("LIFECYCLE_PREFECT_URL", f"{receiver.address}/api")
    settings.cache_clear()
    yield make_app("http://127.0.0.1:9").app
    settings.cache_clear()


@pytest.fixture
def look(app, receiver):
    """Looks at limits, each broken (True), held (False) or not measured (None); returns the events that were sent."""

    async def run(candidate="c1", **limits):
        findings = [
            Finding(f"{name} at most 0.1", name, bool(broken), "why", None, measured=broken is not None)
            for name, broken in limits.items()
        ]
        comparison = Comparison(True, "20 requests in the window", tuple(findings))
        before = len(receiver.got)
        found = found_in(comparison, candidate, lambda _: (), "http://mlflow/run")
        await raise_alerts(app, "monitor", found, unknown=unjudged(comparison, candidate))
        return [event["event"] for each in receiver.got[before:] for event in each.json]

    return run


OPENED, RECOVERED = "lifecycle.alert.opened", "lifecycle.alert.recovered"


async def test_the_same_broken_limits_are_news_once_and_start_work_once(look):
    assert await look(a=True, b=True) == [OPENED, OPENED, LIMIT_BROKEN]
    assert await look(a=True, b=True) == []


async def test_what_watching_finds_is_told_once_until_it_has_gone(app, receiver):
    drifted = Signal("drift/questions", "drift", "others ask", examples=("refund invoice 3, I am jo@example.com",))
    changed = Signal("change/price", "change", "dearer", "critical")

    async def tell(*signals):
        before = len(receiver.got)
        await raise_alerts(app, "watch", signalled(signals, "c1", "200 requests in the window", "http://mlflow/run"))
        return [event for each in receiver.got[before:] for event in each.json]

    opened, work = await tell(drifted)
    assert (opened["event"], work["event"]) == (OPENED, "lifecycle.monitor.drifted")
    assert opened["payload"]["examples"] == ["refund invoice 3, I am <EMAIL_ADDRESS>"]
    opened, work = await tell(drifted, changed)
    assert (opened["payload"]["severity"], work["event"]) == ("error", "lifecycle.monitor.metric-changed")
    assert await tell(drifted, changed) == []
    assert [event["event"] for event in await tell()] == [RECOVERED, RECOVERED]


async def test_what_was_not_measured_stays_and_a_budget_is_the_app_s_whoever_answers(app, receiver):
    drifted, burnt = Signal("drift/questions", "drift", "others"), Signal("burn/error_rate/28 d", "budget", "burns")

    async def tell(candidate, *signals, unmeasured=()):
        before = len(receiver.got)
        unknown = unmeasured_keys(unmeasured, candidate)
        await raise_alerts(app, "watch", signalled(signals, candidate, "200 requests", "http://run"), unknown=unknown)
        return [event["event"] for each in receiver.got[before:] for event in each.json if "alert" in event["event"]]

    assert await tell("c1", drifted, burnt) == [OPENED, OPENED]
    unmeasured = [Unmeasured(each.key, each.kind) for each in (drifted, burnt)]
    assert await tell("c1", unmeasured=unmeasured) == []
    assert await tell("c2", burnt) == [RECOVERED], "the drift was the other champion's"
    assert await tell("c3", unmeasured=unmeasured) == []
    assert await tell("c3") == [RECOVERED]


async def test_another_limit_or_another_champion_is_news(look):
    await look(a=True, b=False)
    assert await look(a=True, b=True) == [OPENED, LIMIT_BROKEN]
    assert await look("c2", a=True, b=True) == [OPENED, OPENED, RECOVERED, RECOVERED, LIMIT_BROKEN]


async def test_a_limit_that_held_in_between_is_news_again(look):
    await look(a=True)
    assert await look(a=False) == [RECOVERED]
    assert await look(a=True) == [OPENED, LIMIT_BROKEN]


async def test_a_limit_of_which_nothing_is_known_has_not_recovered(look):
    await look(a=True)
    assert await look(a=None) == []
    assert await look(a=True) == []


def test_no_half_of_an_address_is_an_example(tmp_path):
    import pandas as pd

    question = f"{'Is it dry? ' * 7}please, write to john.smith.1970@example-mail.com"
    assert question[:120].endswith("@example-ma")
    window = Window(
        candidate="c1",
        since=NOON,
        until=NOON + timedelta(hours=1),
        rows=pd.DataFrame({"row_id": ["r1"]}),
        scores=pd.DataFrame({"token_f1": [0.0]}),
        estimates=(),
        gone=0,
    )
    with RecordStore(tmp_path / "served.db") as store:
        answer = Answer("r1", Outcome.OK, "yes", usage=Usage(9, 3), latency=Latency(0.2), price=0.0, attempts=1)
        store.add(Served("r1", NOON, "c1", 1, "", (Message("user", question),), {}, answer, ()))
        examples = examples_of(window, store, Metric("token_f1", "quality", "higher", "1", "closeness"))
    [shown] = Found("k", "error", "title", "reason", examples).presentable().examples
    assert "john" not in shown and "<EMAIL_ADDRESS>" in shown


def test_the_worst_requests_are_its_examples(tmp_path):
    import pandas as pd

    texts = {"r0": "fine", "r1": "bad", "r2": "worse", "r3": "worst", "r4": "not measured"}
    window = Window(
        candidate="c1",
        since=NOON,
        until=NOON + timedelta(hours=1),
        rows=pd.DataFrame({"row_id": list(texts), "latency_total": [0.1, 0.2, 0.3, 0.4, 0.5]}),
        scores=pd.DataFrame({"token_f1": [1.0, 0.4, 0.2, 0.0, float("nan")]}),
        estimates=(),
        gone=0,
    )
    with RecordStore(tmp_path / "served.db") as store:
        for identity, text in texts.items():
            answer = Answer(identity, Outcome.OK, text, usage=Usage(9, 3), latency=Latency(0.2), price=0.0, attempts=1)
            store.add(Served(identity, NOON, "c1", 1, "", (Message("user", "방수인가요?"),), {}, answer, ()))
        worst = examples_of(window, store, Metric("token_f1", "quality", "higher", "1", "closeness"))
        slow = examples_of(window, store, Metric("latency_total", "latency", "lower", "s", "seconds"))
        none = examples_of(window, store, Metric("price", "cost", "lower", "$", "price"))
    assert worst == ("방수인가요? → worst", "방수인가요? → worse", "방수인가요? → bad")
    assert [each.rpartition(" → ")[2] for each in slow] == ["not measured", "worst", "worse"]
    assert none == ()
