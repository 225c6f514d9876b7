"""What is wrong is told once, counted while it lasts, and told again when it is over."""

import asyncio
import threading

import pytest
from pydantic import ValidationError

from tasks.alerting.channel import channels_of
from tasks.alerting.found import Found
from tasks.alerting.outbox import open_outbox
from tasks.alerting.outbox_file import OutboxError


async def test_what_is_new_is_told_once_to_every_channel_and_then_counted(shop, wrong):
    look = await shop.raises(wrong())
    assert [alert.key for alert in look.opened] == ["error_rate"]
    for _ in range(3):
        shop.clock.pass_s(600)
        assert (await shop.raises(wrong())).opened == ()
    assert len(shop.receiver.got) == 3, "webhook, Slack and Prefect"
    [alert] = shop.alerts
    assert (alert.times, alert.recovered) == (4, None)
    assert (alert.seen - alert.began).total_seconds() == 1800


async def test_what_is_gone_is_over_and_told_to_whom_it_was_told(shop, wrong, channels):
    only_hook = shop.telling(channels["webhook"])
    await only_hook.raises(wrong())
    shop.clock.pass_s(600)
    look = await shop.raises()
    assert [alert.key for alert in look.recovered] == ["error_rate"]
    first, second = shop.hooked
    assert (len(first["opened"]), first["recovered"]) == (1, [])
    assert (second["opened"], [each["key"] for each in second["recovered"]]) == ([], ["error_rate"])
    assert second["recovered"][0]["id"] == first["opened"][0]["id"]
    assert not shop.receiver.at("/services/T0/B0/slack-token"), "it never heard of it"


async def test_what_breaks_again_is_another_alert(shop, wrong):
    for found in ([wrong()], [], [wrong()]):
        await shop.raises(*found)
    assert len({each["opened"][0]["id"] for each in shop.hooked if each["opened"]}) == 2
    assert [alert.recovered is None for alert in shop.alerts] == [True, False]


async def test_several_at_one_look_are_one_message(shop, wrong):
    await shop.raises(wrong("a"), wrong("b"), wrong("c"))
    await shop.raises(wrong("b"), wrong("d"))
    first, second = shop.hooked
    assert [each["key"] for each in first["opened"]] == ["a", "b", "c"]
    assert [each["key"] for each in second["opened"]] == ["d"]
    assert sorted(each["key"] for each in second["recovered"]) == ["a", "c"]
    assert second["text"] == "shop: d does not hold; recovered: a does not hold; recovered: c does not hold"


async def test_what_could_not_be_judged_stays_as_it_is(shop, wrong):
    await shop.raises(wrong("a"))
    look = await shop.raises(unknown=("a", "never seen"))
    assert (look.opened, look.recovered) == ((), ())
    assert [alert.recovered for alert in shop.alerts] == [None]


async def test_sources_do_not_end_each_others_alerts(shop, wrong):
    await shop.raises(wrong("a"), source="monitor")
    look = await shop.raises(wrong("a"), source="endpoint")
    assert (len(look.opened), look.recovered) == (1, ())
    assert len(shop.alerts) == 2


async def test_what_gets_worse_is_told_again_and_what_gets_better_is_not(shop, wrong):
    for severity in ("warning", "critical", "error"):
        await shop.raises(wrong(severity=severity))
    assert [each["opened"][0]["severity"] for each in shop.hooked] == ["warning", "critical"]
    [alert] = shop.alerts
    assert (alert.severity, alert.times) == ("error", 3)


async def test_a_channel_that_comes_later_hears_of_what_is_still_open(shop, wrong, channels):
    await shop.telling(channels["webhook"]).raises(wrong())
    await shop.raises(wrong())
    assert (len(shop.hooked), len(shop.receiver.at("/services/T0/B0/slack-token"))) == (1, 1)


async def test_a_channel_that_is_configured_no_more_gets_nothing(shop, wrong, channels, receiver):
    receiver.answer("/services/T0/B0/slack-token", 503)
    await shop.raises(wrong())
    await shop.telling(channels["webhook"]).raises(wrong())
    await shop.delivers_for(3600)
    assert shop.delivery("slack SLACK_URL").state == "dropped"
    assert len(receiver.at("/services/T0/B0/slack-token")) == 1


