"""`lifecycle alerts` lists what is wrong, and tries the channels."""

import asyncio
import json
from pathlib import Path

import pytest

from configs.loading import load_app
from configs.settings import settings
from infra.stack.doctor import examine
from tasks.alerting.found import Found
from tasks.alerting.raising import raise_alerts


@pytest.fixture
def app(shop, setting, receiver):
    """The shop with a webhook and Slack; returns its folder."""
    file = Path(shop.path) / "app.yaml"
    channels = "alerts: [{kind: webhook, url_env: SHOP_HOOK}, {kind: slack, url_env: SHOP_SLACK}]\n"
    file.write_text(file.read_text() + channels)
    setting("LIFECYCLE_PREFECT_URL", f"{receiver.address}/api")
    setting("SHOP_HOOK", f"{receiver.address}/hook")
    setting("SHOP_SLACK", f"{receiver.address}/slack/a-token")
    return shop.path


def raised(folder, *keys):
    found = [Found(key, "error", f"{key} does not hold", "0.7 [0.5, 0.8]") for key in keys]
    asyncio.run(raise_alerts(load_app(folder).app, "monitor", found))


def test_nothing_was_ever_wrong(fresh_settings, lifecycle):
    ended = lifecycle("alerts")
    assert (ended.exit_code, ended.stdout) == (0, "")
    assert json.loads(lifecycle("alerts", "--json").stdout) == {"apps": []}


def test_alerts_and_their_deliveries_are_listed(app, lifecycle, receiver):
    receiver.answer("/slack/a-token", 410, text="channel_is_archived")
    raised(app, "a", "b")
    raised(app, "b")
    ended = lifecycle("alerts", "--app", app)
    assert "a does not" in ended.stdout and "recovered" in ended.stdout
    assert "2 messages wait for slack SHOP_SLACK" in ended.stderr
    assert "SHOP_SLACK: answered 410 (channel_is_archived)" in ended.stderr
    [listed] = json.loads(lifecycle("alerts", "--json").stdout)["apps"]
    b, a = listed["alerts"]
    assert (listed["app"], b["key"], b["recovered"], b["times"], a["key"]) == ("shop", "b", None, 2, "a")
    states = {each["channel"]: each["state"] for each in b["deliveries"]}
    assert states == {"prefect": "delivered", "webhook SHOP_HOOK": "delivered", "slack SHOP_SLACK": "waiting"}
    assert "a-token" not in ended.output


def test_a_test_says_what_each_channel_answered(app, lifecycle, receiver, setting):
    ended = lifecycle("alerts", "test", "--app", app)
    assert (ended.exit_code, ended.stdout.splitlines()) == (
        0,
        ["prefect: delivered", "webhook SHOP_HOOK: delivered", "slack SHOP_SLACK: delivered"],
    )
    [got] = receiver.at("/slack/a-token")
    assert got.json["text"] == "shop: a test; alerts of this app arrive here"
    assert receiver.at("/hook")[0].json["test"] is True
    assert [each["event"] for each in receiver.at("/api/events")[0].json] == ["lifecycle.alert.test"]
    receiver.answer("/hook", 404)
    ended = lifecycle("alerts", "test", "--app", app)
    assert ended.exit_code == 1
    assert "webhook SHOP_HOOK: SHOP_HOOK: answered 404" in ended.stdout
    assert json.loads(lifecycle("alerts", "--json").stdout) == {"apps": []}, "a test is no alert"


def test_status_and_doctor_say_which_channel_is_behind(app, lifecycle, receiver, setting, monkeypatch):
    setting("LIFECYCLE_APP", app)
    receiver.answer("/hook", 401)
    raised(app, "a")
    line = "shop: 1 message waits for webhook SHOP_HOOK since"
    assert f"alerts of {line}" in lifecycle("status").stderr
    [fault] = [each for each in examine() if each.check == "alerts"]
    assert not fault.passed and fault.message.startswith(line)
    assert "answered 401" in fault.message and receiver.address not in fault.message
    monkeypatch.delenv("SHOP_SLACK")
    settings.cache_clear()
    faults = [each.message for each in examine() if each.check == "alerts"]
    assert "SHOP_SLACK is not set, but app shop names it; set it in .env" in faults
