import resource
import subprocess
import sys
import threading
from contextlib import contextmanager

import pandas as pd
import pytest

from configs.errors import DataError
from configs.schema.model import Price
from configs.schema.target import HttpTarget, PromptTarget
from tasks.calling.answer import Answer, Latency, Outcome, Passage, Usage
from tasks.candidate import Candidate, Prompt, TemplateMessage
from tasks.data.row import Message, Row
from tasks.gating.verdict import Decision, Verdict
from tasks.results.evaluation import Evaluation, evaluation_id
from tasks.results.rows_file import NAME, RowsWriter, read_frames
from tasks.results.store import Store
from tasks.scoring.score import Score
from tasks.statistics.estimate import Estimate


def candidate(model="one"):
    prompt = Prompt(name="bare", messages=(TemplateMessage(role="user", template="{{ question }}"),))
    return Candidate(app="tiny", target=PromptTarget(kind="prompt"), prompt=prompt, model=model)


def evaluation(part, model="one"):
    rows = [
        Row("r1", (Message("user", "How heavy?"),), "2.1 kg", ("P1",), "tent", True, {"kind": "fact"}),
        Row("r2", (Message("user", "방수가 되나요?"),), answerable=False, slices={"kind": ""}),
        Row("r3", (Message("user", "?"),)),
    ]
    answers = [
        Answer(
            "r1",
            Outcome.OK,
            "2.1 kg",
            messages=(Message("user", "p"),),
            context=(Passage("P1", "kg", 0.5),),
            usage=Usage(3, 2),
            latency=Latency(1, 0.5, 0.1),
            price=0.25,
            attempts=1,
        ),
        Answer("r2", Outcome.APP_ERROR, cause="status 500"),
        Answer("r3", Outcome.SKIPPED, cause="budget"),
    ]
    scores = [Score("r1", "exact", 1.0), Score("r2", "exact", None, "x", Outcome.APP_ERROR), Score("r3", "exact", None)]
    estimates = (
        Estimate(metric="exact", value=1, low=0.2, high=1, n=1, coverage=0.5, confidence=0.95, method="wilson"),
    )
    made = candidate(model)
    name = evaluation_id(made.digest, "data", ("exact:1:",), "first")
    with RowsWriter(part / NAME, ["kind"], ["exact"]) as writer:
        writer.write(rows[:2], answers[:2], scores[:2])
        writer.write(rows[2:], answers[2:], scores[2:])
    return Evaluation(name, name, made, "sample", "data", "first", *read_frames(part / NAME), estimates, part / NAME)


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "results" / "tiny")


def save(store, model="one"):
    with store.part() as part:
        return store.save(evaluation(part, model))


def test_an_evaluation_comes_back_as_it_was(store):
    saved = save(store)
    found = store.load(saved.id)
    assert found.file == saved.file
    pd.testing.assert_frame_equal(found.rows, saved.rows)
    pd.testing.assert_frame_equal(found.scores, saved.scores)
    assert (found.candidate, found.estimates, found.epoch) == (saved.candidate, saved.estimates, "first")
    assert found.candidate.digest == saved.candidate.digest
    assert found.scores["exact.applies"].tolist() == [True, True, False]
    assert found.rows["outcome"].tolist() == ["ok", "app_error", "skipped"]
    assert found.rows["cluster"].tolist() == ["tent", "r2", "r3"]


def test_whole_rows_are_read_from_the_file_in_order(store):
    found = store.load(save(store).id)
    first, second, third = found.whole_rows()
    assert first["context"] == [{"id": "P1", "text": "kg", "score": 0.5}]
    assert first["messages"] == [{"role": "user", "content": "p"}]
    assert (second["question"], second["documents"], second["why.exact"]) == ("방수가 되나요?", [], "x")
    assert [row["row_id"] for row in found.whole_rows(first=1)] == ["r1"]
    assert list(found.whole_rows({"r3"})) == [third]


def test_what_was_never_saved_is_not_there(store):
    assert store.load("0" * 16) is None
    assert store.load_candidate("0" * 16) is None
    assert store.list() == ()
    assert store.verdicts() == ()


def test_saving_twice_changes_nothing(store):
    saved = save(store)
    before = {path: path.stat().st_mtime_ns for path in store.folder.rglob("*") if path.is_file()}
    assert save(store).file == saved.file
    assert {path: path.stat().st_mtime_ns for path in store.folder.rglob("*") if path.is_file()} == before


