"""`lifecycle label`: each label is kept at once; whoever stops goes on where he was."""

import json

import pytest
import yaml
from typer.testing import CliRunner

from infra.cli.init import write_app
from infra.cli.main import app
from tasks.calling.answer import Answer, Outcome
from tasks.calling.endpoint import endpoint_model
from tasks.candidate import Candidate
from tasks.data.reading import read_dataset
from tasks.identity import digest
from tasks.judging.labels import kept_labels
from tasks.results.evaluation import Evaluation
from tasks.results.rows_file import NAME, RowsWriter, read_frames
from tasks.results.store import Store


@pytest.fixture
def helpdesk(fresh_settings):
    """An app with two judges, of which a candidate has answered the six sample rows; yields its folder."""
    from configs.loading import load_app

    folder = write_app("helpdesk", fresh_settings.home.parent / "helpdesk")
    content = yaml.safe_load((folder / "app.yaml").read_text(encoding="utf-8"))
    content["scorers"] += [{"name": name, "model": "smollm2-135m"} for name in ("relevance", "preference")]
    (folder / "app.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
    loaded = load_app(str(folder))
    dataset = read_dataset(loaded, "sample")
    model = endpoint_model("smollm2-135m", loaded.models["smollm2-135m"])
    candidate = Candidate(app="helpdesk", target=loaded.app.target, model="smollm2-135m", endpoint_model=model)
    store = Store(fresh_settings.folder("results", "helpdesk"))
    with store.part() as part:
        answers = [Answer(row.id, Outcome.OK, f"The answer to {row.id}.") for row in dataset.rows]
        with RowsWriter(part / NAME, (), ()) as writer:
            writer.write(tuple(dataset.rows), answers, [])
        frames, name = read_frames(part / NAME), digest("e")
        evaluation = Evaluation(
            name, name, candidate, "sample", dataset.digest, "first", *frames, estimates=(), file=part / NAME
        )
        store.save(evaluation)
    return folder, store


@pytest.fixture
def label(helpdesk):
    """Labels with what is typed; returns what was shown."""

    def run(typed, *arguments, metric="relevance"):
        command = ["label", "--app", str(helpdesk[0]), "--metric", metric, "--who", "kim", *arguments]
        return CliRunner().invoke(app, command, input=typed)

    return run


def test_labels_are_kept_with_who_when_and_of_which_answer(label, helpdesk):
    ended = label("4\n2\nq\n")
    assert ended.exit_code == 0
    first, second = kept_labels(helpdesk[1])
    assert (first.value, second.value, first.who, first.metric) == (4, 2, "kim", "relevance")
    assert first.at.startswith("20")
    assert "5: addresses every part of what was asked" in ended.output
    assert f"The answer to {first.row_id}." in ended.output
    assert "2 labels kept, 2 of relevance in all; 4 answers have none" in ended.output


def test_stopped_and_gone_on_with_no_answer_is_asked_twice(label, helpdesk):
    label("4\n2\n")  # then the input ends
    ended = label("s\n1\n1\n1\n1\n1\n1\n")
    rows = [each.row_id for each in kept_labels(helpdesk[1])]
    assert len(rows) == len(set(rows)) == 5
    assert "3 labels kept, 5 of relevance in all; 1 answers have none" in ended.output


def test_what_is_not_on_the_scale_is_asked_again(label, helpdesk):
    ended = label("6\nfour\n-1\n5\nq\n")
    assert ended.output.count("not on the scale: a whole number from 1 to 5, s or q") == 3
    assert [each.value for each in kept_labels(helpdesk[1])] == [5]


def test_in_half_of_the_pairs_the_answer_stands_second_and_the_label_is_turned(label, helpdesk):
    label("1\n" * 6, metric="preference")
    kept = kept_labels(helpdesk[1])
    assert {each.value for each in kept} == {1, -1}
    assert all(each.value == (-1 if int(each.answer, 16) % 2 else 1) for each in kept)


def test_only_so_many_are_asked(label, helpdesk):
    label("3\n" * 6, "--rows", "2")
    assert len(kept_labels(helpdesk[1])) == 2


def test_a_metric_without_a_judge_is_refused(label):
    ended = label("", metric="token_f1")
    assert "no judge 'token_f1'; known are relevance, preference" in str(ended.exception)


def test_without_answers_there_is_nothing_to_label(fresh_settings):
    folder = write_app("empty", fresh_settings.home.parent / "empty")
    content = yaml.safe_load((folder / "app.yaml").read_text(encoding="utf-8"))
    content["scorers"].append({"name": "relevance", "model": "smollm2-135m"})
    (folder / "app.yaml").write_text(json.dumps(content), encoding="utf-8")
    ended = CliRunner().invoke(app, ["label", "--app", str(folder), "--metric", "relevance"])
    assert "no answers to label are stored; run evaluate first" in str(ended.exception)
