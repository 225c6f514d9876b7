from configs.loading import load_app
from tasks.turn import open_turn, turn_id


def test_a_turn_that_is_run_again_keeps_the_champion_it_began_with(tmp_path):
    first = open_turn(tmp_path, "turn", "bootstrap")
    again = open_turn(tmp_path, "turn", "released-by-that-turn")
    assert again == first
    assert again.baseline == "bootstrap"


def test_another_question_is_another_turn(tmp_path):
    loaded = load_app("outfitter")
    datasets = {"sample": "1", "full": "2"}
    ids = [
        turn_id(loaded, datasets, ("a", "b"), "first"),
        turn_id(loaded, datasets, ("a", "c"), "first"),
        turn_id(loaded, {**datasets, "full": "3"}, ("a", "b"), "first"),
        turn_id(loaded, datasets, ("a", "b"), "second"),
        turn_id(load_app("outfitter", ("loop.max_rounds=1",)), datasets, ("a", "b"), "first"),
    ]
    assert len(set(ids)) == len(ids)


def test_schedules_and_the_order_of_candidates_make_no_new_turn():
    loaded = load_app("outfitter")
    rescheduled = load_app("outfitter", ("schedules.evaluate.cron='0 6 * * *'",))
    assert turn_id(loaded, {}, ("a", "b"), "first") == turn_id(rescheduled, {}, ("b", "a"), "first")
