from tasks.retrieval.fusing import fused
from tasks.retrieval.lexical import Lexical, search_terms
from tasks.retrieval.vectors import Near


def test_words_numbers_and_pairs_of_characters():
    assert search_terms("The Larkspur’s 2,5kg tent") == ["the", "larkspur", "s", "2,5", "kg", "tent"]
    assert search_terms("방수 배낭은 帐篷很轻 A") == ["방수", "배낭", "낭은", "帐篷", "篷很", "很轻", "a"]


def test_korean_is_found_whatever_particle_is_glued_to_it():
    lexical = Lexical(("텐트가 가볍습니다", "배낭은 방수입니다"))
    assert [near.at for near in lexical.nearest("방수가 되는 배낭", 5)] == [1]


def test_what_shares_nothing_is_not_found_and_ties_come_in_order():
    lexical = Lexical(("a red tent", "a blue bag", "a red tent", ""))
    assert [near.at for near in lexical.nearest("red", 5)] == [0, 2]
    assert [near.at for near in lexical.nearest("red", 1)] == [0]
    assert lexical.nearest("green", 5) == []


def test_an_index_without_a_word():
    assert Lexical(("!", "?")).nearest("red", 3) == []


def test_fusion_adds_reciprocal_ranks_and_breaks_ties_by_the_index():
    first, second = [Near(3, 0.9), Near(1, 0.5)], [Near(2, 7.0), Near(1, 6.0)]
    found = fused((first, second), 60)
    assert [near.at for near in found] == [1, 2, 3]
    assert found[0].score == round(2 / 62, 9)
    assert fused(()) == []
