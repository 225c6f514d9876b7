"""Rollouts without a server: a release log in a folder, and answers made by hand."""

from datetime import UTC, datetime, timedelta

import pytest

from configs.schema.release import Rollout as Rules
from tasks.calling.answer import Answer, Latency, Outcome
from tasks.data.row import Message
from tasks.releasing.log import ReleaseLog
from tasks.rollout.measures import Measure
from tasks.rollout.observing import Observations
from tasks.rollout.placing import Placed
from tasks.rollout.stages import rollout_of
from tasks.serving.served import Served

NOON = datetime(2026, 11, 29, 12, tzinfo=UTC)


def answered(n, arm="champion", share=0.2, *, ok=True, person=None, gone=False, text="yes", seconds=1.0):
    """Returns one served request of a rollout."""
    outcome = Outcome.SKIPPED if gone else Outcome.OK if ok else Outcome.APP_ERROR
    return Served(
        id=f"r{n}" if arm != "shadow" else f"r{n}-copy",
        at=NOON + timedelta(seconds=n),
        candidate="new" if arm in ("canary", "shadow", "watch") else "old",
        version=2 if arm in ("canary", "shadow", "watch") else 1,
        row_id="",
        messages=(Message("user", "Is it waterproof?"),),
        columns={},
        answer=Answer(f"r{n}", outcome, text if ok else "", latency=Latency(seconds), price=0.01),
        placed=Placed("rel", arm, share, person or f"person {n}"),
    )


@pytest.fixture(scope="session")
def answer():
    return answered


@pytest.fixture
def rules():
    return Rules.model_validate(
        {"shares": [0.05, 0.2], "answers": 10, "metrics": [{"metric": "error_rate", "margin": 0.05}]}
    )


@pytest.fixture
def seen():
    return Observations([Measure("error_rate", 0.05, None)], {}, ("i do not know",))


@pytest.fixture
def log(tmp_path):
    return ReleaseLog(tmp_path / "shop.jsonl")


@pytest.fixture
def begun(log):
    """Returns a rollout at a stage, after the steps that lead there."""

    def begin(*stages, share=0.2, promoted=False):
        facts = {
            "action": "promote",
            "candidate": "new",
            "version": 2,
            "previous_candidate": "old",
            "previous_version": 1,
            "who": "minji",
            "why": "better",
        }
        for stage in stages:
            log.append("stage", stage=stage, release="rel", evidence={"share": share}, **facts)
            if promoted and stage == "canary":
                log.append("commit", release="rel", **facts)
        return rollout_of(log.entries())

    return begin
