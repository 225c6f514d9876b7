"""A whole search over prompts: a simulated model, a real MLflow."""

import json
from pathlib import Path

import pytest

from configs.errors import ConfigurationError
from configs.schema.augment import Caps, SearchPrompt
from configs.schema.model import EmbeddedModel
from infra.simulator.behaviour import Behaviour, Rule
from infra.simulator.running import calls as calls_of
from infra.simulator.running import requests, simulated
from tasks.calling.spend import Spend
from tasks.prompting.searched import PromptSearch
from tasks.prompting.searching import search, searched
from tasks.results.finding import find_candidates
from tasks.results.searches import search_of

CHAT = "/v1/chat/completions"
MODEL = Behaviour(
    rules=(
        Rule(contains="You write system messages", where="prompt", answer="Be right, as proposed."),
        Rule(contains="Be wrong", where="prompt", answer="no"),
        Rule(contains="Be half right", where="prompt", answer="question number 7"),
    )
)


def move(**options):
    options = {"instructions": ("Be half right.", "Be right."), "first_rows": 4, **options}
    return SearchPrompt(kind="search_prompt", name="tuned", **options)


def asked(address):
    return [request["messages"] for request in requests(address)]


async def test_the_best_instruction_is_found_and_every_arm_is_recorded(client, searching, tmp_path):
    with simulated(MODEL) as address:
        work, base = searching(address, "found")
        found = await search(work, base, move())
    assert [message.template for message in found.candidate.prompt.messages] == ["Be right.", "{{question}}"]
    assert (found.candidate.move, found.candidate.parent, found.search.cut_off) == ("tuned", base.digest, False)
    assert {(trial.rung, trial.arm) for trial in found.trials} >= {(1, 0), (1, 1), (1, 2), (2, 2)}
    assert found.search.trials[0]["exact"].startswith("0 [")
    assert found.search.trials[-1]["rows"] > found.search.trials[0]["rows"]
    run = client.search_runs(
        [client.get_experiment_by_name("found").experiment_id], "tags.`lifecycle.kind` = 'search'"
    )[0]
    assert found.search.url.endswith(run.info.run_id)
    assert (run.data.tags["lifecycle.candidate"], run.data.tags["lifecycle.state"]) == (
        found.candidate.digest,
        "finished",
    )
    assert (run.data.metrics["objective"], run.data.metrics["arms"]) == (1.0, 3)
    assert run.data.metrics["objective.start"] < 0
    table = json.loads(Path(client.download_artifacts(run.info.run_id, "trials.json", str(tmp_path))).read_text())
    assert len(table["data"]) == len(found.trials)
    tags = client.get_prompt_version("found.brief", str(found.candidate.prompt.version)).tags
    assert (tags["lifecycle.source"], tags["lifecycle.parent.version"]) == ("search", "1")


async def test_what_it_asks_is_of_no_gate_and_what_it_stores_is_apart(mlflow_uri, searching):
    with simulated(MODEL) as address:
        work, base = searching(address, "apart")
        await searched(work, base, move(examples=2))
        sent = asked(address)
    assert not [each for each in sent if each[-1]["content"] == "question number 3"], "a row of the sample data"
    shown = {message["content"] for each in sent for message in each[1:-1]}
    assert shown
    assert not shown & {each[-1]["content"] for each in sent}
    assert work.store.list() == ()
    assert find_candidates(work.store, "") == ()
    assert work.spend.made == len(sent), "the command's own ledger knows of it"


@pytest.mark.parametrize("calls", [1, 5, 9, 17])
async def test_the_budget_is_a_hard_cap_with_the_best_so_far(mlflow_uri, searching, calls):
    with simulated(MODEL) as address:
        work, base = searching(address, f"capped-{calls}")
        found = await search(work, base, move(budget=Caps(calls=calls)))
        assert calls_of(address)[CHAT] == calls
        assert found.search.cut_off
        finished = {trial.candidate.digest for trial in found.trials if trial.whole}
        assert found.candidate.digest in finished or found.candidate.digest == found.trials[0].candidate.digest


async def test_a_search_that_was_ended_goes_on_and_asks_nothing_twice(mlflow_uri, searching):
    with simulated(MODEL) as address:
        work, base = searching(address, "resumed")
        await search(work, base, move(budget=Caps(calls=7)))
        await search(work, base, move(budget=Caps(calls=2)))
        found = await search(work, base, move())
        made = [json.dumps(each) for each in asked(address)]
        assert len(made) == len(set(made))
        again = await search(work, base, move())
        assert len(asked(address)) == len(made)
    assert again.candidate == found.candidate
    assert search_of(work.store, found.candidate.digest, PromptSearch) == found.search
    assert again.search == found.search


async def test_a_capable_model_proposes_through_the_engine(client, searching):
    with simulated(MODEL) as address:
        work, base = searching(address, "proposing", price=(1, 1))
        found = await search(work, base, move(instructions=(), proposer="chat", proposals=3))
        (proposing, *_) = [each for each in asked(address) if "You write system messages" in each[0]["content"]]
    assert found.candidate.prompt.messages[0].template == "Be right, as proposed."
    assert "Be wrong." in proposing[-1]["content"]
    scored = {str(row["question"]) for trial in found.trials for row in trial.evaluation.whole_rows()}
    assert scored
    assert not [question for question in scored if f"{question}\n→" in proposing[-1]["content"]]
    assert work.spend.price > 0


async def test_the_embedded_model_and_an_unknown_one_propose_nothing(searching):
    work, base = searching("http://127.0.0.1:9/v1", "refused")
    work.loaded.models["tiny"] = EmbeddedModel(kind="embedded", task="chat")
    with pytest.raises(ConfigurationError, match=r"'tiny' is the embedded model, which is too small"):
        await searched(work, base, move(proposer="tiny"))
    with pytest.raises(ConfigurationError, match=r"'nobody' is no chat model of"):
        await searched(work, base, move(proposer="nobody"))


async def test_a_search_without_rows_of_its_own_says_what_it_needs(searching):
    work, base = searching("http://127.0.0.1:9/v1", "rowless", rows=[("question number 3", True)] * 4)
    with pytest.raises(ConfigurationError, match=r"no row of .*examples.jsonl is left to score on"):
        await searched(work, base, move())
    datasets = work.loaded.app.datasets.model_copy(update={"examples": None})
    object.__setattr__(work.loaded, "app", work.loaded.app.model_copy(update={"datasets": datasets}))
    with pytest.raises(
        ConfigurationError, match=r"needs rows that no gate asks; name a file under `datasets.examples`"
    ):
        await searched(work, base, move())
    assert Spend(work.loaded.app.budget).made == work.spend.made
