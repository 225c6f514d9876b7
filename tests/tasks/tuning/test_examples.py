"""Training rows are asked as serving asks them: the same prompt and retriever, about the documents they are about."""

import json

import pytest
import yaml

from configs.errors import ConfigurationError, DataError
from configs.schema.augment import FineTune
from configs.schema.distillation import Bound, Distillation
from configs.schema.finetune import Finetune
from configs.schema.hosted import HostedTuning
from configs.settings import settings
from infra.simulator.running import simulated
from tasks.augmenting.change import materials_of
from tasks.augmenting.recipe import augmented
from tasks.calling.preparing import Preparer
from tasks.candidates import read_prompts
from tasks.curating.item import TRACE, Item
from tasks.curating.versions import REVIEWED, Manifest, save_version
from tasks.data.row import Message, Row
from tasks.retrieval.asking import finder_of
from tasks.retrieval.index import load_index
from tasks.tuning.elsewhere import tuned_elsewhere
from tasks.tuning.examples import training_material
from tasks.workspace import open_workspace

MOVE = FineTune(kind="finetune", name="tuned", top_k=1)
ROWS = [
    {"id": "t1", "question": "the heavy tent", "reference": "2 kg [T]", "answerable": True},
    {"id": "t2", "question": "the gas stove", "reference": "I do not know.", "answerable": False},
    {"id": "t3", "question": "the light pack", "reference": "1 kg [P]", "answerable": True},
    *(
        {"id": f"t{at}", "question": f"the heavy tent, size {at}", "reference": f"size {at} [T]", "answerable": True}
        for at in range(4, 11)
    ),
]
DISTILL = Distillation(teacher="chat", terms="Apache-2.0, its weights'", keep=(Bound(metric="exact", at_least=0),))


def lines(rows):
    return "\n".join(json.dumps(row) for row in rows)


@pytest.fixture
def shop(make_app, tmp_path, monkeypatch):
    monkeypatch.setenv("LIFECYCLE_HOME", str(tmp_path / "home"))
    settings.cache_clear()
    with simulated() as address:
        make_app(address, price=None)
        app = yaml.safe_load((tmp_path / "app.yaml").read_text(encoding="utf-8"))
        app["datasets"] |= {"train": "train.jsonl", "columns": {"reference": "reference", "answerable": "answerable"}}
        app["budget"] = {"unpriced": ["vectors", "chat"]}
        (tmp_path / "app.yaml").write_text(yaml.safe_dump(app), encoding="utf-8")
        prompt = "system:\nBe brief.\n\nuser:\n{{documents}}\n{{question}}\n"
        (tmp_path / "prompt.prompty").write_text(prompt, encoding="utf-8")
        (tmp_path / "train.jsonl").write_text(lines(ROWS), encoding="utf-8")
        asked = {"id": "r1", "question": "Why?", "reference": "So.", "answerable": True}
        (tmp_path / "rows.jsonl").write_text(lines([asked]), encoding="utf-8")
        documents = [{"id": "N1", "text": "a new tent"}, {"id": "N2", "text": "a new stove"}]
        (tmp_path / "documents.jsonl").write_text(lines(documents), encoding="utf-8")
        old = [{"id": "T", "text": "the heavy tent"}, {"id": "P", "text": "the light pack"}]
        (tmp_path / "old.jsonl").write_text(lines(old), encoding="utf-8")
        with open_workspace(str(tmp_path)) as workspace:
            yield workspace
    settings.cache_clear()


async def test_prompts_are_those_that_serving_makes(shop, make_candidate):
    base = make_candidate(shop.loaded, prompt=read_prompts(shop.loaded)[0])
    material = await training_material(shop, base, MOVE, Finetune())
    candidate = await augmented(shop, base, MOVE)

    index = load_index(shop.indexes, candidate.retrieval.index)
    served = Preparer(candidate, shop.loaded, finder_of(candidate.retrieval, index, shop.loaded, "served"))
    expected = [(await served.prepare(row)).messages for row in shop.dataset("train").rows]
    assert [example.messages for example in material.examples] == expected
    assert [example.answer for example in material.examples] == [row["reference"] for row in ROWS]
    assert material.data["index"] == candidate.retrieval.index
    assert material.data["train"] == shop.dataset("train").digest


async def test_rows_about_other_documents_are_asked_about_those(shop, make_candidate):
    base = make_candidate(shop.loaded, prompt=read_prompts(shop.loaded)[0])
    material = await training_material(shop, base, MOVE, Finetune(documents="old.jsonl"))
    served = await augmented(shop, base, MOVE)
    assert material.data["index"] != served.retrieval.index
    texts = [example.messages[-1].content for example in material.examples]
    assert "[T] the heavy tent" in texts[0]
    assert "[P] the light pack" in texts[2]
    # What it does not find it shows wrongly, as when it serves.
    assert "[T]" in texts[1] or "[P]" in texts[1]


