"""MLflow's scorers by name: without a model, with a simulated one, and what cannot be had in one line."""

import os

import pytest

from configs.errors import ConfigurationError
from infra.simulator.behaviour import Behaviour, Fault, Rule
from infra.simulator.running import calls, requests, simulated
from tasks.calling.answer import Answer, Outcome, Passage
from tasks.calling.spend import Spend
from tasks.data.row import Message, Row
from tasks.journal.journal import Journal
from tasks.scoring.asked import Means
from tasks.scoring.catalogue import identities, scorers_of
from tasks.scoring.scoring import score_all

CHAT = "/v1/chat/completions"
NOWHERE = "http://127.0.0.1:9/v1"
ROW = Row("r1", (Message("user", "How heavy is the tent?"),), reference="2.1 kg")
YES = Rule(contains="", answer='{"result": "yes", "rationale": "It says so."}')


def answered(text, *context):
    return Answer("r1", Outcome.OK, text, context=tuple(Passage(f"P{at}", each) for at, each in enumerate(context)))


@pytest.fixture(autouse=True)
def no_key(monkeypatch):
    for name in ("OPENAI_API_KEY", "OPENAI_API_BASE", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def rate(make_app, tmp_path):
    """Scores answers to the same row with scorers of MLflow's, configured so; returns the scores and the ledger."""

    async def run(address, answers, *configs, row=ROW, budget=None, price=(1.0, 1.0), chat=None):
        loaded = make_app(address, scorers=list(configs), budget=budget, price=price, chat=chat)
        with Journal(tmp_path / "journal.db") as journal:
            means = Means(loaded, journal, "first", Spend(loaded.app.budget))
            scores = await score_all([row] * len(answers), answers, scorers_of(loaded), means)
            return scores, means.spend

    return run


@pytest.mark.parametrize(
    ("scorer", "settings", "good", "bad"),
    [
        ("RegexMatch", {"pattern": r"\d kg"}, "2 kg", "heavy"),
        ("ResponseLength", {"max_length": 3, "unit": "words"}, "2.1 kg", "it is rather heavy"),
        ("PIIDetection", {"pii_types": ["email"]}, "2.1 kg", "ask mia@example.com"),
    ],
)
async def test_a_scorer_without_a_model_says_yes_or_no(rate, scorer, settings, good, bad):
    config = {"name": "form", "scorer": f"mlflow:{scorer}", "settings": settings}
    scores, spend = await rate(NOWHERE, [answered(good), answered(bad)], config)
    assert [(each.metric, each.value, each.outcome) for each in scores] == [("form", 1, "ok"), ("form", 0, "ok")]
    assert scores[1].why
    assert spend.made == 0


async def test_a_judge_of_mlflows_asks_the_configured_endpoint_and_is_journaled(rate):
    config = {"name": "correct", "scorer": "mlflow:Correctness", "model": "chat"}
    with simulated(Behaviour(rules=(YES,))) as address:
        scores, spend = await rate(address, [answered("2.1 kg")], config)
        assert [(each.value, each.why) for each in scores] == [(1, "It says so.")]
        assert calls(address)[CHAT] == spend.made == 1
        assert spend.input_tokens > 0
        assert spend.price > 0
        assert "2.1 kg" in str(requests(address)[0]["messages"])
        again, spend = await rate(address, [answered("2.1 kg")], config)
        assert again == scores
        assert calls(address)[CHAT] == 1
        assert spend.made == 0
    assert "OPENAI_API_KEY" not in os.environ, "MLflow's environment is held only while it asks"


async def test_what_was_retrieved_is_shown_to_a_judge_of_retrieval(rate):
    config = {"name": "grounded", "scorer": "mlflow:RetrievalGroundedness", "model": "chat", "dimension": "honesty"}
    with simulated(Behaviour(rules=(YES,))) as address:
        scores, _ = await rate(address, [answered("2.1 kg", "The tent weighs 2.1 kg."), answered("2 kg")], config)
        assert "The tent weighs 2.1 kg." in str(requests(address)[0]["messages"])
    assert [each.outcome for each in scores] == ["ok", "scorer_error"]
    assert "No retrieval context" in scores[1].why


async def test_a_judge_that_fails_or_answers_prose_is_a_failed_instrument(rate):
    config = {"name": "correct", "scorer": "mlflow:Correctness", "model": "chat"}
    with simulated(Behaviour(faults=(Fault(kind="unauthorized"),))) as address:
        scores, _ = await rate(address, [answered("2.1 kg")], config)
    assert (scores[0].value, scores[0].outcome) == (None, "scorer_error")
    with simulated(Behaviour(rules=(Rule(contains="", answer="Well, yes and no."),))) as address:
        scores, _ = await rate(address, [answered("2.1 kg")], config)
    assert (scores[0].value, scores[0].outcome) == (None, "scorer_error")
    assert "\n" not in scores[0].why


async def test_the_budget_ends_it_and_a_row_without_a_reference_is_not_asked(rate):
    config = {"name": "correct", "scorer": "mlflow:Correctness", "model": "chat"}
    with simulated(Behaviour(rules=(YES,))) as address:
        scores, _ = await rate(address, [answered("a"), answered("b")], config, budget={"calls": 1})
        assert sorted(each.outcome for each in scores) == ["ok", "skipped"]
        unlabelled = Row("r1", ROW.messages)
        scores, spend = await rate(address, [answered("c")], config, row=unlabelled)
        assert (scores[0].value, scores[0].why, spend.made) == (None, "the row has no reference", 0)


async def test_the_models_own_key_is_sent(rate, monkeypatch):
    monkeypatch.setenv("HOUSE_KEY", "house-secret")
    config = {"name": "relevant", "scorer": "mlflow:RelevanceToQuery", "model": "chat"}
    with simulated(Behaviour(rules=(YES,), api_key="house-secret")) as address:
        scores, _ = await rate(address, [answered("2.1 kg")], config, chat={"api_key_env": "HOUSE_KEY"})
        assert scores[0].value == 1


def test_a_key_is_never_sent_where_it_does_not_belong(make_app, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "another-secret")
    config = {"name": "correct", "scorer": "mlflow:Correctness", "model": "chat"}
    with pytest.raises(ConfigurationError, match="another than this model's stands there") as error:
        scorers_of(make_app(NOWHERE, scorers=[config]))
    assert "another-secret" not in str(error.value)


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"scorer": "mlflow:Beauty"}, "MLflow has no scorer 'Beauty'; known are Completeness, Conversation"),
        ({"scorer": "mlflow:Correctness"}, "m.model: not set; name the chat model that judges"),
        ({"scorer": "mlflow:Correctness", "model": "vectors"}, "'vectors' is no chat model; known are chat"),
        ({"scorer": "mlflow:RegexMatch"}, "pattern Field required"),
        ({"scorer": "mlflow:RegexMatch", "settings": {"pattern": "("}}, "invalid regex pattern '('"),
        ({"scorer": "mlflow:RegexMatch", "settings": {"patern": "a"}}, "RegexMatch has no 'patern'; known are"),
        ({"scorer": "mlflow:UserFrustration", "model": "chat"}, "judges whole conversations, not answers"),
        ({"scorer": "mlflow:nolib.Any"}, "MLflow adapts no 'nolib'; known are deepeval, ragas"),
        ({"scorer": "mlflow:deepeval.AnswerRelevancy", "model": "chat"}, "deepeval is not installed"),
        ({"scorer": "mlflow:ragas.Faithfulness", "model": "chat"}, "ragas is not installed"),
        ({"scorer": "mlflow:phoenix.Hallucination", "model": "chat"}, "arize-phoenix-evals"),
    ],
)
def test_what_cannot_be_had_is_one_line(make_app, config, said):
    with pytest.raises(ConfigurationError) as error:
        scorers_of(make_app(NOWHERE, scorers=[{"name": "m", **config}]))
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_identity_names_mlflows_scorer_its_version_settings_and_model(make_app):
    import mlflow

    judged = {"name": "correct", "scorer": "mlflow:Correctness", "model": "chat"}
    formal = {"name": "form", "scorer": "mlflow:RegexMatch", "settings": {"pattern": "a"}, "direction": "lower"}
    found = scorers_of(make_app(NOWHERE, scorers=[judged, formal]))
    assert identities(found) == (
        f"correct=mlflow:Correctness:{mlflow.__version__}:model=simulated at {NOWHERE}",
        f"form=mlflow:RegexMatch:{mlflow.__version__}:pattern='a'",
    )
    assert [each.metric.direction for each in found] == ["higher", "lower"]
