"""MLflow's optimisers over our engine, the reflecting model simulated."""

import json

import pytest

from configs.errors import ConfigurationError
from configs.schema.augment import Caps, SearchPrompt
from infra.simulator.behaviour import Behaviour, Rule
from infra.simulator.running import calls, requests, simulated
from tasks.prompting import proposing
from tasks.prompting.searching import search

REWRITTEN = '```json\n{"rewritten.brief.instruction": "Be right, rewritten."}\n```'
MODEL = Behaviour(
    rules=(
        Rule(contains="within ``` blocks", where="prompt", answer="```\nBe right, as reflected.\n```"),
        Rule(contains="expert prompt engineer", where="prompt", answer=REWRITTEN),
        Rule(contains="Be wrong", where="prompt", answer="no"),
    )
)


def move(by, **options):
    options = {"proposer": "chat", "first_rows": 4, "metric_calls": 60, **options}
    return SearchPrompt(kind="search_prompt", name="tuned", by=by, **options)


@pytest.mark.parametrize(("by", "text"), [("gepa", "Be right, as reflected."), ("metaprompt", "Be right, rewritten.")])
async def test_an_optimisers_instruction_is_an_arm_like_any_other(client, searching, by, text):
    app = {"gepa": "reflected", "metaprompt": "rewritten"}[by]
    with simulated(MODEL) as address:
        work, base = searching(address, app, price=(1, 1))
        found = await search(work, base, move(by))
        sent = requests(address)
        assert len({json.dumps(each) for each in sent}) == len(sent), "the journal knows what was asked"
        assert work.spend.made == len(sent)
    assert found.candidate.prompt.messages[0].template == text
    tags = client.get_prompt_version(f"{app}.brief", str(found.candidate.prompt.version)).tags
    assert tags["lifecycle.parent.digest"] == base.prompt.digest
    experiment = client.get_experiment_by_name(app).experiment_id
    assert client.search_traces(locations=[experiment]) == []
    assert [run.data.tags["lifecycle.kind"] for run in client.search_runs([experiment])] == ["search"]


async def test_the_budget_ends_an_optimiser_too(mlflow_uri, searching):
    with simulated(MODEL) as address:
        work, base = searching(address, "ended")
        found = await search(work, base, move("gepa", budget=Caps(calls=20)))
        assert calls(address)["/v1/chat/completions"] <= 20
    assert found.candidate.prompt.messages[0].template == "Be wrong."
    assert found.search.cut_off


async def test_where_it_is_not_installed_the_extra_is_named(searching, monkeypatch):
    monkeypatch.setattr(proposing, "find_spec", lambda name: None)
    work, base = searching("http://127.0.0.1:9/v1", "lacking")
    with pytest.raises(ConfigurationError, match=r"gepa, which is not installed; install the extra: .*\[optimize\]"):
        await search(work, base, move("gepa"))
