"""A message is tried until it arrives: ever later, in order, by one process at a time."""

import asyncio
import itertools
from datetime import timedelta

import pytest

from tasks.alerting import sending
from tasks.alerting.delivering import anything_due, deliver, deliver_all
from tasks.alerting.failing import failing
from tasks.alerting.outbox import open_outbox
from tasks.alerting.outbox_file import OutboxError
from tasks.alerting.tried import Tried

HOOK_PATH = "/hook/T0123-secret-token"
HOOK = "webhook HOOK_URL"


async def test_a_receiver_that_is_down_for_an_hour_gets_everything_after_it_in_order(shop, wrong, receiver):
    receiver.answer(HOOK_PATH, 503)
    await shop.raises(wrong("a"))
    shop.clock.pass_s(60)
    await shop.raises(wrong("a"), wrong("b"))
    await shop.raises()
    await shop.delivers_for(3600)
    failed = len(receiver.at(HOOK_PATH))
    assert 10 <= failed <= 18
    assert len({each.headers["webhook-id"] for each in receiver.at(HOOK_PATH)}) == 1, "nothing overtakes the oldest"
    receiver.answer(HOOK_PATH)
    await shop.delivers_for(900)
    told = [(len(each["opened"]), len(each["recovered"])) for each in shop.hooked[failed:]]
    assert told == [(1, 0), (1, 0), (0, 2)]
    assert shop.next_due() is None


async def test_pauses_grow_to_a_quarter_of_an_hour():
    pauses = [Tried("again").pause_s(tries) for tries in range(1, 40)]
    assert all(0.75 * 2**tries <= pause <= 2**tries for tries, pause in enumerate(pauses[:8], 1))
    assert all(675 <= pause <= 900 for pause in pauses[9:])


async def test_nobody_who_listens_is_no_harm(shop, wrong, monkeypatch):
    monkeypatch.setenv("HOOK_URL", "http://127.0.0.1:9/hook")
    await shop.raises(wrong())
    assert shop.delivery(HOOK).problem == "HOOK_URL: nothing answers there"
    assert shop.delivery("slack SLACK_URL").state == "delivered", "another channel does not wait for it"


async def test_a_receiver_that_hangs_is_cut(shop, wrong, receiver, monkeypatch):
    monkeypatch.setattr(sending, "_WITHIN_S", 0.2)
    receiver.answer(HOOK_PATH, wait_s=30)
    await shop.raises(wrong())
    assert shop.delivery(HOOK).problem == "HOOK_URL: no reply within 0.2 s"


async def test_a_redirect_is_not_followed(shop, wrong, receiver):
    receiver.answer(HOOK_PATH, 307, location=f"{receiver.address}/stolen")
    await shop.raises(wrong())
    assert not receiver.at("/stolen")
    delivery = shop.delivery(HOOK)
    assert delivery.stuck
    assert delivery.problem == (
        "HOOK_URL: answered 307, a redirect, which is not followed; set HOOK_URL to where it leads"
    )


@pytest.mark.parametrize("status", [401, 404, 410])
async def test_what_will_never_work_is_tried_seldom_and_said(shop, wrong, receiver, status, caplog):
    receiver.answer(HOOK_PATH, status, text="no_service")
    await shop.raises(wrong())
    await shop.delivers_for(24 * 3600)
    assert 20 <= len(receiver.at(HOOK_PATH)) <= 33
    with open_outbox("shop") as outbox:
        [each] = failing([outbox])
    assert each.stuck
    assert each.line.startswith(f"shop: 1 message waits for {HOOK} since 2026-03-01 12:00 UTC: HOOK_URL: answered")
    logged = [record.getMessage() for record in caplog.records if record.name == "lifecycle.alerts"]
    assert logged == [f"alerts of shop to {HOOK} wait: HOOK_URL: answered {status} (no_service)"]


async def test_a_prefect_server_that_is_not_up_is_no_fault(shop, wrong, receiver):
    receiver.answer("/api/events", 503)
    await shop.raises(wrong())
    with open_outbox("shop") as outbox:
        assert [each.stuck for each in failing([outbox])] == [False]


