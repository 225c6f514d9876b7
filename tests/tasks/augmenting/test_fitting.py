"""Which move is tried next."""

from configs.schema.augment import Augment
from tasks.augmenting.fitting import mends, next_move

MOVES = Augment.model_validate({
    "moves": [
        {"name": "tuned", "kind": "finetune", "prompt": "cited", "top_k": 1},
        {"name": "examples", "prompt": "cited", "examples": 2},
        {"name": "documents", "top_k": 1},
        {"name": "more", "top_k": 3},
        {"name": "search", "kind": "search_retrieval", "top_k": 1},
    ]
}).moves  # fmt: skip


def chosen(tried, *causes):
    choice = next_move(MOVES, tried, causes)
    return choice.move.name if choice else None


def test_the_cheapest_move_that_fits_the_most_frequent_cause_is_tried_first():
    assert chosen((), ("format", 2), ("retrieval", 5)) == "documents"
    assert chosen((), ("format", 5), ("retrieval", 2)) == "examples"


def test_moves_that_cost_the_same_come_in_their_own_order_and_dearer_ones_after_them():
    assert chosen({"documents"}, ("retrieval", 5)) == "more"
    assert chosen({"documents", "more"}, ("retrieval", 5)) == "search"
    assert chosen({"documents", "more", "search"}, ("knowledge", 5)) == "tuned"


def test_where_none_fits_the_first_cause_the_next_cause_counts_and_then_any_move():
    assert chosen({"examples", "tuned"}, ("format", 5), ("retrieval", 1)) == "documents"
    assert chosen({"examples", "tuned"}, ("format", 5)) == "documents"
    assert chosen({"documents", "more", "search", "examples", "tuned"}, ("format", 5)) is None


def test_without_causes_the_cheapest_is_tried():
    assert chosen(()) == "examples"


def test_why_names_the_cause_and_how_many_rows_had_it():
    why = next_move(MOVES, (), (("retrieval", 5), ("format", 2))).why
    assert why == (
        "5 of 7 looked at: no document that holds the answer was put before the model; "
        "the cheapest change for that is documents"
    )


def test_what_a_recipe_mends_follows_from_what_it_changes():
    assert mends(MOVES[2]) == {"retrieval", "knowledge"}
    assert mends(MOVES[1]) == {"context", "format", "refusal"}


def test_references_that_fail_themselves_are_not_blamed_on_the_model():
    why = next_move(MOVES, (), (("scorer", 3), ("retrieval", 1))).why
    assert why.endswith("is documents; 3 of 4 would fail with their own reference: mend those or the scorer")
    assert next_move(MOVES, (), (("scorer", 4),)).why.startswith(
        "no move fits the causes; the cheapest that is left is"
    )
