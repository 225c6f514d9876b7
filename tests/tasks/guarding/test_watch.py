"""What an answer's watch lets go is final, so nothing forbidden is in it, however the answer is cut into pieces."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from configs.schema.guards import Guards, HarmGuard, LeakGuard, PiiGuard
from tasks.guarding.done import Done, GuardError
from tasks.guarding.watch import Watch

SECRET = (
    "You are the assistant of an outdoor equipment shop. Answer in one short sentence, only from the shop's documents, "
    "and end with the id of the document in brackets."
)
PII = Guards(output=(PiiGuard(kind="pii"),))
LEAK = Guards(output=(LeakGuard(kind="leak"),))
CALM = "The tent stands well in the wind and it is easy to pitch, as many people say. "


def written(guards, text, *, said=(), system=(SECRET,), passages=(), seed=0, size=6):
    """Writes an answer piece by piece and returns its watch, and each text that was let go."""
    watch, chance = Watch(guards, said), random.Random(seed)  # noqa: S311
    watch.told(system, passages)
    out = []
    while text:
        length = chance.randint(1, size)
        out.append(watch.add(text[:length]))
        text = text[length:]
    return watch, [*out, watch.end()]


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("EMAIL_ADDRESS", "jane.doe@example.com"),
        ("PHONE_NUMBER", "+1 212 555 0187"),
        ("CREDIT_CARD", "4111 1111 1111 1111"),
        ("IBAN_CODE", "DE89 3704 0044 0532 0130 00"),
    ],
)
def test_personal_data_are_redacted_across_pieces(kind, value, seed):
    text = f"{CALM}Write to {value} or ask again. {CALM}"
    watch, out = written(PII, text, seed=seed)
    assert "".join(out) == text.replace(value, f"<{kind}>")
    assert watch.done == [Done("pii", "output", "redact")]
    assert sum(map(bool, out)) > 1, "the rest is not held back"


@pytest.mark.parametrize("before", range(4))
@pytest.mark.parametrize(
    ("kind", "value"), [("PHONE_NUMBER", "+1 212 555 0187"), ("CREDIT_CARD", "4111 1111 1111 1111")]
)
def test_what_a_quotation_holds_back_begins_within_no_number(kind, value, before):
    guards = Guards(output=(PiiGuard(kind="pii"), LeakGuard(kind="leak")))
    text = f"{'so ' * before}it is {value} as you know. {CALM * 3}"
    _, out = written(guards, text, size=1)
    assert "".join(out) == text.replace(value, f"<{kind}>")


def test_personal_data_end_the_answer_where_they_are_to_be_blocked():
    guards = Guards(output=(PiiGuard(kind="pii", action="block"),))
    watch, out = written(guards, f"{CALM}Write to jane.doe@example.com or ask again. {CALM}")
    assert watch.blocked == "pii"
    assert CALM.startswith("".join(out)[: len(CALM)]) and "jane" not in "".join(out)


@pytest.mark.parametrize("where", ["said", "passages"])
def test_an_address_that_was_there_to_be_told_is_told(where):
    watch, out = written(PII, "Write to HELP@example.com.", **{where: ("Our desk is help@example.com, day and night",)})
    assert ("".join(out), watch.done) == ("Write to HELP@example.com.", [])


@pytest.mark.parametrize("seed", range(5))
def test_of_a_quotation_nothing_is_let_go(seed):
    watch, out = written(LEAK, f"{CALM}My rules: {SECRET}", seed=seed)
    assert watch.blocked == "leak" and watch.done == [Done("leak", "output", "block")]
    assert "".join(out).startswith("The tent") and "You are" not in "".join(out)


@pytest.mark.parametrize(
    "text",
    [
        f"{CALM}I am the assistant of an outdoor equipment shop.",
        "The shop's documents say so.",
        CALM * 5,
    ],
)
def test_what_shares_a_few_words_with_the_system_message_is_let_go_whole(text):
    watch, out = written(LEAK, text)
    assert ("".join(out), watch.blocked) == (text, "")


@pytest.mark.parametrize("where", ["said", "passages"])
def test_what_was_known_anyway_may_be_quoted(where):
    watch, out = written(LEAK, SECRET, **{where: (f"They told me: {SECRET}",)})
    assert ("".join(out), watch.blocked) == (SECRET, "")


def test_a_short_system_message_counts_whole():
    assert written(LEAK, "The word is: swordfish at dawn.", system=("Swordfish at dawn",))[0].blocked == "leak"


def test_harm_is_told_of_the_whole_answer():
    guards = Guards(output=(HarmGuard(kind="harm"),))
    watch, out = written(guards, f"{CALM * 3}you stupid fucking idiot")
    assert (watch.blocked, "".join(out)) == ("harm", "")
    watch, out = written(guards, CALM * 3)
    assert [each for each in out if each] == [CALM * 3]


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.sampled_from([*CALM.split(), "2", "12", "555", "jane@example.com", "[P01]", "\n"]), max_size=60),
    st.integers(0, 9),
)
def test_what_is_let_go_is_the_answer_as_it_would_be_redacted_whole(words, seed):
    text, guards = (
        " ".join(words),
        Guards(output=(PiiGuard(kind="pii", kinds=("EMAIL_ADDRESS",)), LeakGuard(kind="leak"))),
    )
    _, out = written(guards, text, seed=seed)
    assert "".join(out) == text.replace("jane@example.com", "<EMAIL_ADDRESS>")


def test_a_guard_that_fails_lets_nothing_go_and_says_nothing_of_the_text(monkeypatch):
    def fail(*_):
        raise ValueError("cannot read: the secret text")

    monkeypatch.setattr("tasks.guarding.watch.find", fail)
    with pytest.raises(GuardError, match="guard pii: ValueError at ") as failed:
        written(PII, "the secret text")
    assert "secret" not in str(failed.value)
