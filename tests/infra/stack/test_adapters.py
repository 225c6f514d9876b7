import pytest

from infra.stack.adapters import Served, with_adapter

FULL = Served(slots=("a", "b", "c"), added=("a", "b", "c"))


def test_a_new_adapter_takes_a_free_place():
    assert with_adapter(FULL, "d", None, 4) == Served(slots=("a", "b", "c", "d"), added=("a", "b", "c", "d"))


def test_the_oldest_gives_its_place_to_a_new_one_and_the_others_keep_theirs():
    found = with_adapter(FULL, "d", None, 3)
    assert found == Served(slots=("d", "b", "c"), added=("b", "c", "d"))
    assert with_adapter(found, "e", None, 3).slots == ("d", "e", "c")


def test_a_champions_adapter_is_never_given_up():
    held = with_adapter(FULL, "a", "shop", 3)
    assert held.slots == FULL.slots
    assert with_adapter(held, "d", None, 3).slots == ("a", "d", "c")


def test_where_all_are_champions_one_more_is_held():
    held = FULL.model_copy(update={"champions": {"one": "a", "two": "b", "three": "c"}})
    assert with_adapter(held, "d", None, 3).slots == ("a", "b", "c", "d")


def test_a_champion_that_was_replaced_may_go():
    held = with_adapter(with_adapter(FULL, "a", "shop", 3), "c", "shop", 3)
    assert with_adapter(held, "d", None, 3).slots == ("d", "b", "c")


@pytest.mark.parametrize("name", ["a", "c"])
def test_one_that_is_held_changes_nothing(name):
    assert with_adapter(FULL, name, None, 3) == FULL
