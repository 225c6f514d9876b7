"""What the page says of limits and releases.

A limit is open as long as the last judged windows in a row of one candidate break it.
"""

from datetime import timedelta

import pytest

from tasks.pages.operations.gather import mark_of, open_limits
from tasks.releasing.entry import Entry

LIMIT = "f1 at least 0.9"


def test_a_limit_is_open_since_the_first_window_in_a_row_that_broke_it(window):
    windows = [window(1, broken=(LIMIT,)), window(2), window(3, broken=(LIMIT,)), window(4, broken=(LIMIT, "other"))]
    first, second = open_limits(windows)
    assert (first.limit, first.since, first.windows) == (LIMIT, windows[2].until, 2)
    assert (second.limit, second.windows) == ("other", 1)
    assert first.since - windows[0].until == timedelta(hours=2)


def test_a_window_that_was_not_judged_says_nothing(window):
    windows = [window(1, broken=(LIMIT,)), window(2, judged=False)]
    assert open_limits(windows)[0].windows == 1
    assert open_limits([window(judged=False)]) == ()


def test_limits_hold_again_or_belong_to_the_champion_before(window):
    assert open_limits([window(1, broken=(LIMIT,)), window(2)]) == ()
    [found] = open_limits([window(1, broken=(LIMIT,), candidate="old"), window(2, broken=(LIMIT,), candidate="new")])
    assert (found.windows, found.candidate) == (1, "new")
    assert open_limits([]) == ()


@pytest.mark.parametrize(
    ("stage", "evidence", "words", "kind"),
    [
        ("shadow", {}, "rollout of version 4 (candidate cccccccc): shadow", "step"),
        ("canary", {"share": 0.2}, "rollout of version 4 (candidate cccccccc): canary to 20% of the users", "step"),
        ("ended", {}, "rollout of version 4 (candidate cccccccc): ended", "abort"),
    ],
)
def test_steps_of_a_rollout_are_marked(stage, evidence, words, kind):
    mark = mark_of(entry(kind="stage", stage=stage, evidence=evidence))
    assert (mark.words, mark.kind, mark.who, mark.why) == (words, kind, "rollout", "evidence")


def test_what_changes_nobodys_answers_is_not_marked():
    assert [mark_of(entry(kind="stage", stage=stage)) for stage in ("proposed", "approved", "watch", "settled")] == [
        None
    ] * 4
    assert mark_of(entry(kind="intent")) is None
    assert mark_of(entry(kind="commit")).words == "release of version 4 (candidate cccccccc)"


def entry(**given):
    content = {"sequence": 1, "at": "2026-03-01T12:00:00+00:00", "action": "promote", "release": "r", "version": 4}
    content |= {"candidate": "c" * 16, "who": "rollout", "why": "evidence", "previous_hash": "", "hash": ""}
    return Entry.model_validate(content | given)
