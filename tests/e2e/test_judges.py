"""`calibrate` on the real servers: labels of people, a judge behind an endpoint, and what both UIs are told."""

import json

import pytest
import yaml

from infra.simulator.behaviour import Behaviour, Rule
from infra.simulator.running import calls, simulated

pytestmark = [pytest.mark.stack, pytest.mark.timeout(600)]

CHAT = "/v1/chat/completions"
WORDS = {1: "useless", 2: "poor", 3: "middling", 4: "decent", 5: "splendid"}
ROWS = 30


@pytest.fixture(scope="module")
def judging():
    """An endpoint whose judge reads off the answer what it is worth, and never gives less than 2."""
    rules = [
        Rule(contains=word, answer=f'{{"reason": "It is {word}.", "score": {max(2, score)}}}')
        for score, word in WORDS.items()
    ]
    with simulated(Behaviour(rules=tuple(rules))) as address:
        yield address


@pytest.fixture(scope="module")
def graded(tmp_path_factory, judging):
    """Folder of an app whose answers exist already."""
    folder = tmp_path_factory.mktemp("graded")
    rows = [{"id": f"r{n}", "question": f"How is item {n}?", "reference": f"Item {n} is well."} for n in range(ROWS)]
    answers = [{"id": f"r{n}", "answer": f"Item {n} is {WORDS[n % 5 + 1]}."} for n in range(ROWS)]
    other = [{"id": "f0", "question": "And the shelf?", "reference": "The shelf is new."}]
    for name, records in (("rows.jsonl", rows), ("full.jsonl", other), ("answers.jsonl", answers)):
        (folder / name).write_text("".join(json.dumps(each) + "\n" for each in records), encoding="utf-8")
    model = {"kind": "openai", "base_url": judging, "model": "simulated"}
    (folder / "models.yaml").write_text(yaml.safe_dump({"grader": model}), encoding="utf-8")
    prices = {"as_of": "2026-11-25", "models": {"grader": {"input": 1, "output": 1}}}
    (folder / "prices.yaml").write_text(yaml.safe_dump(prices), encoding="utf-8")
    rule = {"rules": [{"metric": "token_f1", "at_least": 0.1}]}
    app = {
        "name": "graded",
        "description": "Says how items are.",
        "target": {"kind": "answers", "path": "answers.jsonl"},
        "datasets": {"sample": "rows.jsonl", "full": "full.jsonl", "columns": {"reference": "reference"}},
        "scorers": [{"name": "token_f1"}, {"name": "relevance", "model": "grader"}],
        "gates": {"sample": rule, "release": rule},
        "explore": {"rank_by": "token_f1"},
        "labels": "labels.csv",
    }
    (folder / "app.yaml").write_text(yaml.safe_dump(app), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def calibrate(stack, lifecycle, graded):
    """Calibrates the app's judge by so many labels; its answers have been rated before, as an evaluation does."""

    def label(count):
        lines = [f"r{n},relevance,{n % 5 + 1}" for n in range(count)]
        (graded / "labels.csv").write_text("\n".join(["row_id,metric,label", *lines, ""]), encoding="utf-8")

    def run(labels, *options):
        label(labels)
        return lifecycle("run", "calibrate", "--app", str(graded), "--set", "reruns=2", "--json", *options)

    label(0)
    explored = lifecycle("run", "explore", "--app", str(graded))
    assert explored.returncode == 0, explored.stderr
    return run


def test_a_judge_is_calibrated_and_nothing_is_asked_twice(calibrate, judging):
    assert calls(judging)[CHAT] == ROWS, "the exploration has asked it about every answer"
    ended = calibrate(ROWS)
    assert ended.returncode == 0, ended.stderr
    document = json.loads(ended.stdout)
    (judge,) = document["judges"]
    assert (judge["metric"], judge["labels"], judge["fit"], judge["coverage"]) == ("relevance", ROWS, True, 1.0)
    assert 0.9 < judge["agreement"]["kappa"] < 1.0
    assert judge["agreement"]["confusion"][0] == [0, 6, 0, 0, 0]
    assert judge["noise"]["deviation"] == 0.0
    assert document["calls"] == {"made": ROWS, "reused": ROWS, "failed": 0, "skipped": 0}
    assert document["price"] > 0
    assert "/runs/" in document["links"]["relevance"]
    again = json.loads(calibrate(ROWS).stdout)
    assert again["judges"] == document["judges"]
    assert again["links"] == document["links"]
    assert calls(judging)[CHAT] == 2 * ROWS


def test_too_few_labels_and_no_judge_are_one_line_each(calibrate):
    few = calibrate(7)
    assert few.returncode == 1
    assert "judge relevance: 7 labels of stored answers; 20 are needed; run `lifecycle label" in few.stderr
    unlabelled = calibrate(0)
    assert "judge relevance: no labels; name a file of them with `labels` in app.yaml" in unlabelled.stderr
    none = calibrate(0, "--set", "scorers=[{name: token_f1}]")
    assert none.returncode == 2
    assert "names no judge; a judge is a scorer with a model" in none.stderr


def test_labels_of_its_own_answers_correct_the_judge_of_an_evaluation(calibrate, lifecycle, graded, judging):
    calibrate(0)
    given = [f"r{n},relevance,{n % 5 + 1},Item {n} is {WORDS[n % 5 + 1]}." for n in range(24)]
    (graded / "labels.csv").write_text("\n".join(["row_id,metric,label,answer", *given, ""]), encoding="utf-8")
    asked = calls(judging)[CHAT]
    ended = lifecycle("run", "evaluate", "--app", str(graded), "--json")
    assert ended.returncode == 0, ended.stderr
    assert calls(judging)[CHAT] == asked
    (relevance,) = (each for each in json.loads(ended.stdout)["estimates"] if each["metric"] == "relevance")
    assert relevance["method"] == "prediction-powered, 24 labels"
    assert relevance["judge_alone"] == pytest.approx(3.2)
    assert relevance["value"] < 3.2
    calibrated = lifecycle("run", "calibrate", "--app", str(graded), "--set", "reruns=2", "--json")
    (judge,) = json.loads(calibrated.stdout)["judges"]
    assert judge["people"]["value"] == pytest.approx(relevance["value"])
    assert judge["gain"] > 1
