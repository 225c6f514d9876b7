"""Curating a whole app, its sources written by the test."""

import asyncio
import json
from datetime import UTC, datetime

import pytest

from configs.errors import ConfigurationError, DataError
from configs.loading import load_app
from infra.simulator.behaviour import Behaviour
from infra.simulator.running import calls, simulated
from tasks.calling.answer import Answer, Latency, Outcome, Usage
from tasks.curating.contamination import leaks_in_words
from tasks.curating.curation import counted
from tasks.curating.gathering import gather
from tasks.curating.rows import curate_rows
from tasks.data.row import Message
from tasks.serving.record import record_store
from tasks.serving.served import Served
from tasks.workspace import open_workspace


@pytest.fixture
def curated():
    """Curates an app by its folder; returns the curation."""

    def run(folder):
        with open_workspace(folder) as workspace:
            return asyncio.run(curate_rows(workspace, gather(workspace)))

    return run


def serve(app, name, question, text, *, flags=(), row_id=""):
    answer = Answer(name, Outcome.OK, text, usage=Usage(1, 1), latency=Latency(1.0))
    messages = (Message("user", question),)
    with record_store(app) as store:
        store.add(Served(name, datetime(2026, 11, 1, tzinfo=UTC), "c" * 16, 1, row_id, messages, {}, answer, flags))


def test_production_and_requests_become_rows_that_say_where_they_come_from(make_app, fresh_row, curated):
    folder = make_app(production=[fresh_row("p1", about="P1", kind="fact")])
    serve("shop", "t1", "What of quite another thing, please?", "It is blue.")
    serve("shop", "t2", fresh_row("p1")["question"], "It is p1.", row_id="p1")
    done = curated(folder)
    assert [(item.source, item.row.id) for item in done.items] == [("production", "p1")]
    assert counted(done.apart) == {"unanswered": 1, "duplicate: same question": 1}
    assert [step["rows"] for step in done.funnel][:3] == [3, 3, 2]


def test_what_was_answered_is_taken_only_where_nothing_is_wrong_with_it(make_app, fresh_row, curated):
    folder = make_app({"traces": {"take_answers": True}}, production=[fresh_row("p1")])
    serve("shop", "good", "Is it blue or green or red?", "It is blue.")
    serve("shop", "flagged", "Whose number is that on the box?", "Jane's.", flags=("pii_leak",))
    serve("shop", "unsure", "Will it rain in the mountains tomorrow?", "I do not know.")
    done = curated(folder)
    assert {item.row.id: item.row.columns["reference"] for item in done.items if item.source == "traces"} == {
        "good": "It is blue."
    }
    assert counted(done.apart) == {"unanswered": 2}


def test_what_nobody_should_learn_from_is_set_apart_with_its_reason(make_app, fresh_row, curated):
    rows = [
        fresh_row("p1"),
        fresh_row("p2", question="Is my key AKIAIOSFODNN7EXAMPLE still valid with you?"),
        fresh_row("p3", question="What the fucking hell is this shit?"),
        fresh_row("p4", reference=""),
        fresh_row("p5", question="Write to jane@example.com about the tent that I ordered, will you?"),
    ]
    done = curated(make_app(production=rows))
    assert {each.item.row.id: each.reason for each in done.apart} == {
        "p2": "holds a secret",
        "p3": "swears",
        "p4": "unanswered",
    }
    assert done.redacted == 1
    assert "jane" not in repr(done)


def test_a_row_that_a_guarded_split_has_goes_nowhere_else(make_app, fresh_row, curated):
    held = fresh_row("f1", about="P1")
    folder = make_app(full=[held], production=[fresh_row("p1"), {**held, "id": "p2", "about": ""}])
    done = curated(folder)
    assert [item.row.id for item in done.items] == ["p1"]
    assert {each.item.row.id: each.reason for each in done.apart} == {"p2": "full has it already"}


def test_contaminated_splits_stop_it_and_the_rows_are_named(make_app, fresh_row, curated):
    question = "How long does the battery of the Glowpot Lantern last on one charge?"
    sample = fresh_row("s1", question=question, reference="It lasts 40 hours on one charge.")
    full = fresh_row("f1", question=f"Hello. {question} Thanks!", reference="It lasts 40 hours on one charge.")
    done = curated(make_app(sample=[sample], full=[full], production=[fresh_row("p1")]))
    assert [(leak.one.row.id, leak.other.row.id, leak.kind) for leak in done.leaks] == [
        ("s1", "f1", "nearly the same words")
    ]
    line = leaks_in_words(done.leaks)
    assert "sample row s1 and full row f1" in line
    assert "\n" not in line


