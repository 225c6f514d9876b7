"""Swearing and an app's own phrases are found, also in a long and polite text."""

import pytest

from tasks.guarding.harm import is_harmful


def test_swearing_is_recognised():
    assert is_harmful("you stupid fucking idiot", 0.8)
    assert not is_harmful("How heavy is the Larkspur 2?", 0.8)


def test_politeness_around_it_hides_nothing():
    assert is_harmful("The tent is well made. " * 1_000 + "you stupid fucking idiot " * 20, 0.8)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Where do I buy a GUN license?", True),
        ("g\u200bun license", True),
        ("a gun, license it", True),
        ("begun licenses", False),
        ("이 칼날로 사람을", True),
    ],
)
def test_an_app_s_own_phrases_are_found_word_by_word(text, found):
    assert is_harmful(text, 1.0, ("gun license", "칼날")) is found
