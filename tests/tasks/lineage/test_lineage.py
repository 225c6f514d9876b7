"""The chain behind a candidate, from what is stored."""

import json

import pytest

from configs.errors import ConfigurationError
from configs.schema.augment import Recipe
from configs.schema.finetune import Finetune
from configs.schema.hosted import HostedTuning
from configs.schema.target import PromptTarget
from configs.settings import settings
from tasks.augmenting.attribution import Attributed, Attribution
from tasks.augmenting.change import Change
from tasks.candidate import Candidate, HostedModel, LoraAdapter
from tasks.curating.versions import Manifest, Version
from tasks.identity import digest
from tasks.lineage.finding import found
from tasks.lineage.lineage import Known, lineage_of
from tasks.releasing.log import release_log
from tasks.results.marks import mark
from tasks.results.store import Store
from tasks.tuning.adapters import Card, Point
from tasks.tuning.hosted.cards import keep_card
from tasks.writing import write_whole


def candidate(**changes):
    return Candidate(
        app="shop", target=PromptTarget(kind="prompt"), model="chat", endpoint_model="chat at x", **changes
    )


FIRST = candidate()
TUNED = candidate(adapter=LoraAdapter(digest="a1", base="chat at x"), move="tuned", parent=FIRST.digest)
LOOKED_AT = Attributed(row="r1", metric="exact", cause="format", question="q", answer="a")


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("LIFECYCLE_HOME", str(tmp_path))
    settings.cache_clear()
    yield tmp_path
    settings.cache_clear()


@pytest.fixture
def known(home):
    """What is stored of an app whose second candidate was fitted to curated rows, and why."""
    store = Store(home / "results" / "shop")
    for each in (FIRST, TUNED):
        store.save_candidate(each)
    card = Card(
        digest="a1",
        base="chat at x",
        app="shop",
        parent=FIRST.digest,
        move="tuned",
        data={"train": "d1", "index": "i1"},
        settings=Finetune(),
        losses=(Point(step=0, side="held_out", value=2.0), Point(step=9, side="held_out", value=0.5)),
        facts={"steps": 9.0, "rows": 40.0, "seconds": 3.0},
    )
    write_whole(home / "adapters" / "a1" / "card.json", card.model_dump_json().encode())
    change = Change(
        candidate=TUNED.digest,
        base=FIRST.digest,
        move=Recipe(name="tuned"),
        materials="m",
        why="3 of 4 looked at",
        attribution=Attribution(
            candidate=FIRST.digest, gate="sample", rules=("exact at least 0.5",), failures=4, looked_at=(LOOKED_AT,)
        ),
    )
    manifest = Manifest(
        app="shop",
        settings={},
        sources={"production": "p1"},
        guarded={},
        splits={"train": "d1"},
        rows={"train": 40},
        funnel=(),
        apart={"repeated": 2},
        balance={},
    )
    return Known(store, home, (), (change,), (Version("v1", home, manifest),))


def by_what(link, what):
    return [each for each in link.made_of if each.what == what]


def test_an_adapter_leads_to_its_rows_and_they_to_the_production_that_they_were_curated_from(known):
    (adapter,) = by_what(lineage_of(known, TUNED), "adapter")
    assert adapter.facts["held-out loss"] == "2.000 → 0.500"
    assert adapter.facts["fitted"] == "9 steps, 40 rows, 3 s"
    (data,) = by_what(adapter, "data train")
    (version,) = by_what(data, "curated version")
    assert (data.name, version.name, version.facts) == ("d1", "v1", {"set apart": "repeated 2"})
    assert [(each.name, each.facts["digest"]) for each in version.made_of] == [("production", "p1")]
    assert by_what(adapter, "index")[0].facts == {"file": "not on this machine"}


def test_a_change_says_why_and_leads_to_what_was_there_before(known):
    (change,) = by_what(lineage_of(known, TUNED), "change")
    assert change.facts == {"why": "3 of 4 looked at", "looked at": f"{FIRST.digest} at the sample gate: format 1"}
    (before,) = change.made_of
    assert (before.what, before.name) == ("candidate", FIRST.digest)
    assert not by_what(before, "change")


