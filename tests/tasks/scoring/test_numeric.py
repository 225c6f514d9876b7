import pytest

from tasks.scoring.numeric import numbers_in, numeric


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("It weighs 2.1kg, or 2,100 grams", [2.1, 2100]),
        ("1.200,5 and 1,200.5 and 1.200.000", [1200.5, 1200.5, 1200000]),
        ("2,5 Liter; 0,200 l", [2.5, 0.2]),
        ("1,2,3", [1, 2, 3]),
        ("P12 and B-52 and x_3", []),
        ("-5, −7, 3-4, +2", [-5, -7, 3, 4, 2]),
        ("1.5e3 and 2E-2 and 3em", [1500, 0.02, 3]),
        ("version 1.2.3", []),
        ("가격은 12,000원", [12000]),
        ("１２", [12]),
        ("none", []),
    ],
)
def test_numbers_are_read_as_people_write_them(text, found):
    assert numbers_in(text) == pytest.approx(found)


@pytest.mark.parametrize(
    ("settings", "text", "value"),
    [
        ({}, "First 3, then 42.", 1),
        ({}, "42, not 3", 0),
        ({"pick": "first"}, "42, not 3", 1),
        ({"pick": "any"}, "1, 42 or 3", 1),
        ({}, "42.1", 0),
        ({"absolute": 0.1}, "42.1", 1),
        ({"relative": 0.01}, "42.4", 1),
        ({"relative": 0.01}, "42.5", 0),
        ({}, "forty-two", 0),
    ],
)
def test_the_right_number_within_a_tolerance(row, answer, settings, text, value):
    assert numeric.rate(row(reference="42 kg"), answer(text), **settings).value == value


def test_the_number_may_be_a_cell_even_zero(row, answer):
    assert numeric.rate(row(columns={"n": 0}), answer("0 left"), column="n").value == 1
    assert numeric.rate(row(columns={"n": "many"}), answer("0"), column="n").value is None
