"""What is wrong with the endpoint itself is an alert, once it lasts, and is over once that lasts."""

import json
import threading

import pytest

from configs.schema.model import EmbeddedModel
from tasks.alerting.lasting import Lasting
from tasks.alerting.outbox import open_outbox, outbox_files
from tasks.calling.endpoint import endpoint_model
from tasks.candidate import LoraAdapter
from tasks.rollout.ended import Ended
from tasks.serving.alarm import Alarm


class Keeper:
    def __init__(self):
        self.current, self.problem, self.registry_problem, self.trial_problem = "somebody", "", "", ""
        self.ended = None


@pytest.fixture
def keeper():
    return Keeper()


@pytest.fixture
def alarm(shop, keeper):
    return Alarm(shop.loaded.app, keeper)


def looked_at():
    with open_outbox("shop") as outbox:
        return outbox.alerts(10)


def alerts():
    return [(each.key, each.severity, each.title, each.recovered is None) for each in looked_at()]


def test_what_passes_by_itself_is_no_alert():
    lasting = Lasting(5, 3)
    assert [lasting.state(holds, at) for at, holds in enumerate([True] * 5 + [False] * 3)] == [None] * 8
    assert lasting.state(False, 8) is False
    assert [lasting.state(True, at) for at in (9, 14, 99)] == [None, True, True]


def test_where_nothing_is_wrong_nothing_is_written(alarm):
    for at in range(100):
        alarm.look(at)
    assert not outbox_files()


def test_a_champion_that_cannot_be_served_is_an_alert_until_it_can(alarm, keeper):
    keeper.problem = "the candidate was evaluated with other weights"
    for at in range(10):
        alarm.look(at)
    title = "champion cannot be served, the one before still answers"
    assert alerts() == [("champion", "error", title, True)]
    keeper.problem = ""
    for at in range(10, 20):
        alarm.look(at)
    assert alerts() == [("champion", "error", title, False)]


def test_nobody_who_answers_is_worse(alarm, keeper):
    keeper.problem, keeper.current = "no weights", None
    for at in range(10):
        alarm.look(at)
    assert alerts() == [("champion", "critical", "champion cannot be served, nobody answers", True)]


def test_mlflow_that_does_not_answer_for_minutes_is_an_alert_and_a_restart_of_the_endpoint_does_not_end_it(
    shop, keeper
):
    alarm = Alarm(shop.loaded.app, keeper)
    keeper.registry_problem = "MLflow does not answer"
    for at in range(0, 299):
        alarm.look(at)
    assert not outbox_files()
    alarm.look(301)
    assert [(key, is_open) for key, _, _, is_open in alerts()] == [("registry", True)]
    keeper.registry_problem = ""
    again = Alarm(shop.loaded.app, keeper)
    for at in range(50):
        again.look(at)
    assert [is_open for *_, is_open in alerts()] == [True]
    for at in range(50, 70):
        again.look(at)
    assert [is_open for *_, is_open in alerts()] == [False]


def test_what_lasts_is_counted_now_and_then(alarm, keeper):
    keeper.problem = "no weights"
    for at in range(0, 1300):
        alarm.look(at)
    assert [each.times for each in looked_at()] == [4], "found, MLflow found well, and twice since"


def test_a_rollout_that_stands_still_is_an_alert(alarm, keeper):
    keeper.trial_problem = "no weights"
    for at in range(10):
        alarm.look(at)
    assert alerts() == [("candidate", "warning", "rollout stands still, the champion answers", True)]


def test_a_rollout_that_ended_is_an_alert_at_once_until_something_else_is_released(shop, alarm, keeper):
    made, version = shop.candidate("bad")
    said = {"action": "promote", "release": "rel", "candidate": made.digest, "version": version}
    step = shop.log.append("stage", **said, stage="ended", who="rollout", why="error_rate is certainly worse")
    keeper.ended = Ended(step, None)
    alarm.look(0)
    [alert] = looked_at()
    assert (alert.severity, alert.title) == ("warning", f"rollout of candidate {made.digest[:8]} ended by itself")
    assert (alert.reason, alert.candidate) == ("rollout: error_rate is certainly worse", made.digest)
    assert alert.link.endswith(f"/#/models/shop/versions/{version}")
    keeper.ended = None
    alarm.look(1)
    assert [each.recovered is None for each in looked_at()] == [False]


def test_a_release_that_ended_unproven_is_an_alert_that_says_so(shop, alarm, keeper):
    made, version = shop.candidate("new")
    said = {"action": "promote", "release": "rel", "candidate": made.digest, "version": version}
    step = shop.log.append("stage", **said, stage="ended", who="rollout", why="unproven, and still champion: …")
    keeper.ended = Ended(step, None, unproven=True)
    alarm.look(0)
    title = f"rollout of candidate {made.digest[:8]} ended unproven, it stays champion"
    assert [(severity, said) for _, severity, said, _ in alerts()] == [("warning", title)]


def test_an_endpoint_whose_champion_has_lost_its_adapter_tells_it_and_that_it_is_over(
    make_shop, app_text, monkeypatch, receiver
):
    monkeypatch.setenv("SHOP_HOOK", f"{receiver.address}/hook")
    own = EmbeddedModel(kind="embedded", task="chat")
    weights = endpoint_model("own", own)
    channels = "alerts: [{kind: webhook, url_env: SHOP_HOOK}]\n"
    shop = make_shop(app_text + channels, models={"own": own.model_dump(mode="json")})
    with shop.open():
        first = shop.release("first").entry
        receiver.answer("/hook", 503)
        gone = LoraAdapter(digest="a-digest-of-no-file", base=weights)
        made, version = shop.candidate("second", model="own", endpoint_model=weights, adapter=gone)
        said = {"action": "promote", "release": "r", "who": "minji", "why": "quietly"}
        shop.registry.alias = version
        shop.log.append("commit", candidate=made.digest, version=version, **said)
        shop.wait_until(lambda: receiver.at("/hook"))
        assert shop.ask("hi").choices[0].message.content == "first: hi"
        receiver.answer("/hook", 200)
        shop.registry.alias = first.version
        shop.log.append("commit", candidate=first.candidate, version=first.version, **said)
        shop.wait_until(lambda: any(each.json["recovered"] for each in receiver.at("/hook")))
    arrived = {each.json["id"]: each.json for each in receiver.at("/hook")}
    opened, recovered = arrived.values()
    assert opened["opened"][0]["title"] == "champion cannot be served, the one before still answers"
    assert "a-digest-of-no-file" in opened["opened"][0]["reason"]
    assert recovered["recovered"][0]["id"] == opened["opened"][0]["id"]
    assert not [thread for thread in threading.enumerate() if thread.name in ("alarm", "beside")]
    assert json.dumps(opened).find("/hook") == -1
