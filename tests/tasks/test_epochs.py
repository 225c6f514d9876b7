import os
import time
from datetime import UTC, datetime, timedelta, timezone

import pytest

from tasks.epochs import current_epoch, epoch_due, open_epoch
from tasks.writing import write_whole


def test_an_app_stays_in_its_epoch_until_a_new_one_is_opened(tmp_path):
    folder = tmp_path / "results"
    before = current_epoch(folder)
    assert current_epoch(folder) == before

    opened = open_epoch(folder)

    assert opened != before
    assert current_epoch(folder) == opened


@pytest.mark.parametrize("opened_before", [False, True])
def test_answers_expire_after_some_days(tmp_path, opened_before):
    folder = tmp_path / "results"
    if opened_before:
        write_whole(folder / "epoch", b"2026-01-01T00:00:00Z")
    before = current_epoch(folder, reuse_days=7)
    assert current_epoch(folder, reuse_days=7) == before
    eight_days_ago = time.time() - 8 * 86_400
    os.utime(folder / "epoch", (eight_days_ago, eight_days_ago))
    assert current_epoch(folder) == before, "without a setting they never do"
    after = current_epoch(folder, reuse_days=7)
    assert after != before
    assert current_epoch(folder, reuse_days=7) == after


def test_a_run_that_is_tried_again_stays_in_the_epoch_of_the_time_it_was_due():
    due = datetime(2026, 3, 1, 5, 0, tzinfo=UTC)
    same_moment = due.astimezone(timezone(timedelta(hours=9)))
    assert epoch_due(due) == epoch_due(same_moment) == "2026-03-01T05:00:00Z"