def test_evaluations_are_listed_newest_first_without_their_tables(store):
    for model in ("one", "two", "three"):
        save(store, model)
    listed = store.list()
    assert [each.candidate for each in listed] == [candidate(model).digest for model in ("three", "two", "one")]
    assert (listed[0].split, listed[0].dataset, listed[0].epoch) == ("sample", "data", "first")


def test_candidates_and_verdicts_come_back_as_they_were(store):
    store.save_candidate(candidate())
    assert store.load_candidate(candidate().digest) == candidate()
    verdict = Verdict(gate="sample", decision=Decision.PASS, candidate="c", champion=None, evaluations=("e",), rules=())
    other = verdict.model_copy(update={"candidate": "d", "decision": Decision.FAIL})
    name = store.save_verdict(verdict)
    assert store.save_verdict(verdict) == name
    store.save_verdict(other)
    assert store.verdicts("c") == (verdict,)
    assert store.verdicts() == (other, verdict)
    store.save_verdict(verdict)
    assert store.verdicts() == (verdict, other), "what was decided last is the newest, whenever it was decided first"


def test_many_may_save_the_same_at_once(store):
    threads = [threading.Thread(target=save, args=(store,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    [saved] = store.list()
    assert [path.name for path in (store.folder / "evaluations").iterdir()] == [saved.id]


@contextmanager
def disk_of(size):
    """No file of this process grows past `size` bytes, as on a disk that is full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.fault
@pytest.mark.parametrize("size", [0, 2_000])
def test_a_full_disk_is_one_line_and_leaves_nothing_half_written(store, size):
    with disk_of(size), pytest.raises(DataError, match="cannot be written") as error:
        save(store)
    assert "\n" not in str(error.value)
    assert list((store.folder / "evaluations").iterdir()) == []
    assert store.load(save(store).id) is not None


@pytest.mark.fault
def test_a_candidate_on_a_full_disk_is_not_there(store):
    with disk_of(10), pytest.raises(DataError, match="free disk space"):
        store.save_candidate(candidate())
    assert store.load_candidate(candidate().digest) is None
    assert list((store.folder / "candidates").iterdir()) == []


def test_a_damaged_file_says_what_to_do(store):
    store.save_candidate(candidate())
    (store.folder / "candidates" / f"{candidate().digest}.json").write_text("{")
    with pytest.raises(DataError, match="is damaged"):
        store.load_candidate(candidate().digest)


def test_the_store_is_imported_without_its_heavy_parts():
    heavy = "import sys; import tasks.results.store; print({'pandas', 'pyarrow'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", heavy], capture_output=True, text=True, check=True).stdout == "set()\n"


def test_an_evaluation_is_named_by_its_price_as_well():
    asked = ("candidate", "data", ("exact:1:",), "first")
    names = {evaluation_id(*asked, price) for price in (None, Price(input=1, output=2), Price(input=1, output=3))}
    assert len(names) == 3
    assert evaluation_id(*asked, Price(input=1, output=2)) == evaluation_id(*asked, Price(input=1.0, output=2.0))


def test_how_patiently_a_service_is_called_makes_no_other_candidate():
    def of(**changes):
        return Candidate(app="tiny", target=HttpTarget(kind="http", url="http://127.0.0.1:1/ask", **changes)).digest

    assert of() == of(timeout_s=5, retries=0, concurrency=2)
    assert of() != of(answer="choices.0.text")


def test_what_a_killed_process_left_is_removed_and_what_another_one_makes_is_not(store):
    left = store.folder / "evaluations" / ".left"
    left.mkdir(parents=True)
    (left / NAME).write_bytes(b"half")
    with store.part() as one, store.part() as other:
        assert not left.exists()
        assert one.is_dir()
        assert other.is_dir()
    assert list((store.folder / "evaluations").iterdir()) == []


def test_a_page_lies_beside_its_evaluation_and_a_later_one_takes_its_place(tmp_path):
    store = Store(tmp_path)
    with store.part() as part:
        saved = store.save(evaluation(part))
    for text in ("first", "방수 \ud800"):
        file = store.save_page(saved, "verdict-sample.html", text)
    assert file.parent == saved.file.parent
    assert file.read_text(encoding="utf-8") == "방수 ?"
    assert store.load(saved.id).id == saved.id