def test_the_same_topic_is_no_contamination(make_app, fresh_row, curated):
    rows = [
        ("How heavy is the Larkspur 2?", "The Larkspur 2 weighs 1.9 kg."),
        ("How heavy is the Larkspur 4?", "The Larkspur 4 weighs 5.6 kg."),
        ("How wide is the Larkspur 2?", "The Larkspur 2 is 140 cm wide."),
        ("Can I stand upright in the Larkspur 2?", "I do not know."),
        ("Does the Larkspur 2 come in pink?", "I do not know."),
    ]
    made = [fresh_row(f"r{at}", question=q, reference=a, about="P1") for at, (q, a) in enumerate(rows)]
    done = curated(make_app(sample=made[::2], full=made[1::2], production=[fresh_row("p1")]))
    assert done.leaks == ()


def test_meanings_are_compared_where_a_model_is_named_and_asked_once(make_app, fresh_row, curated):
    with simulated() as address:
        # The simulated model's vectors hold words in no order: the same words mean the same to it.
        folder = make_app(
            {"embedding_model": "vectors"},
            address=address,
            sample=[fresh_row("s1", question="what is the fee for a top up with my card", reference="None.")],
            full=[fresh_row("f1", question="a fee with my card for the top up is what", reference="None.")],
            production=[fresh_row("p1")],
        )
        done = curated(folder)
        asked = calls(address)["/v1/embeddings"]
        assert [leak.kind for leak in done.leaks] == ["same meaning"]
        assert curated(folder).leaks == done.leaks
        assert calls(address)["/v1/embeddings"] == asked


def test_files_are_read_as_they_are_and_what_is_no_row_is_counted(make_app, fresh_row, curated, tmp_path):
    folder = make_app({"files": ["raw.csv"], "traces": None}, production=[fresh_row("p1")])
    (tmp_path / "shop" / "raw.csv").write_text(
        "question,reference\nWhat is a raw question about tents?,A row.\n,no question\n", encoding="utf-8"
    )
    done = curated(folder)
    assert [item.source for item in done.items] == ["production", "raw.csv"]
    assert [(each.where, "holds nothing" in each.cause) for each in done.broken] == [("line 3", True)]
    assert len(next(item for item in done.items if item.source == "raw.csv").row.id) == 16, "named by its content"


@pytest.mark.parametrize(
    ("name", "lines", "broken"),
    [
        (
            "raw.jsonl",
            [b'{"question": "Is it", ', b'{"question": "What of tents?", "reference": "A."}', b"[1]", b'{"q": "\xff"}'],
            [("line 1", "not valid JSON at column"), ("line 3", "found list"), ("line 4", "not UTF-8 at byte")],
        ),
        (
            "raw.csv",
            [b"question,reference", b"What of tents, please?,A.", b"What of tents?,A.", b"none"],
            [("line 2", "has 3 fields, the header 2"), ("line 4", "has 1 fields, the header 2")],
        ),
    ],
)
def test_a_line_that_cannot_be_read_is_set_apart_and_the_others_are_rows(
    make_app, fresh_row, curated, tmp_path, name, lines, broken
):
    folder = make_app({"files": [name], "traces": None}, production=[fresh_row("p1")])
    (tmp_path / "shop" / name).write_bytes(b"\n".join(lines))
    done = curated(folder)
    assert [item.row.question for item in done.items if item.source == name] == ["What of tents?"]
    assert [each.where for each in done.broken] == [where for where, _ in broken]
    for each, (where, said) in zip(done.broken, broken, strict=True):
        assert f"{name} {where}: {said}" in each.cause


def test_a_file_whose_lines_cannot_be_told_apart_stops_it(make_app, fresh_row, curated, tmp_path):
    folder = make_app({"files": ["raw.csv"], "traces": None}, production=[fresh_row("p1")])
    lines = 'question,reference\nWhat of tents?,A.\n"What of,B.\nWhat of beds?,C.\n'
    (tmp_path / "shop" / "raw.csv").write_text(lines, encoding="utf-8")
    with pytest.raises(DataError, match=r"raw.csv line 3: not valid CSV: .*; mend the quotes"):
        curated(folder)


