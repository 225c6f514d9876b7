"""Who may ask, and how much: keys are made, limited and revoked while the endpoint serves."""

import asyncio
import json
import subprocess
import sys
from datetime import UTC, datetime

import httpx
import openai
import pytest

from configs.errors import ConfigurationError
from configs.settings import settings
from tasks.serving.keys import Key, KeyLimits, KeyRing, key_ring, local_key
from tasks.serving.protocol import ProtocolError
from tasks.serving.quota import Quota


@pytest.fixture
def ring(tmp_path):
    return KeyRing(tmp_path / "keys.json")


def test_a_key_is_found_by_itself_and_kept_as_a_hash(ring):
    secret = ring.add("minji", KeyLimits())
    assert ring.find(secret).name == "minji"
    assert ring.find(f"{secret}x") is None
    assert secret not in ring.path.read_text() and secret[:9] in ring.path.read_text()


def test_a_revoked_key_is_not_answered_and_its_name_is_free_again(ring):
    first = ring.add("minji", KeyLimits())
    with pytest.raises(ConfigurationError, match="there is a key of the name 'minji'"):
        ring.add("minji", KeyLimits())
    assert ring.revoke("minji").name == "minji"
    second = ring.add("minji", KeyLimits())
    assert ring.find(first) is None and ring.find(second).name == "minji"
    with pytest.raises(ConfigurationError, match="no key 'nobody' to revoke; known are minji"):
        ring.revoke("nobody")


def test_what_another_process_changes_counts_at_once(ring):
    other = KeyRing(ring.path)
    secret = other.add("minji", KeyLimits())
    assert ring.find(secret) is not None
    other.revoke("minji")
    assert ring.find(secret) is None and ring.needed


def test_a_damaged_file_opens_nothing_and_closes_nothing(ring):
    secret = ring.add("minji", KeyLimits())
    assert ring.find(secret) is not None
    ring.path.write_text('{"keys": [{"id"')
    assert ring.find(secret) is not None
    fresh = KeyRing(ring.path)
    assert fresh.needed and fresh.find(secret) is None
    with pytest.raises(ConfigurationError, match="cannot be read"):
        ring.all()


@pytest.mark.parametrize("name", ["", "a\nb", "x" * 81, "<script>"])
def test_what_is_no_name_is_one_line(ring, name):
    with pytest.raises(ConfigurationError, match="is no name of a key"):
        ring.add(name, KeyLimits())


class Clock:
    def __init__(self):
        self.now = 0.0
        self.day = datetime(2026, 3, 1, 23, tzinfo=UTC)
        self.before = 0.0

    def quota(self):
        return Quota(lambda _key, _since: self.before, clock=lambda: self.now, today=lambda: self.day)


@pytest.fixture
def clock():
    return Clock()


def key(**limits):
    return Key(id="lk-1", name="minji", hash="h", limits=KeyLimits(**limits), created="2026-03-01")


async def test_so_many_requests_a_minute(clock):
    quota, limited = clock.quota(), key(requests_per_minute=3)
    for _ in range(3):
        await quota.begin(limited)
    with pytest.raises(ProtocolError, match="key minji: 3 requests a minute; try again in 20 s") as refused:
        await quota.begin(limited)
    assert (refused.value.status, refused.value.headers["retry-after"]) == (429, "20")
    clock.now = 20.0
    await quota.begin(limited)


async def test_requests_that_come_at_once_are_counted_together(clock):
    quota, limited = clock.quota(), key(requests_per_minute=3, price_per_day=1.0)
    begun = await asyncio.gather(*(quota.begin(limited) for _ in range(20)), return_exceptions=True)
    assert begun.count(None) == 3


async def test_tokens_that_were_used_are_waited_for(clock):
    quota, limited = clock.quota(), key(tokens_per_minute=60)
    await quota.begin(limited)
    quota.used(limited, tokens=100, price=0)
    with pytest.raises(ProtocolError, match="60 tokens a minute; try again in 41 s"):
        await quota.begin(limited)
    clock.now = 42.0
    await quota.begin(limited)


