import pytest

from configs.errors import DataError
from tasks.candidate import RerankChoice, RetrievalChoice
from tasks.retrieval.finding import Finder

TEXTS = (
    "Larkspur 2: a tent of 1.9 kg; two doors",
    "Larkspur 4: a tent of 5.6 kg; two rooms",
    "Returns: goods go back within thirty days",
    "Repairs: we repair zips and poles of any tent",
)


@pytest.fixture
def find(index_of, means):
    async def run(question, texts=TEXTS, **choice):
        choice = RetrievalChoice(index="i" * 16, **{"top_k": 2, **choice})
        return await Finder(choice, index_of(*texts), means).find(question, "ann")

    return run


async def test_by_vectors_as_before_and_the_question_belongs_to_who_asked(find, means, index_of):
    found = await find("goods go back")
    vector = (await means.embed(["goods go back"], ""))[0]
    assert found == index_of(*TEXTS).search(vector, 2)
    assert means.asked[0] == ("goods go back", "ann")


async def test_by_words_nothing_is_embedded_and_a_rare_word_counts_more(find, means):
    found = await find("zips of a tent", search="lexical")
    assert found[0].id == "D3"
    assert means.asked == []


async def test_by_words_a_question_without_a_common_word_finds_nothing(find):
    assert await find("방수 가방", search="lexical") == ()
    assert await find("", search="lexical") == ()


async def test_hybrid_puts_first_what_both_rank_high(find):
    found = await find("zips tent", search="hybrid", fusion_constant=60, top_k=4)
    assert found[0].id == "D3"
    assert found[0].score == pytest.approx(2 / 61)
    assert len(found) == 4  # the vectors rank all of them


async def test_what_is_not_near_enough_is_not_shown_whatever_finds_it(find):
    for search in (None, "lexical", "hybrid"):
        assert [each.id for each in await find("goods go back within thirty days", search=search, min_score=0.5)] == [
            "D2"
        ]
        assert await find("goods elsewhere entirely unlike", search=search, min_score=0.5) == ()


async def test_a_name_that_is_in_no_document_shows_nothing(find):
    assert await find("How heavy is the Dunlin 2 tent?", named_only=True) == ()
    assert [each.id for each in await find("How heavy is the Larkspur 4 tent?", named_only=True)] == ["D1"]
    assert len(await find("how heavy is a tent?", named_only=True)) == 2


async def test_a_passage_that_does_not_say_what_was_asked_is_not_shown(find, means):
    shown = {"top_k": 1, "min_statement_score": 0.6}
    assert [each.id for each in await find("Has the Larkspur 2 two doors", **shown)] == ["D0"]
    assert await find("Has the Larkspur 2 a green flysheet", **shown) == ()
    assert ("Has the a green flysheet", "ann") in means.asked  # belongs to who asked, as the question does
    assert "two doors" in means.parts_asked
    assert [each.id for each in await find("Larkspur 2", **shown)] == ["D0"]  # nothing is asked but the thing itself


async def test_of_a_passage_what_is_nearest_to_the_question_is_shown_first(find):
    texts = ("Larkspur 2: a tent of 1.9 kg; two doors; made of polyester. It pitches in minutes.",)
    shown = {"top_k": 1, "statements": 2}
    [passage] = await find("Is the Larkspur 2 made of polyester, with two doors or more?", texts, **shown)
    assert passage.text == "Larkspur 2: made of polyester. two doors"
    assert passage.id == "D0"
    assert (await find("Larkspur 2", texts, **shown))[0].text == texts[0]
    assert (await find("two doors", ("It has two doors. It is light.",), top_k=1, statements=1))[0].text == (
        "It has two doors."
    )


async def test_what_does_not_say_it_is_not_replaced_from_further_down(find):
    texts = ("Larkspur: a tent of 1.9 kg", "Kestrel: two doors")
    assert await find("the Larkspur tent: two doors", texts, top_k=1, min_statement_score=0.9) == ()


async def test_a_name_far_down_the_ranking_is_still_found(find):
    texts = (*["a light tent, how heavy is it" for _ in range(30)], "Kestrel: weighs 3 kg")
    found = await find("how heavy is it, a light tent, the Kestrel", texts, named_only=True, top_k=1)
    assert [each.id for each in found] == ["D30"]


async def test_reranked_by_the_best_sentence(find, means):
    texts = ("A long text of many things. It has two doors. And more of that and this.", "doors doors it of")
    plain = await find("It has two doors", texts, top_k=1)
    better = await find("It has two doors", texts, top_k=1, rerank=RerankChoice(kind="sentences", of=2))
    assert (plain[0].id, better[0].id) == ("D1", "D0")
    assert better[0].score == pytest.approx(1, abs=1e-5)
    assert "It has two doors." in means.parts_asked


async def test_reranked_by_a_model_and_only_the_first_so_many(find):
    found = await find("tent of", top_k=4, rerank=RerankChoice(kind="endpoint", of=2, model="m", endpoint_model="m"))
    plain = await find("tent of", top_k=4)
    lengths = [len(each.text.split()) for each in found[:2]]
    assert lengths == sorted(lengths)
    assert [each.id for each in found[2:]] == [each.id for each in plain[2:]]


async def test_another_models_index_is_refused(index_of, means):
    class Other(type(means)):
        async def embed(self, texts, user):
            return (await super().embed(texts, user))[:, :3]

    for choice in ({}, {"search": "hybrid"}, {"min_score": 0.5, "search": "lexical"}):
        finder = Finder(RetrievalChoice(index="i" * 16, top_k=1, **choice), index_of(*TEXTS), Other())
        with pytest.raises(DataError, match="has 256 dimensions, the question's vector 3"):
            await finder.find("a tent")
