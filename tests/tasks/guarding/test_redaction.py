"""Personal data are found where the scorer finds them, in a text of any length, and in time."""

import csv
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.guarding.redaction import TooMuchError, redact
from tasks.scoring.personal import personal_data_in, without

REAL = Path(__file__).parents[4] / "shared" / "data"
PERSONAL = {
    "EMAIL_ADDRESS": "jane.doe@example.com",
    "PHONE_NUMBER": "+1 212 555 0187",
    "CREDIT_CARD": "4111 1111 1111 1111",
    "IBAN_CODE": "DE89 3704 0044 0532 0130 00",
    "IP_ADDRESS": "203.0.113.77",
}
WORDS = [
    "the",
    "tent",
    "P20",
    "2",
    "$289",
    "1.9 kg",
    "44 x 14 cm",
    "방수",
    "주문",
    "at 12:30",
    "order 48213",
    "[P01]:",
    "\n",
]


def whole(text):
    """Returns a text without personal data, as the recognisers find them that see all of it."""
    return without(text, personal_data_in(text))


@pytest.mark.parametrize(("kind", "value"), PERSONAL.items())
@pytest.mark.parametrize("around", ["{}", "Use {} from now on.", "x " * 5_000 + "{}" + " y" * 5_000, "전화는 {}입니다"])
def test_each_kind_is_replaced_by_its_name(kind, value, around):
    assert redact(around.format(value)).text == around.format(f"<{kind}>")


def test_only_the_kinds_that_count():
    assert redact("jane@example.com at 203.0.113.77", ("IP_ADDRESS",)).text == "jane@example.com at <IP_ADDRESS>"


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.sampled_from([*WORDS, *PERSONAL.values(), "::1", "fe80::1ff:fe23:4567:890a", "ｊａｎｅ＠example.com"]),
        max_size=25,
    )
)
def test_it_is_what_the_recognisers_find_in_the_whole_text(parts):
    text = " ".join(parts)
    assert redact(text).text == whole(text)


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet="a1@.:-+( )é０＠방\n", max_size=60))
def test_it_loses_nothing_that_the_recognisers_find_in_any_text(text):
    assert redact(text).text == whole(text)


@pytest.mark.parametrize(
    "piece", ["a", "a.", "a.a@", "1", "1 ", "+1 212 555 0187 ", "1.1.1.1 ", "a:b:", "::", "@", " @ ", "A1", "방1"]
)
def test_a_megabyte_of_anything_is_seen_in_small_pieces_or_refused(piece, monkeypatch):
    seen = []

    def see(text, kinds):
        seen.append(len(text))
        return personal_data_in(text, kinds)

    monkeypatch.setattr("tasks.guarding.redaction.personal_data_in", see)
    with suppress(TooMuchError):
        redact(piece * (1_000_000 // len(piece)))
    assert max(seen, default=0) <= 600 and sum(seen) < 30_000


def test_numbers_without_end_are_looked_at_as_far_as_time_allows():
    row = " ".join(f"{number} 4111 1111 1111 1111" for number in range(10, 600))
    assert redact(row).text.count("<CREDIT_CARD>") > 500
    with pytest.raises(TooMuchError):
        redact(row * 10)


@pytest.mark.skipif(not REAL.exists(), reason="../shared/data is absent")
def test_real_questions_without_personal_data_are_left_as_they_are():
    with (REAL / "banking77" / "train.csv").open() as file:
        asked = [row["text"] for row in csv.DictReader(file)][::10]
    assert [text for text in asked if redact(text).found] == []


def test_recognisers_are_loaded_without_what_they_do_not_use():
    code = (
        "import sys; from tasks.guarding.redaction import redact;"
        "said = redact('a@example.com').text; print('torch' in sys.modules, said)"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said == "False <EMAIL_ADDRESS>\n"