async def test_a_day_s_price_and_a_restart_forgives_nothing(clock):
    quota, limited = clock.quota(), key(price_per_day=1.0)
    await quota.begin(limited)
    quota.used(limited, tokens=1, price=1.5)
    with pytest.raises(ProtocolError, match=r"\$1 a day are spent; try again in 3600 s") as refused:
        await quota.begin(limited)
    assert refused.value.body["error"]["code"] == "insufficient_quota"
    clock.before = 1.5
    with pytest.raises(ProtocolError):
        await clock.quota().begin(limited)
    clock.day = datetime(2026, 3, 2, 0, 1, tzinfo=UTC)
    await quota.begin(limited)


async def test_limits_that_are_changed_count_from_then_on(clock):
    quota = clock.quota()
    await quota.begin(key(requests_per_minute=1))
    await quota.begin(key(requests_per_minute=2))


def test_without_keys_all_are_answered_and_with_one_only_who_has_it(open_shop):
    open_shop.release("guide")
    assert open_shop.ask("hi").choices[0].message.content == "guide: hi"
    secret = key_ring().add("minji", KeyLimits(requests_per_minute=2))
    with pytest.raises(openai.AuthenticationError, match="wrong or missing key"):
        open_shop.ask("hi")
    client = open_shop.client(api_key=secret)
    asked = {"model": "shop", "messages": [{"role": "user", "content": "hi"}]}
    for _ in range(2):
        assert client.chat.completions.create(**asked).choices[0].message.content == "guide: hi"
    with pytest.raises(openai.RateLimitError, match="key minji: 2 requests a minute") as limited:
        client.chat.completions.create(**asked)
    assert 1 <= int(limited.value.response.headers["retry-after"]) <= 30
    assert [each.key for each in open_shop.served[-2:]] == [secret[:9]] * 2
    open_shop.release("better")  # a release is tested with the key of this machine's own processes
    key_ring().revoke("minji")
    with pytest.raises(openai.AuthenticationError):
        client.chat.completions.create(**asked)


def test_a_key_that_only_this_machine_s_processes_may_read(open_shop):
    file = open_shop.log.path.parents[1] / "local.key"
    assert file.stat().st_mode & 0o777 == 0o600
    key_ring().add("minji", KeyLimits())
    root = f"http://127.0.0.1:{open_shop.port}"
    assert httpx.get(f"{root}/v1/models", headers={"authorization": f"Bearer {file.read_text()}"}).status_code == 200


def test_only_this_machine_takes_up_a_release_once_there_are_keys(open_shop):
    address = f"http://127.0.0.1:{open_shop.port}/admin/reload"
    local = (open_shop.log.path.parents[1] / "local.key").read_text()
    assert httpx.post(address).status_code == 200
    secret = key_ring().add("minji", KeyLimits())
    for key in ("none", secret):
        assert httpx.post(address, headers={"authorization": f"Bearer {key}"}).status_code == 401
    assert httpx.post(address, headers={"authorization": f"Bearer {local}"}).status_code == 200


def test_an_empty_local_key_is_one_line_and_a_new_one_is_made_whole(tmp_path, monkeypatch):
    monkeypatch.setenv("LIFECYCLE_HOME", str(tmp_path))
    monkeypatch.delenv("LIFECYCLE_API_KEY", raising=False)
    settings.cache_clear()
    made = local_key()
    assert local_key() == made and [file.name for file in tmp_path.iterdir()] == ["local.key"]
    (tmp_path / "local.key").write_text("\n")
    with pytest.raises(ConfigurationError, match=r"local\.key: is empty; delete it"):
        local_key()
    settings.cache_clear()


def test_the_command_makes_lists_and_revokes(shop):
    def run(*arguments):
        command = [sys.executable, "-m", "infra.cli.main", "keys", *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    secret = run("add", "minji", "--requests-per-minute", "5", "--app", "shop", "--app", "tents").stdout.strip()
    assert key_ring().find(secret).limits.requests_per_minute == 5
    assert key_ring().find(secret).apps == ("shop", "tents")
    listed = run("list").stdout
    assert "minji" in listed and secret[:9] in listed and secret not in listed
    assert run("revoke", "minji").stdout == f"revoked: {secret[:9]} (minji)\n"
    assert key_ring().find(secret) is None
    refused = run("add", "minji", "--price-per-day", "0")
    assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)
    assert json.loads(key_ring().path.read_text())["keys"][0]["revoked"]