async def test_a_reminder_comes_after_its_hours_and_only_where_it_is_asked_for(shop, wrong, channels):
    reminded = channels["webhook"].model_copy(update={"remind_hours": 2})
    both = shop.telling(reminded, channels["slack"])
    for _ in range(9):
        await both.raises(wrong())
        shop.clock.pass_s(1800)
    first, *later = shop.hooked
    assert len(first["opened"]) == 1
    assert [[each["key"] for each in told["reminded"]] for told in later] == [["error_rate"], ["error_rate"]]
    assert later[0]["text"] == "shop: still: error_rate does not hold"
    assert len(shop.receiver.at("/services/T0/B0/slack-token")) == 1


async def test_examples_are_three_without_personal_data_and_without_secrets(shop, wrong, home):
    texts = (
        "Write to minji@example.org or call +82 2 312 3456",
        "my key is AKIAIOSFODNN7EXAMPLE, thanks",
        "x" * 5000,
        "a fourth",
    )
    await shop.raises(wrong(examples=texts))
    examples = shop.hooked[0]["opened"][0]["examples"]
    assert examples[0] == "Write to <EMAIL_ADDRESS> or call <PHONE_NUMBER>"
    assert examples[1].startswith("(left out: it holds what looks like a secret")
    assert len(examples[2]) == 280 and len(examples) == 3
    kept = b"".join(file.read_bytes() for file in (home / "alerts").glob("shop.db*"))
    assert b"minji@example.org" not in kept and b"AKIAIOSFODNN7EXAMPLE" not in kept


async def test_no_address_is_in_the_outbox_or_in_a_log(shop, wrong, home, receiver, caplog):
    receiver.answer("/hook/T0123-secret-token", 500, text="no such T0123-secret-token")
    receiver.answer("/services/T0/B0/slack-token", 404, text="slack-token")
    await shop.raises(wrong())
    kept = b"".join(file.read_bytes() for file in (home / "alerts").glob("shop.db*")).decode(errors="replace")
    said = kept + caplog.text + "".join(each.problem for each in shop.deliveries)
    assert "answered 500" in said and "answered 404" in said
    assert "secret-token" not in said and "slack-token" not in said and receiver.address not in said


async def test_looks_at_once_open_an_alert_once(shop, wrong):
    found = [wrong("a").presentable(), wrong("b").presentable()]

    def look():
        with open_outbox("shop") as outbox:
            outbox.look("monitor", found, channels_of(shop.app), shop.clock())

    threads = [threading.Thread(target=look) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        await asyncio.to_thread(thread.join)
    assert sorted((alert.key, alert.times) for alert in shop.alerts) == [("a", 8), ("b", 8)]
    assert len(shop.deliveries) == 3


async def test_a_look_that_cannot_be_written_says_so_and_changes_nothing(shop, wrong, home):
    await shop.raises(wrong("a"))
    with open_outbox("shop") as outbox, outbox._file.commit() as file:
        file.execute("CREATE TRIGGER full BEFORE INSERT ON deliveries BEGIN SELECT RAISE(ABORT, 'disk full'); END")
    with pytest.raises(OutboxError, match=r"shop\.db: cannot be written: disk full; free the disk"):
        await shop.raises(wrong("b"))
    assert [(alert.key, alert.recovered) for alert in shop.alerts] == [("a", None)]


def test_a_finding_is_kept_short():
    found = Found("k", "error", "t" * 999, "r" * 9999).presentable()
    assert (len(found.title), len(found.reason)) == (200, 1000)


def test_an_address_is_one_channel(shop):
    content = shop.app.model_dump(mode="json")
    content["alerts"] = [{"kind": "slack", "url_env": "A"}, {"kind": "webhook", "url_env": "A"}]
    with pytest.raises(ValidationError, match="`alerts` names A twice"):
        type(shop.app).model_validate(content)