async def test_what_people_reviewed_is_learnt_too_and_asked_about_the_app_s_own_documents(shop, make_candidate):
    base = make_candidate(shop.loaded, prompt=read_prompts(shop.loaded)[0])
    before = await training_material(shop, base, MOVE, Finetune(documents="old.jsonl"))
    materials = materials_of(shop)
    values = {"id": "chatcmpl-1", "question": "a new stove", "reference": "3 kg [N2]", "answerable": True}
    row = Row("chatcmpl-1", (Message("user", "a new stove"),), "3 kg [N2]", answerable=True, columns=values)
    manifest = Manifest(
        app="shop",
        settings={},
        sources={},
        guarded={},
        splits={"train": "r" * 16},
        rows={"train": 1},
        funnel=(),
        apart={},
        balance={},
    )
    item = Item(row, REVIEWED, TRACE, "train")
    save_version(shop.home, manifest, {"train": [item]}, [], [], pointer=REVIEWED)

    material = await training_material(shop, base, MOVE, Finetune(documents="old.jsonl"))
    assert material.examples[:-1] == before.examples
    assert "[N2] a new stove" in material.examples[-1].messages[-1].content
    assert material.data[REVIEWED] == "r" * 16
    assert material.data["examples"] != before.data["examples"]
    assert materials_of(shop) != materials, "a change that was tried without them counts as not tried"


async def test_the_share_of_unanswerable_rows_is_what_was_asked_for(shop, make_candidate):
    material = await training_material(shop, make_candidate(shop.loaded), MOVE, Finetune(unanswerable=0))
    assert [example.row_id for example in material.examples] == [row["id"] for row in ROWS if row["answerable"]]


async def test_a_teacher_is_asked_no_more_than_the_share(shop, make_candidate):
    settings = Finetune(unanswerable=0, distill=DISTILL)
    material = await training_material(shop, make_candidate(shop.loaded), MOVE, settings)
    assert [example.row_id for example in material.examples] == [row["id"] for row in ROWS if row["answerable"]]


async def test_what_no_teacher_answered_teaches_nothing(shop, make_candidate):
    move = MOVE.model_copy(update={"min_score": 0.7, "otherwise": "I do not know."})
    settings = Finetune(documents="old.jsonl", distill=DISTILL)
    material = await training_material(shop, make_candidate(shop.loaded), move, settings)
    assert [example.row_id for example in material.examples] == [row["id"] for row in ROWS if row["answerable"]]


@pytest.mark.parametrize("distill", [None, DISTILL])
async def test_too_few_rows_say_what_was_left_out_and_by_which_key(shop, make_candidate, distill):
    settings = Finetune(documents="old.jsonl", distill=distill)
    with pytest.raises(
        DataError, match=r"train\.jsonl: 2 training rows are too few; .*of 10 rows were left out: 8 for"
    ) as few:
        await training_material(
            shop, make_candidate(shop.loaded), MOVE, settings.model_copy(update={"unanswerable": 0.5})
        )
    assert str(few.value).endswith("8 for the share that `finetune.unanswerable` asks for")
    move = MOVE.model_copy(update={"min_score": 0.9, "otherwise": "I do not know."})
    with pytest.raises(DataError, match=r"of 10 rows were left out: 8 answered by `otherwise`, without the model"):
        await training_material(shop, make_candidate(shop.loaded), move, settings)


async def test_rows_of_one_answer_are_refused_whoever_trains(shop, make_candidate, tmp_path):
    (tmp_path / "train.jsonl").write_text(lines({**row, "reference": "Yes."} for row in ROWS), encoding="utf-8")
    hosted = Finetune(hosted=HostedTuning(model="chat"))
    with pytest.raises(DataError, match=r"train\.jsonl: all 10 training rows have the same answer, 'Yes\.'"):
        await tuned_elsewhere(shop, make_candidate(shop.loaded), MOVE, hosted, hosted.hosted)


async def test_without_training_rows_the_key_is_named(make_app, make_candidate, tmp_path, monkeypatch):
    monkeypatch.setenv("LIFECYCLE_HOME", str(tmp_path / "home"))
    settings.cache_clear()
    loaded = make_app("http://127.0.0.1:1/v1", budget={"unpriced": ["vectors", "chat"]})
    (tmp_path / "documents.jsonl").write_text(lines([{"id": "N1", "text": "a new tent"}]), encoding="utf-8")
    with (
        open_workspace(str(tmp_path)) as workspace,
        pytest.raises(ConfigurationError, match=r"key `datasets\.train` is not set"),
    ):
        await training_material(workspace, make_candidate(loaded), MOVE, Finetune())
