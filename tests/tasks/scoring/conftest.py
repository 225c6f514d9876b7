"""Rows and answers in few words."""

import pytest

from tasks.calling.answer import Answer, Outcome, Passage
from tasks.data.row import Message, Row


@pytest.fixture
def row():
    def make(question="How heavy is it?", **facts):
        return Row("r1", (Message("user", question),), **facts)

    return make


@pytest.fixture
def answer():
    def make(text, *context, **facts):
        passages = tuple(Passage(f"P{number}", each) for number, each in enumerate(context, start=1))
        return Answer("r1", facts.pop("outcome", Outcome.OK), text, context=passages, **facts)

    return make
