"""Changes that were made, and which of them need not be tried again."""

from dataclasses import replace

from configs.schema.augment import Recipe
from infra.simulator.running import simulated
from tasks.augmenting.change import Change, changes_of, materials_of, save_change, tried
from tasks.calling.asking import Spend
from tasks.gating.verdict import Decision, Verdict
from tasks.journal.journal import Journal
from tasks.results.store import Store
from tasks.workspace import Workspace


def workspace_on(loaded, journal, folder):
    return Workspace(loaded, "first", Spend(loaded.app.budget), journal, Store(folder / "results"), folder)


def configured(loaded, *moves):
    augment = loaded.app.augment.model_copy(update={"moves": moves})
    return replace(loaded, app=loaded.app.model_copy(update={"augment": augment}))


def test_a_move_counts_as_tried_once_a_gate_has_decided_on_what_it_made(make_app, make_candidate, tmp_path):
    move, other = Recipe(name="documents", top_k=1), Recipe(name="examples", examples=2)
    with simulated() as address, Journal(tmp_path / "journal.db") as journal:
        loaded = configured(make_app(address), move, other)
        (tmp_path / "documents.jsonl").write_text('{"id": "A", "text": "A."}\n', encoding="utf-8")
        workspace = workspace_on(loaded, journal, tmp_path)
        base, made = make_candidate(loaded), make_candidate(loaded, ("user", "{{question}}"))
        change = Change(
            candidate=made.digest,
            base=base.digest,
            move=move,
            materials=materials_of(workspace),
            why="why",
            attribution=None,
        )
        save_change(workspace, change)
        assert changes_of(workspace.store) == (change,)
        assert tried(workspace, base) == frozenset()

        workspace.store.save_verdict(
            Verdict(
                gate="sample",
                decision=Decision.FAIL,
                candidate=made.digest,
                champion=None,
                evaluations=(),
                rules=(),
            )
        )
        assert tried(workspace, base) == {"documents"}
        assert tried(workspace, made) == frozenset()

        otherwise = configured(loaded, move.model_copy(update={"top_k": 2}), other)
        assert tried(workspace_on(otherwise, journal, tmp_path), base) == frozenset()

        (tmp_path / "documents.jsonl").write_text('{"id": "A", "text": "B."}\n', encoding="utf-8")
        assert tried(workspace_on(loaded, journal, tmp_path), base) == frozenset()
