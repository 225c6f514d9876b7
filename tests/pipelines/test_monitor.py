"""What monitoring finds is told though MLflow is away, and a look at something else than usual ends no alert."""

import asyncio
import importlib.util
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest

import pipelines.monitor
from configs.errors import StackError
from configs.settings import settings
from tasks.alerting.outbox import open_outbox, outbox_file
from tasks.alerting.outbox_file import OutboxError
from tasks.calling.answer import Answer, Latency, Outcome, Usage
from tasks.data.row import Message
from tasks.pages.operations.draw import operations_file
from tasks.serving.record import record_store
from tasks.serving.served import Served
from tasks.watching.windows import kept_windows

_serving = Path(__file__).parents[1] / "tasks" / "serving" / "conftest.py"
_spec = importlib.util.spec_from_file_location("monitored_shop", _serving)
_module = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_module)

upstream, make_shop, shop = _module.upstream, _module.make_shop, _module.shop


class Monitoring:
    """A shop whose champion fails often, and who looks at it; `away` makes MLflow unreachable."""

    def __init__(self, shop, candidate):
        self.shop, self.candidate, self.away, self.published, self.pages = shop, candidate, False, [], []

    def serve(self, count, outcome=Outcome.OK, minutes_ago=600):
        at = datetime.now(UTC) - timedelta(minutes=minutes_ago)
        with record_store(self.shop.name) as store:
            start = store.newest()
            for name in (f"r{number:04d}" for number in range(start, start + count)):
                answer = Answer(name, outcome, "yes", usage=Usage(9, 3), latency=Latency(0.2), price=0.0, attempts=1)
                store.add(Served(name, at, self.candidate.digest, 1, "", (Message("user", "Dry?"),), {}, answer, ()))

    def look(self, **parameters):
        return asyncio.run(pipelines.monitor.monitor.fn(app=str(self.shop.loaded.folder), **parameters))

    @property
    def alerts(self):
        """Whether each alert about a limit is over, by limit."""
        with open_outbox(self.shop.name) as outbox:
            of_limits = [each for each in outbox.alerts(100) if each.source == "monitor"]
        return [(each.key.partition(" ")[0], each.recovered is not None, each.link) for each in of_limits]

    def reach(self, answer):
        if self.away:
            raise StackError("MLflow does not answer")
        return answer


@pytest.fixture
def monitoring(shop, receiver, monkeypatch):
    monkeypatch.setenv("LIFECYCLE_PREFECT_URL", f"{receiver.address}/api")
    settings.cache_clear()
    candidate, _ = shop.candidate("first")
    made = Monitoring(shop, candidate)

    async def publish(key, *_):
        made.published.append(key)

    async def run(name, work):
        return await work()

    async def nothing(_):
        pass

    replaced = {
        "chosen": lambda *_: candidate,
        "name_candidate": nothing,
        "step": run,
        "trace_served": lambda *_: made.reach(0),
        "record_window": lambda *_: made.reach(SimpleNamespace(url="http://mlflow/run")),
        "record_operations": lambda _, page: made.reach(made.pages.append(page)),
        **dict.fromkeys(("table", "markdown", "link"), publish),
    }
    for name, by in replaced.items():
        monkeypatch.setattr(pipelines.monitor, name, by)
    return made


def test_what_is_found_is_told_though_mlflow_is_away(monitoring):
    monitoring.serve(20, Outcome.APP_ERROR)
    monitoring.away = True
    with pytest.raises(StackError, match="MLflow does not answer"):
        monitoring.look()
    assert monitoring.alerts == [("error_rate", False, "")]
    assert len(kept_windows(monitoring.shop.store.folder, datetime(2020, 1, 1, tzinfo=UTC))) == 1
    assert "shop-monitor" in monitoring.published and "shop-monitor-mlflow" not in monitoring.published
    monitoring.away = False
    monitoring.look()
    assert monitoring.alerts == [("error_rate", False, "http://mlflow/run")]


@pytest.mark.parametrize(
    "otherwise", [{"window_minutes": 60}, {"changes": ["monitor.limits=[]"]}], ids=["a short window", "no limits"]
)
def test_a_look_at_something_else_than_usual_ends_no_alert(monitoring, otherwise):
    monitoring.serve(20, Outcome.APP_ERROR)
    monitoring.serve(5, minutes_ago=10)
    monitoring.look()
    monitoring.look(**otherwise)
    assert [over for _, over, _ in monitoring.alerts] == [False]


def test_the_usual_look_that_finds_it_no_more_ends_it(monitoring):
    monitoring.serve(20, Outcome.APP_ERROR)
    monitoring.look()
    monitoring.serve(2000)
    monitoring.look(window_minutes=monitoring.shop.loaded.app.monitor.window_minutes)
    assert [over for _, over, _ in monitoring.alerts] == [True]


def test_the_page_has_what_the_same_look_has_told(monitoring):
    monitoring.serve(20, Outcome.APP_ERROR)
    monitoring.look()
    [page] = monitoring.pages
    assert re.search(r'<span class="bad">error_rate .* does not hold', page)
    assert '<td class="number">stands</td>' in page and "prefect: delivered" in page
    assert operations_file(monitoring.shop.store.folder).read_text(encoding="utf-8") == page


def test_an_outbox_that_cannot_be_read_does_not_cost_the_page(monitoring):
    monitoring.serve(20, Outcome.APP_ERROR)
    outbox_file(monitoring.shop.name).parent.mkdir(parents=True, exist_ok=True)
    outbox_file(monitoring.shop.name).write_bytes(b"no database" * 100)
    with pytest.raises(OutboxError, match="cannot be opened"):
        monitoring.look()
    [page] = monitoring.pages
    assert "Not known: " in page and "<h2>The last window</h2>" in page
