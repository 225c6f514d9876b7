from datetime import UTC, datetime, timedelta, timezone

from tasks.epochs import current_epoch, epoch_due, open_epoch


def test_an_app_stays_in_its_epoch_until_a_new_one_is_opened(tmp_path):
    folder = tmp_path / "results"
    before = current_epoch(folder)
    assert current_epoch(folder) == before

    opened = open_epoch(folder)

    assert opened != before
    assert current_epoch(folder) == opened


def test_a_run_that_is_tried_again_stays_in_the_epoch_of_the_time_it_was_due():
    due = datetime(2026, 3, 1, 5, 0, tzinfo=UTC)
    same_moment = due.astimezone(timezone(timedelta(hours=9)))
    assert epoch_due(due) == epoch_due(same_moment) == "2026-03-01T05:00:00Z"
