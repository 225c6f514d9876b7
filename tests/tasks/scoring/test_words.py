import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.scoring.words import normalised, numbers, sentences, terms, tokens


@pytest.mark.parametrize(
    ("text", "cut"),
    [
        ("The Ridgeline's weight: 2.1kg!", ["the", "ridgeline's", "weight", "2.1", "kg"]),
        ("Costs 1,200.50, see [P12].", ["costs", "1200.50", "see", "p12"]),
        ("방수가 됩니다 2.1kg", ["방", "수", "가", "됩", "니", "다", "2.1", "kg"]),
        ("重2.1公斤", ["重", "2.1", "公", "斤"]),
        ("हिन्दी भाषा", ["हिन्दी", "भाषा"]),
        ("Ｆｕｌｌ　ｗｉｄｔｈ ２", ["full", "width", "2"]),
        ("Straße naïve don’t", ["strasse", "naïve", "don't"]),
        ("… — !", []),
    ],
)
def test_text_of_any_language_is_cut_into_tokens(text, cut):
    assert tokens(text) == cut


def test_numbers_are_those_that_stand_by_themselves():
    assert numbers("[P12] weighs 2.1kg, costs 1,200") == {"2.1", "1200"}
    assert numbers("무게는 2.1킬로, 重3公斤") == {"2.1", "3"}


def test_terms_meet_across_inflections_and_particles():
    assert terms("It weighs that much") & terms("The weight") == {"weigh"}
    assert terms("방수가 됩니다") & terms("완전 방수 제품") == {"방수"}
    assert "with" not in terms("with a tent")


def test_sentences_end_at_marks_and_lines_but_not_inside_numbers():
    assert sentences("It weighs 2.1 kg. It is blue!\nYes") == ["It weighs 2.1 kg.", "It is blue!", "Yes"]
    assert sentences("무게는 2.1 kg입니다. 방수입니다.") == ["무게는 2.1 kg입니다.", "방수입니다."]
    assert sentences("很好。再见") == ["很好。", "再见"]


@given(st.text())
def test_cutting_never_fails_and_leaves_nothing_empty(text):
    assert all(tokens(text))
    assert all(terms(text))
    assert all(part.strip() == part and part for part in sentences(text))


@given(st.text(st.characters(codec="ascii")))
def test_cutting_what_was_cut_changes_nothing(text):
    assert tokens(" ".join(tokens(text))) == tokens(text)
    assert normalised(normalised(text)) == normalised(text)
