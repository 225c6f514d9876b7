"""What people say of answers is kept with them."""

import httpx
import pytest

from tasks.serving.keys import KeyLimits, key_ring
from tasks.serving.record import record_store


def say(shop, key=None, **said):
    headers = {"authorization": f"Bearer {key}"} if key else {}
    return httpx.post(f"http://127.0.0.1:{shop.port}/v1/feedback", json=said, headers=headers)


def votes_of(shop):
    with record_store("shop") as store:
        store.flag([(each.id, ()) for each in shop.served])
        store.mark_traced([each.id for each in shop.served])
        return store.votes.untraced(10)


def test_a_vote_is_kept_with_its_request(open_shop):
    open_shop.release("guide")
    answered = open_shop.ask("hi").id
    assert say(open_shop, request=answered, good=False, comment="쓸모없어요").status_code == 200
    assert say(open_shop, request=answered, good=True).status_code == 200
    assert say(open_shop, request=answered, good=False, comment="쓸모없어요").status_code == 200
    [vote] = votes_of(open_shop)
    assert (vote.request, vote.good, vote.comment) == (answered, False, "쓸모없어요"), "the last counts"
    with record_store("shop") as store:
        assert store.votes.requests_of([answered, "other"]) == {answered}
        store.votes.mark_traced([vote])
        assert store.votes.untraced(10) == []


def test_a_vote_that_comes_while_traces_are_written_is_not_lost(open_shop):
    open_shop.release("guide")
    answered = open_shop.ask("hi").id
    with record_store("shop") as store:
        store.flag([(each.id, ()) for each in open_shop.served])
        waiting = [each.id for each in store.untraced(10)]
        say(open_shop, request=answered, good=False)
        store.mark_without_trace(waiting)
        assert [each.id for each in store.untraced(10)] == [answered]


def test_a_vote_brings_back_a_request_that_was_to_have_no_trace(open_shop):
    open_shop.release("guide")
    answered = open_shop.ask("hi").id
    votes_of(open_shop)
    with record_store("shop") as store:
        assert store.untraced(10) == []
        say(open_shop, request=answered, good=False)
        assert [each.id for each in store.untraced(10)] == [answered]


@pytest.mark.parametrize(
    ("said", "status", "message"),
    [
        ({"request": "chatcmpl-none", "good": True}, 404, "no request 'chatcmpl-none' of yours was answered here"),
        ({"request": "x", "good": "yes"}, 400, "good: "),
        ({"good": True}, 400, "request: "),
        ({"request": "x", "good": True, "comment": "x" * 4001}, 400, "comment: "),
    ],
)
def test_what_is_no_vote_is_one_line(open_shop, said, status, message):
    answer = say(open_shop, **said)
    assert answer.status_code == status
    assert answer.json()["error"]["message"].startswith(message)


def test_nobody_votes_on_the_answers_of_others(open_shop):
    open_shop.release("guide")
    one, other = (key_ring().add(name, KeyLimits()) for name in ("one", "other"))
    asked = {"model": "shop", "messages": [{"role": "user", "content": "hi"}]}
    answered = open_shop.client(api_key=one).chat.completions.create(**asked).id
    assert say(open_shop, request=answered, good=True).status_code == 401
    assert say(open_shop, other, request=answered, good=True).status_code == 404
    assert say(open_shop, one, request=answered, good=True).status_code == 200


def test_a_vote_that_is_changed_while_it_is_traced_is_traced_again(open_shop):
    open_shop.release("guide")
    answered = open_shop.ask("hi").id
    say(open_shop, request=answered, good=True)
    before = votes_of(open_shop)
    say(open_shop, request=answered, good=False)
    with record_store("shop") as store:
        store.votes.mark_traced(before)
    assert [vote.good for vote in votes_of(open_shop)] == [False]
