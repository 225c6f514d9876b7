"""The champion changes under load without a failed or a mixed answer, and keeps answering whatever else is down."""

import threading

import httpx
import openai
import pytest

from configs.errors import ReleaseError
from tasks.releasing.promote import promote, rollback


class Clients:
    """Clients that ask without a pause and keep what they saw: digest and text of every answer, and every failure."""

    def __init__(self, shop, count):
        self.shop, self.seen, self.failures = shop, [], []
        self.stopped = threading.Event()
        self.threads = [threading.Thread(target=self.run, args=(number % 2 == 1,)) for number in range(count)]

    def run(self, stream):
        client = self.shop.client()
        asked = {"model": "shop", "messages": [{"role": "user", "content": "one two three four"}], "stream": stream}
        while not self.stopped.is_set():
            try:
                raw = client.chat.completions.with_raw_response.create(**asked)
                answer = raw.parse()
                text = (
                    "".join(chunk.choices[0].delta.content or "" for chunk in answer)
                    if stream
                    else answer.choices[0].message.content
                )
                self.seen.append((raw.headers["x-lifecycle-candidate"], text))
            except openai.OpenAIError as error:
                self.failures.append(error)

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stopped.set()
        for thread in self.threads:
            thread.join()


def test_releases_and_rollbacks_under_load_drop_and_mix_nothing(open_shop):
    said = {open_shop.release("first").entry.candidate: "first: one two three four"}
    with Clients(open_shop, 8) as clients:
        for name in ("second", "third"):
            open_shop.wait_until(lambda: len(clients.seen) % 50 > 20)
            said[open_shop.release(name).entry.candidate] = f"{name}: one two three four"
        open_shop.wait_until(lambda: len(clients.seen) % 50 > 20)
        back = rollback(open_shop.parts, who="minji", why="worse").entry
        enough = len(clients.seen) + 30
        open_shop.wait_until(lambda: len(clients.seen) > enough)
    assert clients.failures == []
    assert {digest for digest, _ in clients.seen} == set(said)
    assert all(text == said[digest] for digest, text in clients.seen)
    assert clients.seen[-1][0] == back.candidate
    recorded = [(each.candidate, each.answer.text) for each in open_shop.served if "one two" in each.answer.text]
    assert sorted(recorded) == sorted(clients.seen)


def test_a_request_under_way_ends_with_the_champion_it_began_with(open_shop):
    first = open_shop.release("first").entry
    stream = open_shop.client().chat.completions.with_raw_response.create(
        model="shop", messages=[{"role": "user", "content": "word " * 50}], stream=True
    )
    chunks = iter(stream.parse())
    begun = [next(chunks) for _ in range(3)]
    open_shop.release("second")
    assert open_shop.ask("hi").choices[0].message.content == "second: hi"
    text = "".join(chunk.choices[0].delta.content or "" for chunk in [*begun, *chunks])
    assert text.startswith("first: word") and text.count("word") == 50
    assert stream.headers["x-lifecycle-candidate"] == first.candidate


def test_a_release_by_a_process_that_does_not_tell_is_seen(open_shop):
    made, version = open_shop.candidate("quiet")
    open_shop.registry.alias = version
    open_shop.log.append(
        "commit", action="promote", release="r", candidate=made.digest, version=version, who="minji", why="quietly"
    )
    open_shop.wait_until(lambda: open_shop.health["champion"])
    assert open_shop.ask("hi").choices[0].message.content == "quiet: hi"


def test_a_candidate_that_fails_its_smoke_test_leaves_the_champion(open_shop):
    first = open_shop.release("first").entry
    with pytest.raises(ReleaseError, match="version 1 is still champion"):
        open_shop.release("FAIL")
    assert open_shop.health["champion"] == {"candidate": first.candidate, "version": 1}
    assert open_shop.registry.alias == 1
    assert open_shop.ask("hi").choices[0].message.content == "first: hi"


def test_a_candidate_that_cannot_be_made_ready_leaves_the_champion(open_shop):
    open_shop.release("first")
    with pytest.raises(ReleaseError, match="the candidate was evaluated with other weights"):
        open_shop.release("second", endpoint_model="other weights")
    assert open_shop.health["champion"]["version"] == 1
    assert open_shop.ask("hi").choices[0].message.content == "first: hi"