@pytest.mark.parametrize("status", [429, 503])
async def test_a_receiver_is_not_tried_before_it_asked_for(shop, wrong, receiver, status):
    receiver.answer(HOOK_PATH, status, retry_after="1200")
    await shop.raises(wrong())
    await shop.delivers_for(1190)
    assert len(receiver.at(HOOK_PATH)) == 1
    receiver.answer(HOOK_PATH)
    await shop.delivers_for(20)
    assert shop.delivery(HOOK).state == "delivered"


async def test_a_receiver_that_asks_for_years_is_tried_the_next_day(shop, wrong, receiver):
    receiver.answer(HOOK_PATH, 503, retry_after="99999999")
    await shop.raises(wrong())
    assert 0 < shop.next_due() - shop.clock().timestamp() <= 24 * 3600


async def test_a_message_that_cannot_be_read_is_given_up_and_the_next_is_not(shop, wrong, receiver):
    receiver.answer(HOOK_PATH, 400, text="invalid_blocks")
    await shop.raises(wrong("a"))
    await shop.raises(wrong("a"), wrong("b"))
    await shop.delivers_for(2 * 3600 + 10)
    receiver.answer(HOOK_PATH)
    await shop.delivers_for(3600)
    states = [each.state for each in shop.deliveries if each.channel.name == HOOK]
    assert states == ["refused", "delivered"]


async def test_an_outage_before_brings_a_message_that_cannot_be_read_no_nearer_to_its_end(shop, wrong, receiver):
    receiver.answer(HOOK_PATH, 503)
    await shop.raises(wrong())
    await shop.delivers_for(120)
    assert shop.delivery(HOOK).tries >= 5
    receiver.answer(HOOK_PATH, 400)
    await shop.delivers_for(3600 + 900)
    assert shop.delivery(HOOK).state == "waiting"
    await shop.delivers_for(3600)
    assert shop.delivery(HOOK).state == "refused"


async def test_a_clock_that_is_set_back_holds_nothing_up(shop, wrong, receiver):
    receiver.answer(HOOK_PATH, 503)
    await shop.raises(wrong())
    receiver.answer(HOOK_PATH)
    shop.clock.now -= timedelta(days=40)
    await shop.delivers()
    assert shop.delivery(HOOK).state == "delivered"


async def test_a_variable_that_is_not_set_is_named_and_waited_for(shop, wrong, monkeypatch, receiver):
    monkeypatch.delenv("HOOK_URL")
    await shop.raises(wrong())
    assert shop.delivery(HOOK).problem.startswith("HOOK_URL is not set; set it in the environment or in .env")
    monkeypatch.setenv("HOOK_URL", "file:///etc/passwd")
    await shop.delivers_for(10)
    assert shop.delivery(HOOK).problem == "HOOK_URL holds no address that begins with http:// or https://; mend it"
    monkeypatch.setenv("HOOK_URL", f"{receiver.address}{HOOK_PATH}")
    await shop.delivers_for(900)
    assert shop.delivery(HOOK).state == "delivered"


async def test_two_that_deliver_at_once_send_once(shop, wrong, receiver):
    receiver.answer(HOOK_PATH, wait_s=0.1)
    with open_outbox("shop") as one, open_outbox("shop") as other:
        from tasks.alerting.channel import channels_of

        for keys in itertools.accumulate([["a"], ["b"], ["c"]]):
            one.look("monitor", [wrong(key) for key in keys], channels_of(shop.app), shop.clock())
        await asyncio.gather(deliver(one, shop.clock), deliver(other, shop.clock))
    assert [each["opened"][0]["key"] for each in shop.hooked] == ["a", "b", "c"]


async def test_what_waits_in_any_outbox_is_delivered_and_a_damaged_one_holds_up_no_other(shop, wrong, receiver, home):
    assert not anything_due()
    receiver.answer(HOOK_PATH, 503)
    await shop.raises(wrong())
    assert anything_due()
    receiver.answer(HOOK_PATH)
    (home / "alerts" / "another.db").write_text("no database" * 100)
    with pytest.raises(OutboxError, match=r"another\.db: cannot be opened"):
        await deliver_all()
    assert shop.delivery(HOOK).state == "delivered"