def test_an_adapter_whose_card_is_elsewhere_is_named_all_the_same(known):
    alone = TUNED.model_copy(update={"adapter": LoraAdapter(digest="gone", base="chat at x")})
    (adapter,) = by_what(lineage_of(known, alone), "adapter")
    assert adapter.facts == {"base": "chat at x", "card": "not on this machine"}


def test_the_parent_of_an_adapter_is_the_candidates_own_where_the_same_weights_were_made_of_another(known):
    other = TUNED.model_copy(update={"parent": "another"})
    (adapter,) = by_what(lineage_of(known, other), "adapter")
    assert adapter.facts["parent"] == "another"


def test_a_hosted_model_leads_to_its_base_its_settings_and_the_teacher_with_its_terms(known, home):
    model = HostedModel(model="ft:chat:1", job="ftjob-1")
    card = Card(
        digest=digest(model),
        base="chat at x",
        app="shop",
        parent=FIRST.digest,
        move="tuned",
        data={"train": "d1", "distilled": "t1"},
        settings=Finetune(hosted=HostedTuning(model="chat", batch=4)),
        losses=(),
        facts={"steps": 9.0, "rows": 40.0, "seconds": 3.0, "price": 0.5},
    )
    keep_card(home, card)
    about = {
        "teacher": {"model": "large", "endpoint_model": "large at x", "candidate": "c"},
        "terms": "Apache-2.0, its weights'",
        "rows": [{"row_id": "r1"}, {"row_id": "r2"}],
        "dropped": {"exact below 1": 3},
    }
    write_whole(known.store.folder / "distilled" / "t1.json", json.dumps(about).encode())
    hosted = candidate(adapter=model, move="tuned", parent=FIRST.digest)
    (link,) = by_what(lineage_of(known, hosted), "hosted model")
    assert link.name == "ft:chat:1"
    assert link.facts == {
        "job": "ftjob-1",
        "base": "chat at x",
        "fitted": "9 steps, 40 rows, 3 s, $0.5000",
        "settings": "3 epochs, batch 4, seed 7, last checkpoint",
        "held-out loss": "nothing was held out",
        "parent": FIRST.digest,
    }
    assert by_what(link, "data train")
    (taught,) = by_what(link, "data distilled")
    assert taught.facts == {"terms": "Apache-2.0, its weights'", "kept": "2 rows", "left out": "3 exact below 1"}
    assert [(each.what, each.name, each.facts) for each in taught.made_of] == [
        ("teacher", "large", {"stands for": "large at x"})
    ]
    (alone,) = by_what(
        lineage_of(known, candidate(adapter=HostedModel(model="ft:other", job="ftjob-2"))), "hosted model"
    )
    assert alone.facts == {"job": "ftjob-2", "card": "not on this machine"}


def test_a_digests_beginning_finds_it_in_any_app_and_the_champion_needs_one(known):
    assert found(TUNED.digest[:6], None).candidate == TUNED
    release_log("shop").append(
        "commit", action="promote", release="R1", candidate=TUNED.digest, version=3, who="me", why="better"
    )
    assert found("champion", "shop").candidate == TUNED
    assert found("3", "shop").candidate == found("v3", "shop").candidate == TUNED
    with pytest.raises(ConfigurationError, match="app shop has no latest candidate yet"):
        found("latest", "shop")
    mark(Store(settings().folder("results", "shop")), "latest", TUNED)
    assert found("latest", "shop").candidate == TUNED
    with pytest.raises(ConfigurationError, match="'best' is of an app: name it with --app"):
        found("best", None)
    with pytest.raises(ConfigurationError, match="'champion' is of an app: name it with --app"):
        found("champion", None)
    with pytest.raises(ConfigurationError, match="app shop never released version 4"):
        found("4", "shop")
    with pytest.raises(ConfigurationError, match="no candidate begins so"):
        found("zzzz", None)
