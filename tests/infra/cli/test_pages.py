"""`lifecycle page operations`: from no window to a thousand, as one file that needs nothing else."""

import json
import re
from datetime import UTC, datetime, timedelta

import pytest

from configs.settings import settings
from tasks.alerting.channel import PREFECT, Channel
from tasks.alerting.found import Found
from tasks.alerting.outbox import open_outbox, outbox_file
from tasks.calling.answer import Answer, Latency, Outcome, Usage
from tasks.data.row import Message
from tasks.releasing.log import release_log
from tasks.serving.keys import KeyLimits, key_ring
from tasks.serving.record import record_store
from tasks.serving.served import Served
from tasks.serving.votes import Vote
from tasks.statistics.estimate import Estimate
from tasks.watching.windows import SeenWindow, keep_window

NOW = datetime.now(UTC)
HOSTILE = "<script>alert(1)</script>"
REASON = "0.7, n = 20"


@pytest.fixture
def drawn(shop, lifecycle, tmp_path):
    """Draws the shop's page and returns its text."""

    def draw(*arguments):
        file = tmp_path / "operations.html"
        done = lifecycle("page", "operations", "--app", shop.path, "--html", str(file), *arguments)
        assert done.exit_code == 0, done.output
        return file.read_text(encoding="utf-8")

    return draw


@pytest.fixture
def keep(shop):
    """Keeps a window of the polite candidate that ended so many hours ago."""

    def made(hours, value=0.6, candidate="polite", broken=(), released=None):
        metrics = {"exact": value, "token_f1": value, "error_rate": 0.01, "price": 0.002, "latency_per_token": 0.03}
        estimates = tuple(
            Estimate(
                metric=metric,
                value=each,
                low=each * 0.8,
                high=each * 1.2,
                n=240,
                coverage=1,
                confidence=0.95,
                method="t",
            )
            for metric, each in metrics.items()
        )
        until = NOW - timedelta(hours=hours)
        window = SeenWindow(
            candidate=shop.candidates[candidate].digest, since=until - timedelta(hours=1), until=until, requests=240,
            gone=2, judged=True, reason="240 requests in the window", broken=broken, released=released,
            estimates=estimates,
        )  # fmt: skip
        keep_window(settings().folder("results", "shop"), window)

    return made


@pytest.fixture
def alerted(shop):
    """A look so many hours ago that finds these limits broken, and no other; nobody delivers what it tells."""

    def look(hours, *limits, app="shop"):
        found = [Found(limit, "error", f"{limit} does not hold", REASON) for limit in limits]
        with open_outbox(app) as outbox:
            channels = (PREFECT, Channel("webhook", "SHOP_HOOK"))
            outbox.look("monitor", found, channels, NOW - timedelta(hours=hours))

    return look


def serve(number, hours, key="", outcome=Outcome.OK):
    answer = Answer(
        f"r{number}",
        outcome,
        "yes",
        usage=Usage(9, 3),
        latency=Latency(0.4),
        price=0.5 if outcome is Outcome.OK else None,
    )
    return Served(
        f"r{number}", NOW - timedelta(hours=hours), "c1", 1, "", (Message("user", "?"),), {}, answer, key=key
    )  # fmt: skip


def release(candidate, version, action="promote", kind="commit", why="better"):
    release_log("shop").append(
        kind,
        action=action,
        release=f"{version:016x}",
        candidate=candidate.digest,
        version=version,
        who="minji",
        why=why,
    )


def test_before_anything_was_served_it_says_what_to_do(drawn):
    page = drawn()
    assert "<h1>shop: no window has been scored yet; run `lifecycle run monitor --app shop`</h1>" in page
    assert "empty: nothing has been released" in page
    assert "nothing measured" in page


def test_one_window_is_whole_with_what_it_was_at_the_release(shop, drawn, keep):
    evaluation = shop.evaluate("polite", "full")
    release(shop.candidates["polite"], 1)
    keep(1, released=evaluation.id)
    page = drawn()
    assert "<h1>shop: within its limits; 240 requests in the window</h1>" in page
    assert "intact: 1 entry, the last is " in page
    assert "version 1, candidate " + shop.candidates["polite"].digest in page
    assert "last: 0.6 [0.48, 0.72] n=240" in page
    assert re.search(r"at the release: 0\.25 \[0\.\d+, 0\.\d+\] n=60", page)
    for dimension in ("Quality", "Cost", "Latency"):
        assert f"<h2>{dimension}</h2>" in page
    assert page.count("No window has measured it.") == 2, "harm and honesty have no scorer here"
    assert page.count("<circle") == 5


def test_a_thousand_windows_are_few_points_and_nothing_is_lost(shop, drawn, keep, lifecycle):
    for hours in range(1000):
        keep(hours, value=0.5 if hours > 500 else 0.7)
    page = drawn("--days", "60")
    assert "1,000 windows scored" in page
    assert 5 * 50 <= page.count("<circle") <= 5 * 60
    assert len(page) < 1_000_000
    assert "A point stands for several windows" in page
    told = json.loads(lifecycle("page", "operations", "--app", shop.path, "--days", "60", "--json").stdout)
    [exact] = [trend for trend in told["trends"] if trend["metric"] == "exact"]
    assert sum(point["windows"] for point in exact["points"]) == 1000
    assert sum(point["n"] for point in exact["points"]) == 240_000


