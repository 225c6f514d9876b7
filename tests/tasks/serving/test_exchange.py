"""What a reply says of who answers, and what it does not."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from tasks.calling.answer import Answer, Outcome
from tasks.calling.failures import FailureKind
from tasks.calling.passed import NOTHING, Passed
from tasks.data.row import Message, Row
from tasks.rollout.placing import Placed
from tasks.serving.exchange import Exchange
from tasks.serving.responder import Reply

ROW = Row(id="r1", messages=(Message("user", "hi"),), columns={})
FORM = Passed({"response_format": {"type": "json_object"}}, ())


@dataclass
class Failing:
    """A champion whose model fails, and what was recorded."""

    failure: FailureKind
    recorded: list[Any] = field(default_factory=list)
    candidate: str = "c"
    version: int = 1

    @property
    def responder(self):
        return self

    def price(self, _usage):
        return None

    async def stream(self, row, *_):
        yield Reply(Answer(row.id, Outcome.APP_ERROR, cause="answered 400"), failure=self.failure)

    def record_soon(self, served):
        self.recorded.append(served)


async def recorded(failure, passed, arm="canary"):
    """Returns what is recorded of a request that fails on one side of a rollout."""
    champion = Failing(failure)
    placed = Placed("rel", arm, 0.5, "minji")
    exchange = Exchange("r1", datetime.now(UTC), champion, ROW, "", "", champion, placed, passed)
    ended = []
    [reply] = [each async for each in exchange.replies(ended.append)]
    assert ended == [reply]
    [served] = champion.recorded
    return served.answer.outcome, served.placed and served.placed.arm


async def test_a_form_that_the_model_refuses_says_nothing_of_who_is_on_trial():
    assert await recorded(FailureKind.REJECTED, FORM) == (Outcome.SKIPPED, None)


@pytest.mark.parametrize(
    ("failure", "passed", "arm"),
    [
        (FailureKind.REJECTED, NOTHING, "canary"),
        (FailureKind.SERVER_ERROR, FORM, "canary"),
        (FailureKind.REJECTED, FORM, "shadow"),  # the champion has answered it
    ],
)
async def test_every_other_failure_is_that_of_who_answers(failure, passed, arm):
    assert await recorded(failure, passed, arm) == (Outcome.APP_ERROR, arm)
