import pytest

from tasks.retrieval.names import holds, names_in


@pytest.mark.parametrize(
    ("question", "names"),
    [
        ("How heavy is the Larkspur 2 tent?", ("larkspur 2",)),
        ("How long does ice last in the Badger Cooler?", ("badger cooler",)),
        ("Is the Kestrel 12 kg or less?", ("kestrel",)),
        ("Weight of the Teal Knife's handle? And of the Wren Cap", ("teal knife", "wren cap")),
        ("When can I come on a Tuesday in March?", ()),
        ("Returns? How do they work.", ()),
        ("how heavy is the larkspur", ()),
        ("A tent, as I'm tall, with UV cover, sent to the US?", ()),
        ("Does the Larkspur UV weigh more, now that I’ve two?", ("larkspur uv",)),
        ("라크스퍼 텐트는 얼마나 무거운가요?", ()),
    ],
)
def test_names_are_capitalised_inside_a_sentence(question, names):
    assert names_in(question) == names


@pytest.mark.parametrize(
    ("name", "passage", "held"),
    [
        ("larkspur 2", "Larkspur 2: a tent", True),
        ("larkspur 2", "Larkspur 4: a tent for 20", False),
        ("larkspurr", "LARKSPUR 2", True),
        ("walrus", "the Warlock bag", False),
        ("wren", "the wrench", False),
        ("alder axe", "Alder Axes are forged", True),
    ],
)
def test_a_slip_is_forgiven_a_number_is_not(name, passage, held):
    assert holds(passage, (name,)) is held


def test_no_names_are_held_by_anything():
    assert holds("anything", ())