def test_releases_and_rollbacks_are_marked_and_hostile_reasons_are_text(shop, drawn, keep):
    release(shop.candidates["plain"], 1)
    release(shop.candidates["polite"], 2, why=HOSTILE)
    release(shop.candidates["polite"], 2, kind="abort", why="smoke test failed")
    release(shop.candidates["plain"], 1, action="rollback")
    keep(0)
    page = drawn()
    assert "release of version 2" in page and "was undone" in page and "rollback to version 1" in page
    assert 'class="sign rollback"' in page and 'class="sign abort"' in page
    assert HOSTILE not in page and "&lt;script&gt;" in page
    assert "<script" not in page and "http-equiv" in page


def test_a_broken_limit_is_the_headline_with_since_when(drawn, keep):
    for hours in (3, 2, 1):
        keep(hours, broken=("exact at least 0.9",) if hours < 3 else ())
    page = drawn()
    assert "<h1>shop: 1 limit broken</h1>" in page
    since = f"{NOW - timedelta(hours=2):%Y-%m-%d %H:%M}"
    assert re.search(rf'exact at least 0\.9</td><td class="number">{since}</td>\s*<td class="number">2</td>', page)


def test_an_altered_release_log_is_the_headline(shop, drawn):
    release(shop.candidates["plain"], 1)
    path = release_log("shop").path
    path.write_bytes(path.read_bytes().replace(b"better", b"bitter"))
    page = drawn()
    assert "<h1>shop: the release log was altered</h1>" in page
    assert "entry 1 was altered" in page


def test_requests_votes_and_spend_are_counted_by_day_and_key(drawn):
    key_ring().add("minji", KeyLimits(price_per_day=5))
    [minji] = key_ring().all()
    with record_store("shop") as store:
        store.add_all([serve(number, 30, minji.id) for number in range(8)])
        store.add_all([serve(8, 1), serve(9, 1, outcome=Outcome.APP_ERROR), serve(10, 1, outcome=Outcome.SKIPPED)])
        store.votes.add(Vote("r0", True, "", NOW, minji.id))
        store.votes.add(Vote("r1", False, "", NOW, minji.id))
    page = drawn()
    assert "11 requests, " in page
    assert "$4.5 spent, " in page
    assert f"minji ({minji.id})" in page and "without a key" in page
    assert len(re.findall(r"last: 0\.5 \[0\.\d+, 0\.\d+\] n=2", page)) == 2, "one vote of two, one failure of two"


def test_alerts_are_listed_with_their_times_and_marked_where_they_began(drawn, keep, alerted):
    keep(5)
    alerted(4, "over")
    alerted(3, "stands")
    alerted(0, "another", app="outfitter")
    page = drawn()
    began, over = (f"{NOW - timedelta(hours=hours):%Y-%m-%d %H:%M}" for hours in (4, 3))
    times = r'</td><td>error</td>\s*<td class="number">{}</td>\s*<td class="number">{}</td>\s*<td>{}</td>'
    told = "prefect: waiting, webhook SHOP_HOOK: waiting"
    stands = rf'<span class="bad">stands does not hold</span>: {REASON}{times.format(over, "stands", told)}'
    past = rf"<span>over does not hold</span>: {REASON}{times.format(began, over, told)}"
    assert re.search(rf"{stands}.*{past}", page, re.DOTALL), "what stands comes first"
    assert page.count(f"<title>{began}: alert: over does not hold, by monitor: {REASON}</title>") == 9
    assert "another" not in page


def test_no_alert_is_a_line(drawn):
    assert "None stands, and none was over in this time." in drawn()


def test_hostile_alerts_are_text(drawn, keep, alerted):
    keep(5)
    alerted(1, HOSTILE)
    page = drawn()
    assert "&lt;script&gt;alert(1)&lt;/script&gt; does not hold" in page
    assert "<script" not in page


def test_many_alerts_are_cut_and_counted(drawn, alerted):
    alerted(1, *(f"limit-{at}" for at in range(60)))
    page = drawn()
    assert page.count('<td class="number">stands</td>') == 50
    assert "and 10 more" in page


def test_an_outbox_that_cannot_be_read_is_a_line_of_the_page(drawn, keep):
    keep(1)
    file = outbox_file("shop")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(b"no database" * 100)
    page = drawn()
    assert f"Not known: {file}: cannot be opened: file is not a database" in page
    assert "last: 0.6 [0.48, 0.72] n=240" in page


def test_without_a_path_it_is_beside_the_results_and_says_where(shop, lifecycle):
    done = lifecycle("page", "operations", "--app", shop.path)
    assert done.exit_code == 0, done.output
    file = settings().folder("results", "shop") / "operations.html"
    assert str(file) in done.output.replace("\n", "")
    assert file.read_text(encoding="utf-8").startswith("<!doctype html>")
