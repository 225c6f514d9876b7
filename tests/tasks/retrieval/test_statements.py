"""What a passage says, and what a question asks of its subject."""

import pytest

from tasks.retrieval.statements import Said, asked_of, said_in

TENT = "Larkspur 2: two-person tent; weight 1.9 kg; packed 44 x 14 cm. It has two doors."


def test_a_passage_is_taken_apart():
    assert said_in(TENT) == Said(
        "Larkspur 2", ("two-person tent", "weight 1.9 kg", "packed 44 x 14 cm.", "It has two doors.")
    )


def test_a_section_is_about_its_document_and_says_things_of_its_heading():
    assert said_in("Handbook › Warranty: Five years. Not for tears.") == Said(
        "Handbook", ("Warranty: Five years.", "Warranty: Not for tears.")
    )


def test_some_of_it_can_be_said_alone():
    assert said_in(TENT).text_of([2, 1]) == "Larkspur 2: packed 44 x 14 cm. weight 1.9 kg"
    assert said_in("It is light. It has doors").text_of([1]) == "It has doors"


@pytest.mark.parametrize(
    "text",
    [
        "It has two doors.",
        "It has two doors. One thing: they close.",
        "Opens at 10:30.",
        "The tent is waterproof and comes in these two fine colours: fern and slate.",
    ],
)
def test_a_passage_without_a_subject_has_none(text):
    assert said_in(text).subject == ""
    assert " ".join(said_in(text).statements) == text


@pytest.mark.parametrize("text", ["", "  \n ", "Larkspur 2: "])
def test_of_nothing_nothing_is_said(text):
    assert said_in(text).statements == ()


@pytest.mark.parametrize(
    ("question", "subject", "asked"),
    [
        ("How heavy is the Larkspur 2?", "Larkspur 2", "How heavy is the ?"),
        ("how heavy is the larkspur 2", "Larkspur 2", "how heavy is the"),
        ("What's the Larkspur’s weight?", "Larkspur 2", "What's the weight?"),
        ("Does the Larkspur 2 have 2 doors?", "Larkspur 2", "Does the have 2 doors?"),
        ("Is the Ranger's Pack light?", "Ranger's Pack", "Is the light?"),
        ("Larkspur 2 colours?", "Larkspur 2", "colours?"),
        ("Is the tent of two colours?", "Tent, and its colours", "Is the tent of two colours?"),
        ("Is the Rowan Hatchet lighter?", "Larkspur 2", "Is the Rowan Hatchet lighter?"),
        ("Which R-value does the Larkspur 2 have?", "Larkspur 2", "Which R-value does the have?"),
        ("Is the Rowan Hatchet lighter than the Kestrel’s?", "", "Is the lighter than the ?"),
        ("How do I stop the newsletter?", "Newsletter", "How do I stop the newsletter?"),
        ("Are gift cards sold for $500?", "Gift cards", "Are gift cards sold for $500?"),
        ("how heavy is it", "", "how heavy is it"),
        ("The Larkspur 2?", "Larkspur 2", "The ?"),
        ("Larkspur 2?", "Larkspur 2", ""),
        ("", "Larkspur 2", ""),
    ],
)
def test_names_are_not_what_is_asked(question, subject, asked):
    assert asked_of(question, subject) == asked
