from types import SimpleNamespace

import numpy as np
import pytest

from configs.errors import DataError, ReleaseError
from configs.schema.retrieval import Retrieval
from configs.settings import settings
from tasks.candidate import RetrievalChoice
from tasks.gating.verdict import Decision, Verdict
from tasks.retrieval.documents import Document
from tasks.retrieval.index import build_index, load_index
from tasks.tracking import models
from tasks.tracking.recording import find_run
from tasks.tracking.runs import record_evaluation


@pytest.fixture
def workspace(mlflow_uri, tmp_path, of_app, dataset):
    """As much of an app's workspace as a registration needs; `tmp_path` is its machine."""

    def make(app):
        return SimpleNamespace(loaded=of_app(app), indexes=tmp_path / "indexes", datasets={"sample": dataset(app)})

    return make


@pytest.fixture
async def index(tmp_path):
    async def embed(texts):
        return np.eye(len(texts), 4, dtype="float32")

    documents = (Document("P01", "", "waterproof to 3000 mm"), Document("P02", "", "방수 배낭"))
    return await build_index(documents, Retrieval(documents="d"), "eye", embed, tmp_path / "indexes")


def verdicts(candidate, evaluations=(), sample=Decision.PASS):
    return tuple(
        Verdict(
            gate=gate, decision=decision, candidate=candidate.digest, champion=None, evaluations=evaluations, rules=()
        )
        for gate, decision in (("sample", sample), ("release", Decision.PASS))
    )


def test_the_same_candidate_keeps_its_version_and_another_gets_the_next(client, workspace, candidate):
    there = workspace("versions")
    first, second = candidate("versions"), candidate("versions", model="other")
    assert [models.register_candidate(there, each, ()) for each in (first, second, first)] == [1, 2, 1]
    assert [version.version for version in client.search_model_versions("name = 'versions'")] == ["2", "1"]
    assert models.candidate_of("versions", 2) == second


async def test_another_machine_gets_the_candidate_and_its_index_from_the_registry(workspace, candidate, index):
    chosen = candidate("remote", retrieval=RetrievalChoice(index=index.digest, top_k=2))
    version = models.register_candidate(workspace("remote"), chosen, ())
    here = settings().folder("indexes")
    with pytest.raises(DataError):
        load_index(here, index.digest)
    assert models.candidate_of("remote", version) == chosen
    assert load_index(here, index.digest).texts == index.texts


def test_a_version_says_what_it_is_made_of_and_what_it_passed(
    client, workspace, of_app, candidate, evaluation, dataset
):
    judged = evaluation("tags")
    record_evaluation(of_app("tags"), judged, dataset("tags"), judged.metrics)
    chosen = judged.candidate
    version = models.register_candidate(workspace("tags"), chosen, verdicts(chosen, (judged.id,)))
    tags = client.get_model_version("tags", str(version)).tags
    run = find_run(client, client.get_experiment_by_name("tags").experiment_id, "evaluation", judged.id)
    assert tags["lifecycle.candidate"] == chosen.digest
    assert tags["lifecycle.dataset.sample"] == "d1"
    assert tags["lifecycle.temperature"] == "0.5"
    assert tags["lifecycle.runs.sample"] == tags["lifecycle.runs.release"] == run.info.run_id
    assert tags["lifecycle.gate.sample"] == "PASS"
    assert models.gates_passed("tags", version)


def test_a_bootstrap_passed_no_gate_until_it_does(workspace, candidate):
    there, chosen = workspace("gates"), candidate("gates")
    version = models.register_candidate(there, chosen, ())
    assert not models.gates_passed("gates", version)
    models.register_candidate(there, chosen, verdicts(chosen, sample=Decision.INCONCLUSIVE))
    assert not models.gates_passed("gates", version)
    models.register_candidate(there, chosen, verdicts(chosen))
    models.register_candidate(there, chosen, ())
    assert models.gates_passed("gates", version)


def test_the_alias_goes_to_a_version_and_away_again(workspace, candidate):
    assert models.champion_version("alias") is None
    models.set_champion("alias", None)
    version = models.register_candidate(workspace("alias"), candidate("alias"), ())
    assert models.champion_version("alias") is None
    for _ in range(2):
        models.set_champion("alias", version)
        assert models.champion_version("alias") == version
    for _ in range(2):
        models.set_champion("alias", None)
        assert models.champion_version("alias") is None


def test_a_version_that_is_not_there_or_no_candidate_is_one_line(client, workspace, candidate):
    models.register_candidate(workspace("foreign"), candidate("foreign"), ())
    run = client.create_run(client.get_experiment_by_name("foreign").experiment_id)
    client.create_model_version("foreign", f"runs:/{run.info.run_id}", run.info.run_id)
    with pytest.raises(ReleaseError, match="model version 2 was not registered from a candidate"):
        models.candidate_of("foreign", 2)
    for asked in (models.candidate_of, models.gates_passed, models.set_champion):
        with pytest.raises(ReleaseError, match="there is no model version 9"):
            asked("foreign", 9)


def test_a_candidate_without_its_index_is_not_registered(client, workspace, candidate):
    chosen = candidate("lost", retrieval=RetrievalChoice(index="0123456789abcdef", top_k=2))
    with pytest.raises(DataError, match="no index 0123456789abcdef"):
        models.register_candidate(workspace("lost"), chosen, ())
    assert client.search_model_versions("name = 'lost'") == []
