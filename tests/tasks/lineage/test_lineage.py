"""The chain behind a candidate, from what is stored."""

import pytest

from configs.errors import ConfigurationError
from configs.schema.augment import Recipe
from configs.schema.finetune import Finetune
from configs.schema.target import PromptTarget
from configs.settings import settings
from tasks.augmenting.attribution import Attributed, Attribution
from tasks.augmenting.change import Change
from tasks.candidate import Candidate, LoraAdapter
from tasks.curating.versions import Manifest, Version
from tasks.lineage.finding import found
from tasks.lineage.lineage import Known, lineage_of
from tasks.releasing.log import release_log
from tasks.results.store import Store
from tasks.tuning.adapters import Card, Point
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


def test_a_digests_beginning_finds_it_in_any_app_and_the_champion_needs_one(known):
    assert found(TUNED.digest[:6], None).candidate == TUNED
    release_log("shop").append(
        "commit", action="promote", release="R1", candidate=TUNED.digest, version=3, who="me", why="better"
    )
    assert found("champion", "shop").candidate == TUNED
    assert found("3", "shop").candidate == TUNED
    with pytest.raises(ConfigurationError, match="'champion' is of an app: name it with --app"):
        found("champion", None)
    with pytest.raises(ConfigurationError, match="app shop never released version 4"):
        found("4", "shop")
    with pytest.raises(ConfigurationError, match="no candidate begins so"):
        found("zzzz", None)
