"""Several apps on one server: each its own champion, record and counters, and none takes another down."""

import httpx
import openai
import pytest

from configs.errors import ConfigurationError
from configs.settings import settings
from tasks.serving.keys import KeyLimits, key_ring
from tasks.serving.served_app import Unserved
from tasks.serving.server import build


@pytest.fixture
def shops(make_shop, app_text, monkeypatch):
    """Two shops, `shop` and `tents`, not served yet."""
    return make_shop(), make_shop(app_text.replace("name: shop", "name: tents"))


@pytest.fixture
def open_shops(shops, serve_shops):
    with serve_shops(shops):
        yield shops


def get(shop, path):
    return httpx.get(f"http://127.0.0.1:{shop.port}{path}")


def counted(shop, line):
    return any(each.startswith(line) for each in get(shop, "/metrics").text.splitlines())


def test_each_answers_by_its_name_and_is_recorded_apart(open_shops):
    shop, tents = open_shops
    shop.release("guide")
    tents.release("camp")
    assert [model.id for model in shop.client().models.list()] == ["shop", "tents"]
    assert shop.client().models.retrieve("tents").id == "tents"
    for each, said in ((shop, "guide: hi"), (tents, "camp: hi")):
        assert each.ask("hi").choices[0].message.content == said
        assert each.served[-1].answer.text == said
    assert len(shop.served) == len(tents.served) == 2
    with pytest.raises(openai.NotFoundError, match="no model 'boots' here; the models are 'shop', 'tents'"):
        shop.client().models.retrieve("boots")


def test_each_is_counted_apart(open_shops):
    shop, tents = open_shops
    shop.release("guide")
    shop.ask("hi")
    with pytest.raises(openai.InternalServerError):
        tents.ask("hi")
    assert counted(shop, 'lifecycle_answers_total{app="shop",outcome="ok"} 2.0')
    assert counted(shop, 'lifecycle_answers_total{app="tents",outcome="ok"} 0.0')
    assert counted(shop, 'lifecycle_requests_total{app="tents",status="503"} 1.0')
    assert counted(shop, 'lifecycle_requests_total{app="",status="200"}'), "such as those about the server's health"
    told = get(shop, "/metrics").text
    assert told.count("# TYPE lifecycle_answers_total counter") == 1


def test_ready_and_health_say_each(open_shops):
    shop, tents = open_shops
    assert get(shop, "/live").json() == {"status": "ok", "apps": ["shop", "tents"]}
    assert get(shop, "/ready").status_code == 503
    entry = tents.release("camp").entry
    ready = get(shop, "/ready")
    assert ready.status_code == 200 and ready.json()["apps"] == {"shop": "no champion", "tents": "ok"}
    assert get(shop, "/ready?app=shop").status_code == 503
    assert get(shop, "/ready?app=tents").json() == {"status": "ok"}
    assert get(shop, "/ready?app=boots").status_code == 404
    each = {"shop": None, "tents": {"candidate": entry.candidate, "version": 1}}
    assert get(shop, "/health").json() == {
        "status": "ok",
        "apps": [{"status": "ok", "app": name, "champion": champion} for name, champion in each.items()],
    }


def test_an_app_that_cannot_be_served_takes_no_other_down(shops, serve_shops, app_text):
    shop, tents = shops
    broken = Unserved("boots", ConfigurationError("boots/app.yaml: key `name`: missing"))
    with serve_shops([shop, tents], beside=[broken]):
        shop.release("guide")
        assert shop.ask("hi").choices[0].message.content == "guide: hi"
        with pytest.raises(openai.InternalServerError, match="key `name`: missing") as refused:
            shop.client().chat.completions.create(model="boots", messages=[{"role": "user", "content": "hi"}])
        assert (refused.value.status_code, refused.value.code) == (503, "not_servable")
        assert get(shop, "/health").status_code == get(shop, "/ready").status_code == 200
        boots = get(shop, "/health?app=boots")
        assert boots.status_code == 503 and boots.json()["problems"] == ["boots/app.yaml: key `name`: missing"]


def test_where_none_can_be_served_the_first_says_why(make_shop, app_text):
    shop = make_shop(app_text.replace("{kind: prompt}", "{kind: answers, path: sample.jsonl, column: reference}"))
    with pytest.raises(ConfigurationError, match="`answers` cannot be served"):
        build([shop.loaded, Unserved("boots", ConfigurationError("broken"))], shop.registry)


def test_two_of_one_name_are_refused(shop):
    with pytest.raises(ConfigurationError, match="two apps are named 'shop'"):
        build([shop.loaded, shop.loaded], shop.registry)


def test_a_vote_finds_the_app_that_answered(open_shops):
    shop, tents = open_shops
    tents.release("camp")
    said = tents.ask("hi")
    body = {"request": said.id, "good": True}
    assert httpx.post(f"http://127.0.0.1:{shop.port}/v1/feedback", json=body).status_code == 200
    assert httpx.post(f"http://127.0.0.1:{shop.port}/v1/feedback", json=body | {"request": "x"}).status_code == 404


def test_a_key_may_be_of_some_apps_alone(open_shops):
    shop, tents = open_shops
    shop.release("guide")
    tents.release("camp")
    client = shop.client(api_key=key_ring().add("minji", KeyLimits(), ("tents",)))
    messages = [{"role": "user", "content": "hi"}]
    assert client.chat.completions.create(model="tents", messages=messages).choices[0].message.content == "camp: hi"
    with pytest.raises(openai.PermissionDeniedError, match="key minji may not ask 'shop'; it may ask 'tents'"):
        client.chat.completions.create(model="shop", messages=messages)
    assert [model.id for model in client.models.list()] == ["tents"]
    every = shop.client(api_key=key_ring().add("jun", KeyLimits()))
    assert len(list(every.models.list())) == 2


def test_the_stack_serves_several(monkeypatch):
    monkeypatch.setenv("LIFECYCLE_APP", "outfitter, ./tents")
    settings.cache_clear()
    assert settings().apps == ("outfitter", "./tents")
    settings.cache_clear()
