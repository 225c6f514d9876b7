"""The page of a release says what was released, on what evidence, by whom and why, and whether the log is whole."""

import pytest

from configs.settings import settings
from tasks.gating.verdict import RuleVerdict
from tasks.releasing.log import release_log
from tasks.releasing.page import release_page
from tasks.releasing.promote import promote
from tasks.results.evaluation import Evaluation
from tasks.results.store import Store
from tasks.statistics.estimate import Estimate


class Workspace:
    """A workspace, as far as a page reads it."""

    name = "shop"

    def __init__(self):
        self.store = Store(settings().folder("results", "shop"))


@pytest.fixture
def released(world, verdicts, evaluate, save, tmp_path, monkeypatch):
    monkeypatch.setenv("LIFECYCLE_HOME", str(tmp_path))
    settings.cache_clear()
    workspace = Workspace()
    first, version = world.register("first")
    promote(first, version, parts=world.parts, bootstrap=True, who="loop@shop", why="the exploration's best")
    second, version = world.register("second | piped")
    estimate = Estimate(
        metric="token_f1", value=0.8123, low=0.7, high=0.9, n=40, coverage=0.975, confidence=0.95, method="t"
    )
    evaluation = evaluate({"token_f1": [0.8] * 3})
    estimated = Evaluation(
        "e1", "e1", second, "full", "data-digest", "first", evaluation.rows, evaluation.scores, (estimate,)
    )
    save(workspace.store, estimated)
    for candidate in (first, second):
        workspace.store.save_candidate(candidate)
    rule = RuleVerdict(
        rule="token_f1 at least 0.7", metric="token_f1", decision="PASS", reason="0.81 [0.70, 0.90]", estimate=estimate
    )
    decided = tuple(v.model_copy(update={"evaluations": ("e1",), "rules": (rule,)}) for v in verdicts(second))
    evidence = {"datasets": {"sample": "s-digest", "full": "data-digest"}}
    promote(second, version, parts=world.parts, verdicts=decided, evidence=evidence, who="민지", why="더 나은 답")
    assert world.log.path == release_log("shop").path
    yield workspace, world
    settings.cache_clear()


def test_a_page_says_everything_about_a_release(released):
    workspace, world = released
    entry = world.log.committed()
    page = release_page(workspace, entry)
    for said in (
        f"| candidate | {entry.candidate} |",
        f"| champion before | {entry.previous_candidate}, version 1 |",
        "| who | 민지 |",
        "| why | 더 나은 답 |",
        f"| when | {entry.at} |",
        "second \\| piped",
        "| full | data-digest |",
        "**release: PASS**",
        "| token_f1 at least 0.7 | PASS | 0.81 [0.70, 0.90] |",
        "## Metrics on shop/full",
        "| token_f1 | 0.812 | 0.7 to 0.9 (95%) | 40 | 0.97 | t |",
        "Intact: 4 entries",
        "hello? → hello",
    ):
        assert said in page, said


def test_the_page_of_a_bootstrap_says_that_no_gate_judged_it(released):
    workspace, world = released
    page = release_page(workspace, world.log.entries()[1])
    assert "**Bootstrap: no gate has judged this candidate.**" in page
    assert "| champion before | none |" in page


def test_the_page_of_an_altered_log_names_the_entry(released):
    workspace, world = released
    entry = world.log.committed()
    world.log.path.write_bytes(world.log.path.read_bytes().replace(b"loop@shop", b"nobody@shop"))
    assert "**Broken:**" in release_page(workspace, entry) and "entry 1 was altered" in release_page(workspace, entry)


def test_a_release_by_stages_shows_who_took_each_step_and_why(released):
    workspace, world = released
    facts = {"action": "promote", "release": "rel", "candidate": "third", "version": 3}
    world.log.append("stage", stage="proposed", who="minji", why="its gates passed", **facts)
    shown = {"evidence": {"share": 0.2}, "who": "rollout", "why": "50 answers | none is worse"}
    entry = world.log.append("stage", stage="canary", **shown, **facts)
    page = release_page(workspace, entry)
    assert f"| {entry.at[:19]} | canary, 20% of the users | rollout | 50 answers \\| none is worse |" in page
    assert "| proposed | minji | its gates passed |" in page
