"""What stands comes first, what was over long ago is left out, and an outbox that cannot be read is said."""

from datetime import UTC, datetime, timedelta

import pytest

from configs.settings import settings
from tasks.alerting.channel import PREFECT, Channel
from tasks.alerting.found import Found
from tasks.alerting.outbox import open_outbox, outbox_file
from tasks.alerting.tried import Tried
from tasks.pages.operations.alerts import raised_since

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
HOOK = Channel("webhook", "SHOP_HOOK")


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("LIFECYCLE_HOME", str(tmp_path / "home"))
    settings.cache_clear()
    yield
    settings.cache_clear()


@pytest.fixture
def look():
    """A look so many hours after noon that finds these keys wrong, and no other."""

    def look(hours, *keys, app="shop"):
        found = [Found(key, "error", f"{key} does not hold", "0.7 [0.5, 0.8]") for key in keys]
        with open_outbox(app) as outbox:
            outbox.look("monitor", found, (PREFECT, HOOK), NOON + timedelta(hours=hours))

    return look


def titles(since=NOON):
    return [alert.title.partition(" ")[0] for alert in raised_since("shop", since).alerts]


def test_those_that_stand_come_first_then_those_that_are_over_the_newest_first(look):
    look(0, "old")
    look(1, "old", "stands")
    look(2, "stands", "new")
    look(3, "stands")
    assert titles() == ["stands", "new", "old"]
    stands, new, _ = raised_since("shop", NOON).alerts
    assert (stands.began, stands.recovered) == (NOON + timedelta(hours=1), None)
    assert (new.began, new.recovered) == (NOON + timedelta(hours=2), NOON + timedelta(hours=3))


def test_what_was_over_before_is_left_out_and_what_stands_is_not(look):
    look(0, "over", "stands")
    look(1, "stands")
    assert titles(NOON + timedelta(hours=1)) == ["stands", "over"]
    assert titles(NOON + timedelta(hours=2)) == ["stands"]


def test_each_channel_is_as_far_as_its_last_message(look):
    look(0, "f1")
    with open_outbox("shop") as outbox:
        for waiting in outbox.waiting():
            outbox.note(waiting, Tried("delivered"), NOON)
    assert raised_since("shop", NOON).alerts[0].told == (("prefect", "delivered"), ("webhook SHOP_HOOK", "delivered"))
    look(1)
    with open_outbox("shop") as outbox:
        outbox.note(outbox.head("prefect"), Tried("delivered"), NOON)
    assert raised_since("shop", NOON).alerts[0].told == (("prefect", "delivered"), ("webhook SHOP_HOOK", "waiting"))


def test_another_apps_alerts_are_its_own(look):
    look(0, "f1", app="outfitter")
    assert raised_since("shop", NOON) == ((), "")


def test_reading_of_an_app_that_never_told_anything_makes_no_outbox():
    assert raised_since("shop", NOON) == ((), "")
    assert not outbox_file("shop").exists()


def test_an_outbox_that_cannot_be_read_is_said_in_a_line(look):
    look(0, "f1")
    with open_outbox("shop") as outbox, outbox._file.commit() as file:
        file.execute("UPDATE alerts SET alert = '{}'")
    alerts, problem = raised_since("shop", NOON)
    assert (alerts, problem) == (
        (),
        f"{outbox_file('shop')}: holds what this version cannot read; use the version that wrote it",
    )
    for file in outbox_file("shop").parent.glob("shop.db*"):
        file.unlink()
    outbox_file("shop").write_bytes(b"no database" * 100)
    assert "shop.db: cannot be opened: file is not a database" in raised_since("shop", NOON).problem