def test_a_file_without_a_single_row_is_one_line(make_app, fresh_row, curated, tmp_path):
    folder = make_app({"files": ["raw.csv"]}, production=[fresh_row("p1")])
    (tmp_path / "shop" / "raw.csv").write_text("question,reference\n,a\n,b\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"raw.csv: none of its 2 records is a row: .* line 2"):
        curated(folder)


def test_three_rows_and_one_class_are_one_line_each(make_app, fresh_row, curated):
    rows = [fresh_row(f"p{at}", kind="fact") for at in range(3)]
    with pytest.raises(DataError, match="app shop: 3 of 3 rows are left, and at least 10 are needed") as few:
        curated(make_app({"least_rows": 10}, production=rows))
    with pytest.raises(DataError, match="holds 'fact' in all 3 rows; one class alone teaches nothing") as one:
        curated(make_app({"class_column": "kind"}, production=rows))
    assert "\n" not in f"{few.value}{one.value}"


@pytest.mark.parametrize(
    ("curate", "said"),
    [
        ({"datasets": ["full"]}, "names full, which models are measured by"),
        ({"splits": {"train": 0.8}}, "add up to 0.8"),
        ({"synthetic": {"teacher": "teacher"}}, "writes rows from documents; name them"),
        ({"embedding_model": "nothing"}, "unknown model 'nothing'"),
    ],
)
def test_what_cannot_be_meant_is_refused(make_app, curate, said):
    with pytest.raises(ConfigurationError, match=said):
        make_app(curate)


DOCUMENTS = [
    {"id": f"D{n}", "title": f"Tent {n}", "text": f"Tent {n} weighs {n} kg. It sleeps {n + 1} people in two rooms."}
    for n in range(1, 9)
]


def lesson(*rows):
    return json.dumps({"rows": [dict(zip(("question", "answer", "passage"), row, strict=True)) for row in rows]})


def teaching(curate=None, **split):
    synthetic = {"teacher": "teacher", "cite": True}
    return {"splits": {"train": 1.0}, "traces": None, "synthetic": synthetic, **(curate or {}), **split}


def test_a_teacher_s_rows_are_kept_only_where_they_stand_on_their_document(make_app, fresh_row, curated):
    taught = {
        1: lesson(("How heavy is tent 1?", "Tent 1 weighs 1 kg.", "Tent 1 weighs 1 kg.")),
        2: lesson(("How heavy is tent 2?", "Tent 2 weighs 9 kg.", "Tent 2 weighs 2 kg.")),
        3: lesson(("How heavy is tent 3?", "It weighs 3 kg.", "Tent 3 weighs about 3 kg.")),
        4: "Sure! Here are some questions.",
        5: lesson(("How heavy is tent 5?", "I do not know.", "Tent 5 weighs 5 kg.")),
        6: lesson(("Who was Napoleon?", "Tent 6 weighs 6 kg.", "Tent 6 weighs 6 kg.")),
        7: lesson(("How heavy is the tent 7?", "It weighs 7 kg.", "Tent 7 weighs 7 kg.")),
    }
    rules = [{"contains": f"Tent {number} weighs", "answer": answer} for number, answer in taught.items()]
    asked_before = fresh_row("p1", question="How heavy is the tent 7?", reference="It weighs 7 kg.", documents=[])
    with simulated(Behaviour(rules=rules)) as address:
        folder = make_app(
            teaching(),
            DOCUMENTS,
            address,
            columns={"reference": "reference", "cluster": "about", "documents": "documents", "slices": ["kind"]},
            full=[fresh_row("f1", about="D8", documents=["D8"])],
            sample=[fresh_row("s1", documents=[])],
            production=[asked_before],
        )
        done = curated(folder)
        made = [item for item in done.items if item.source == "synthetic"]
        assert [item.row.columns["reference"] for item in made] == ["Tent 1 weighs 1 kg. [D1]"]
        assert made[0].row.columns["passage"] == "Tent 1 weighs 1 kg."
        assert made[0].row.documents == ("D1",)
        assert {item.side for item in made} == {"train"}
        assert done.taught.asked == 7, "the document that the full data stands on is not asked about"
        assert done.taught.rejected == {
            "answer not supported by its passage": 1,
            "passage not in the document": 1,
            "unreadable reply": 1,
            "answers that it is not known": 1,
            "question about something else": 1,
        }
        assert counted(done.apart) == {"duplicate: same question": 1}
        asked = calls(address)["/v1/chat/completions"]
        assert [item.row.id for item in curated(folder).items] == [item.row.id for item in done.items]
        assert calls(address)["/v1/chat/completions"] == asked == 7


def test_an_incapable_teacher_is_one_line_and_the_rest_goes_on(make_app, fresh_row, curated):
    with simulated() as address:
        done = curated(make_app(teaching(), DOCUMENTS, address, production=[fresh_row("p1")]))
    assert [item.row.id for item in done.items] == ["p1"]
    assert done.taught.remark == (
        "teacher teacher wrote no row that stands on its document (unreadable reply 8); name a more capable model as "
        "`curate.synthetic.teacher`, or leave it out"
    )


def test_an_absent_teacher_is_one_line(make_app, fresh_row, curated):
    folder = make_app(teaching(), DOCUMENTS, "http://127.0.0.1:9/v1", production=[fresh_row("p1")])
    from configs.errors import EndpointError

    with pytest.raises(EndpointError, match="teacher teacher answered nothing: ") as error:
        curated(folder)
    assert "\n" not in str(error.value)


def test_the_budget_bounds_the_teacher(make_app, fresh_row):
    with simulated() as address:
        folder = make_app(teaching(), DOCUMENTS, address, production=[fresh_row("p1")])
        with open_workspace(folder, ("budget.calls=3",)) as workspace:
            done = asyncio.run(curate_rows(workspace, gather(workspace)))
        assert calls(address)["/v1/chat/completions"] == 3
    assert done.taught.rejected["not asked: the budget is used up"] == 5
    assert load_app(folder).app.curate.synthetic.per_passage == 3


def test_no_id_is_made_of_personal_data_that_could_be_guessed(make_app, fresh_row, curated, tmp_path):
    folder = make_app({"files": ["raw.jsonl"], "traces": None}, production=[fresh_row("p1")])

    def ids(*numbers):
        rows = [{"question": f"Why did +1 212 555 {each} call about my tent?", "reference": "We."} for each in numbers]
        (tmp_path / "shop" / "raw.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
        done = curated(folder)
        items = [*done.items, *(each.item for each in done.apart)]
        with open_workspace(folder) as workspace:
            told = gather(workspace).digests["raw.jsonl"]
        return [item.row.id for item in items if item.source == "raw.jsonl"], told

    two, one = ids("0187", "0188"), ids("0199", "0188")
    assert two == one, "another number of the same caller's changes no id and no digest"
    first, second = two[0]
    assert (len(first), second) == (16, f"raw.jsonl:{first}"), "and rows that are one now are still told apart"


def test_rows_whose_ids_were_personal_are_told_apart(make_app, fresh_row, curated):
    rows = [fresh_row("p1") | {"id": f"{name}@example.com"} for name in ("jane", "joe", "ann")]
    done = curated(make_app({"traces": None}, production=[*rows, fresh_row("p2")]))
    ids = [each.item.row.id for each in done.apart]
    [kept] = [item.row.id for item in done.items if item.row.id != "p2"]
    assert sorted(ids) == [f"production:{kept}", f"production:{kept}:2"]
    assert counted(done.apart) == {"duplicate: same question": 2}


def test_why_a_record_is_no_row_is_told_without_personal_data(make_app, fresh_row, curated, tmp_path):
    columns = {"reference": "reference", "answerable": "sure", "slices": ["kind"]}
    sure = {split: [fresh_row(split, sure=True)] for split in ("sample", "full", "production")}
    folder = make_app({"files": ["raw.jsonl"], "traces": None}, columns=columns, **sure)
    rows = [
        fresh_row("r1"),
        fresh_row("r2", sure="jane.doe@example.com"),
        fresh_row("jane.doe@example.com", question=""),
        # Shown to its 57th character, the address is no address any more.
        fresh_row("r3", sure=f"ask {'for ever and ' * 3}jane.doe@example.com"),
    ]
    (tmp_path / "shop" / "raw.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    broken = curated(folder).broken
    assert [each.where for each in broken] == ["line 2", "line 3", "line 4"]
    assert "'<EMAIL_ADDRESS>'" in broken[0].cause
    assert "jane" not in repr(broken)


def test_files_of_one_name_are_two_sources(make_app, fresh_row, curated, tmp_path):
    folder = make_app({"files": ["a/t.csv", "./b/t.csv", "b/t.csv"], "traces": None}, production=[fresh_row("p1")])
    for name in ("a", "b"):
        (tmp_path / "shop" / name).mkdir()
        lines = f"question,reference\nWhat is a raw question of {name * 9}?,A row.\n"
        (tmp_path / "shop" / name / "t.csv").write_text(lines, encoding="utf-8")
    with open_workspace(folder) as workspace:
        gathered = gather(workspace)
    assert gathered.read == {"production": 1, "sample": 1, "full": 1, "a/t.csv": 1, "b/t.csv": 1}
    assert gathered.digests["a/t.csv"] != gathered.digests["b/t.csv"]
    assert [item.source for item in curated(folder).items] == ["production", "a/t.csv", "b/t.csv"]


def test_a_raw_file_may_be_chat_lines(make_app, fresh_row, curated, tmp_path):
    folder = make_app({"files": ["chat.jsonl"], "traces": None}, production=[fresh_row("p1")])
    asked, answer = {"role": "user", "content": "What of tents?"}, {"role": "assistant", "content": "They are dry."}
    made = [[asked, answer], [asked], [{**asked, "content": "Is jane@example.com here?"}, {**answer, "weight": 2}]]
    lines = "".join(f"{json.dumps({'messages': each})}\n" for each in made)
    (tmp_path / "shop" / "chat.jsonl").write_text(lines, encoding="utf-8")
    done = curated(folder)
    [row] = [item.row for item in done.items if item.source == "chat.jsonl"]
    assert (row.question, row.reference, len(row.id)) == ("What of tents?", "They are dry.", 16)
    assert [each.where for each in done.broken] == ["line 2", "line 3"]
    assert "message 2 has the weight 2" in done.broken[1].cause