class Crash(BaseException):
    pass


@pytest.mark.parametrize("dies_in", ["take_up", "smoke"])
def test_a_releasing_process_that_dies_leaves_the_champion(open_shop, dies_in):
    first = open_shop.release("first").entry
    made, version = open_shop.candidate("second")
    parts = open_shop.parts
    endpoint = parts.endpoint
    real = getattr(endpoint, dies_in)

    def dies(*arguments):
        real(*arguments)
        raise Crash

    setattr(endpoint, dies_in, dies)
    from tasks.gating.verdict import Decision, Verdict

    verdicts = tuple(
        Verdict(gate=gate, decision=Decision.PASS, candidate=made.digest, champion=None, evaluations=(), rules=())
        for gate in ("sample", "release")
    )
    with pytest.raises(Crash):
        promote(made, version, parts=parts, verdicts=verdicts, who="minji", why="better")
    agreed = {"candidate": first.candidate, "version": 1}
    open_shop.wait_until(lambda: open_shop.log.entries()[-1].kind == "abort")
    open_shop.wait_until(lambda: open_shop.health["champion"] == agreed)
    assert open_shop.registry.alias == 1 and open_shop.log.entries()[-1].why == "interrupted"


@pytest.mark.parametrize("gates", [True, False])
def test_an_alias_moved_by_hand_is_served_only_if_its_candidate_passed_its_gates(open_shop, gates):
    open_shop.release("first")
    _, version = open_shop.candidate("second", save=False)
    if gates:
        open_shop.registry.gated.add(version)
    open_shop.registry.alias = version
    open_shop.wait_until(
        lambda: open_shop.log.entries()[-1].kind in ("commit", "abort") and len(open_shop.log.entries()) > 2
    )
    said = "second: hi" if gates else "first: hi"
    assert open_shop.ask("hi").choices[0].message.content == said
    assert open_shop.registry.alias == (version if gates else 1)


def test_without_mlflow_the_champion_keeps_answering_and_says_so(open_shop):
    open_shop.release("first")
    open_shop.registry.away = True
    open_shop.wait_until(lambda: open_shop.health.get("problems") == ["MLflow does not answer; run `lifecycle up`"])
    assert open_shop.ask("hi").choices[0].message.content == "first: hi"
    open_shop.registry.away = False
    open_shop.wait_until(lambda: "problems" not in open_shop.health)


def test_started_without_mlflow_it_serves_the_last_commit(shop):
    with shop.open():
        shop.release("first")
    shop.registry.away = True
    with shop.open():
        assert shop.ask("hi").choices[0].message.content == "first: hi"


def test_released_while_no_endpoint_ran_it_serves_at_its_start(shop):
    entry = shop.release("first").entry
    assert entry.evidence["smoke"]["where"] == "process"
    with shop.open():
        assert shop.ask("hi").choices[0].message.content == "first: hi"


def test_a_champion_that_cannot_be_served_at_the_start_is_503_with_the_reason(shop):
    shop.release("first")
    for file in shop.store.folder.glob("candidates/*"):
        file.unlink()
    shop.registry.away = True
    with shop.open():
        assert shop.health["status"] == "unavailable"
        assert httpx.get(f"http://127.0.0.1:{shop.port}/live").is_success
        with pytest.raises(openai.InternalServerError, match="no champion: MLflow does not answer"):
            shop.ask("hi")
        shop.registry.away = False
        shop.wait_until(lambda: shop.health["status"] == "ok")
        assert shop.ask("hi").choices[0].message.content == "first: hi"


def test_an_altered_log_names_no_champion(shop):
    shop.release("first")
    shop.log.path.write_bytes(shop.log.path.read_bytes().replace(b"minji", b"minjo"))
    with shop.open():
        assert "entry 1 was altered" in shop.health["problems"][0]
        with pytest.raises(openai.InternalServerError, match="entry 1 was altered"):
            shop.ask("hi")
