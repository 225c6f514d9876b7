"""Each kind of channel gets a message as its documentation says, however long it is."""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.alerting.alert import Alert
from tasks.alerting.channel import AddressError
from tasks.alerting.message import Message
from tasks.alerting.slack import slack_body
from tasks.alerting.webhook import webhook_body, webhook_headers
from tasks.orchestrating.alert_events import events_body

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def alert(number=1, **changes):
    values = {
        "id": f"a{number}",
        "app": "shop",
        "source": "monitor",
        "key": f"k{number}",
        "severity": "error",
        "title": f"limit {number} does not hold",
        "reason": "error_rate 0.733 [0.55, 0.86], n = 20",
        "began": NOON,
        "seen": NOON,
    }
    return Alert(**(values | changes))


def message(*opened, **changes):
    return Message(id="msg_1", app="shop", at=NOON, opened=opened, **changes)


def assert_slack_takes(content):
    """The limits of https://docs.slack.dev/reference/block-kit/blocks."""
    assert 1 <= len(content["blocks"]) <= 50
    assert 0 < len(content["text"]) <= 3000
    for block in content["blocks"]:
        text = block["text"]
        assert set(block) == {"type", "text"} and set(text) == {"type", "text"}
        if block["type"] == "header":
            assert text["type"] == "plain_text" and 0 < len(text["text"]) <= 150
        else:
            assert (block["type"], text["type"]) == ("section", "mrkdwn") and 0 < len(text["text"]) <= 3000


def test_slack_says_what_is_new_what_lasts_and_what_is_over():
    opened = alert(1, examples=("Is it <waterproof>? → FAIL & gone",), link="http://127.0.0.1:5000/#/runs/1")
    over = alert(3, recovered=NOON)
    content = json.loads(slack_body(message(opened, reminded=(alert(2),), recovered=(over,))))
    assert_slack_takes(content)
    head, first, second, third = (block["text"]["text"] for block in content["blocks"])
    assert head == "shop: 1 new, 1 still wrong, 1 recovered"
    assert first == (
        "🔴 *limit 1 does not hold*\nerror_rate 0.733 [0.55, 0.86], n = 20\n"
        "> Is it &lt;waterproof&gt;? → FAIL &amp; gone\n"
        "since 2026-03-01 12:00 UTC · <http://127.0.0.1:5000/#/runs/1|look>"
    )
    assert second.startswith("🔴 *still: limit 2 does not hold*")
    assert third == "✅ *recovered: limit 3 does not hold*\n2026-03-01 12:00 to 2026-03-01 12:00 UTC"
    assert content["text"] == (
        "shop: limit 1 does not hold; still: limit 2 does not hold; recovered: limit 3 does not hold"
    )


texts = st.text(st.sampled_from("&<>|*`\n!@#channel 방🚨"), max_size=6000)


@given(texts, texts, st.lists(texts, max_size=3), texts, st.integers(1, 120))
def test_slack_takes_whatever_is_in_it(title, reason, examples, link, count):
    many = [alert(n, title=title, reason=reason, examples=tuple(examples), link=link) for n in range(count)]
    content = json.loads(slack_body(message(*many)))
    assert_slack_takes(content)
    for block in content["blocks"][1:]:
        assert "<!" not in block["text"]["text"] and "<@" not in block["text"]["text"]


def test_slack_is_told_how_many_more_there_are():
    content = json.loads(slack_body(message(*(alert(n) for n in range(100)))))
    assert content["blocks"][-1]["text"]["text"] == "… and 55 more; `lifecycle alerts` lists all"


def test_a_webhook_gets_the_documented_keys():
    content = json.loads(webhook_body(message(alert(event="lifecycle.monitor.limit-broken"))))
    assert set(content) == {"id", "app", "at", "text", "test", "opened", "reminded", "recovered"}
    assert set(content["opened"][0]) == {
        *("id", "app", "source", "key", "severity", "title", "reason", "examples", "link", "candidate"),
        *("began", "seen", "times", "recovered"),
    }
    assert content["at"] == "2026-03-01T12:00:00Z"


def test_the_signature_is_that_of_standard_webhooks():
    # The example of the specification's reference libraries.
    secret, body = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", b'{"test": 2432232314}'
    sent = Message(id="msg_p5jXN8AQM9LWM0D4loKWxJek", app="shop", at=NOON)
    headers = webhook_headers(sent, body, datetime.fromtimestamp(1614265330, UTC), secret)
    assert headers == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }
    bare = webhook_headers(sent, body, datetime.fromtimestamp(1614265330, UTC), secret.removeprefix("whsec_"))
    assert bare == headers


def test_without_a_secret_nothing_is_signed_and_what_is_no_secret_is_refused():
    assert "webhook-signature" not in webhook_headers(message(), b"", NOON)
    for secret in ("not base64!", "비밀"):
        with pytest.raises(AddressError, match=r"is no secret; write whsec_ and then base64"):
            webhook_headers(message(), b"", NOON, secret)


async def test_a_signed_webhook_can_be_checked_by_its_receiver(shop, wrong, channels, monkeypatch):
    secret = base64.b64encode(b"0123456789abcdef").decode()
    monkeypatch.setenv("HOOK_SECRET", f"whsec_{secret}")
    await shop.telling(channels["webhook"].model_copy(update={"secret_env": "HOOK_SECRET"})).raises(wrong())
    [got] = shop.receiver.at("/hook/T0123-secret-token")
    signed = f"{got.headers['webhook-id']}.{got.headers['webhook-timestamp']}.".encode() + got.raw
    wanted = base64.b64encode(hmac.new(b"0123456789abcdef", signed, hashlib.sha256).digest()).decode()
    assert got.headers["webhook-signature"] == f"v1,{wanted}"
    assert got.headers["idempotency-key"] == got.headers["webhook-id"] == got.json["id"]
    monkeypatch.setenv("HOOK_SECRET", "no base64")
    await shop.telling(channels["webhook"].model_copy(update={"secret_env": "HOOK_SECRET"})).raises()
    assert "HOOK_SECRET is no secret" in shop.deliveries[-1].problem


def test_prefect_gets_an_event_an_alert_and_one_for_the_work_that_it_starts():
    from prefect.events.schemas.events import Event

    broken = [alert(n, event="lifecycle.monitor.limit-broken", candidate="c" * 16) for n in (1, 2)]
    told = message(*broken, recovered=(alert(3, recovered=NOON),))
    events = [Event.model_validate(each) for each in json.loads(events_body(told))]
    assert [event.event for event in events] == [
        *("lifecycle.alert.opened", "lifecycle.alert.opened"),
        *("lifecycle.alert.recovered", "lifecycle.monitor.limit-broken"),
    ]
    assert {event.resource.id for event in events} == {"lifecycle.app.shop"}
    assert events[0].resource["lifecycle.severity"] == "error"
    assert events[0].payload["title"] == "limit 1 does not hold"
    assert events[-1].payload == {
        "candidate": "c" * 16,
        "alerts": ["limit 1 does not hold", "limit 2 does not hold"],
    }
    assert len({event.id for event in events}) == 4
    assert json.loads(events_body(told)) == json.loads(events_body(told)), "the same ids at every try"


async def test_prefect_is_told_who_asks(shop, wrong, monkeypatch):
    monkeypatch.setenv("PREFECT_API_AUTH_STRING", "admin:pass")
    await shop.raises(wrong())
    [got] = shop.receiver.at("/api/events")
    assert got.headers["authorization"] == f"Basic {base64.b64encode(b'admin:pass').decode()}"
    assert [each["event"] for each in got.json] == ["lifecycle.alert.opened"]
