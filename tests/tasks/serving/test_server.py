"""`lifecycle serve` is a process: told to end, it answers what is under way; without MLflow it serves."""

import os
import signal
import subprocess
import sys
from contextlib import contextmanager

import httpx
import pytest

from tasks.serving.asking import RECORD, WAIT


@contextmanager
def process(shop, *arguments):
    command = [sys.executable, "-m", "infra.cli.main", *arguments]
    running = subprocess.Popen(command, env=os.environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        yield running
    finally:
        running.kill()
        running.communicate()


def healthy(shop):
    try:
        return shop.health["champion"] is not None
    except httpx.TransportError:
        return False


@pytest.fixture
def served(shop):
    shop.release("first")
    with process(shop, "serve", "--app", str(shop.loaded.folder)) as running:
        shop.wait_until(lambda: running.poll() is not None or healthy(shop))
        assert running.poll() is None, running.communicate()[1]
        yield shop, running


def test_a_request_under_way_is_answered_before_it_ends(served):
    shop, running = served
    chunks = iter(shop.ask("word " * 50, stream=True))
    begun = [next(chunks) for _ in range(3)]
    running.send_signal(signal.SIGTERM)
    text = "".join(chunk.choices[0].delta.content or "" for chunk in [*begun, *chunks])
    assert text.count("word") == 50
    assert running.wait(timeout=20) == 0
    assert shop.served[-1].answer.text == text


def test_killed_and_started_again_it_has_every_request_that_waited_to_be_recorded(served):
    shop, running = served
    answered = [shop.ask(f"question {number}", extra_headers={RECORD: WAIT}).id for number in range(5)]
    running.kill()
    running.wait()
    assert [each.id for each in shop.served if each.id in answered] == answered
    with shop.open():
        assert shop.ask("hi").choices[0].message.content == "first: hi"


def test_an_app_with_nothing_to_serve_is_one_line(make_shop, app_text):
    target = "{kind: answers, path: sample.jsonl, column: reference}"
    shop = make_shop(app_text.replace("{kind: prompt}", target))
    with process(shop, "serve", "--app", str(shop.loaded.folder)) as running:
        _, said = running.communicate(timeout=60)
    assert running.returncode == 2
    assert said.startswith("error: app shop: a target of kind `answers` cannot be served") and said.count("\n") == 1


def test_several_apps_and_one_that_is_none(shop, app_text):
    shop.release("first")
    broken = shop.loaded.folder.parent / "boots"
    broken.mkdir()
    (broken / "app.yaml").write_text("name: boots")
    with process(shop, "serve", "--app", str(shop.loaded.folder), "--app", str(broken)) as running:
        shop.wait_until(lambda: running.poll() is not None or healthy(shop))
        assert running.poll() is None, running.communicate()[1]
        assert shop.ask("hi").choices[0].message.content == "first: hi"
        told = httpx.get(f"http://127.0.0.1:{shop.port}/health").json()["apps"]
    assert [(each["app"], each["status"]) for each in told] == [("shop", "ok"), ("boots", "unavailable")]
    assert "boots/app.yaml" in told[1]["problems"][0]
