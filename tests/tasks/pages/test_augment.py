"""The page of a change."""

from configs.schema.augment import Recipe
from configs.schema.target import PromptTarget
from tasks.augmenting.attribution import Attributed, Attribution
from tasks.augmenting.change import Change
from tasks.candidate import Candidate, HostedModel, LoraAdapter
from tasks.pages.augment import augment_page

MADE = Candidate(app="shop", target=PromptTarget(kind="prompt"), model="chat", move="documents")


def attribution():
    looked_at = (
        Attributed(row="r1", metric="contains", cause="retrieval", question="q", answer="a" * 200, with_documents="b"),
        Attributed(row="r2", metric="contains", cause="retrieval", question="q", answer="a|b"),
        Attributed(row="r3", metric="citation", cause="format", question="q", answer="a", with_answer="c"),
    )
    return Attribution(
        candidate="c" * 16, gate="sample", rules=("contains at least 0.5",), failures=9, looked_at=looked_at
    )


def page(made=MADE, attribution=None):
    change = Change(
        candidate=made.digest,
        base="b" * 16,
        move=Recipe(name="documents", top_k=1),
        materials="m",
        why="2 of 3 looked at: retrieval",
        attribution=attribution,
    )
    return augment_page(made, change)


def test_it_says_what_was_made_of_what_and_why():
    text = page()
    assert text.startswith(f"# {MADE.label}\n\n2 of 3 looked at: retrieval\n")
    assert f"| made from | `{'b' * 16}` |" in text
    assert "refused" not in text


def test_it_counts_causes_and_shows_what_each_row_answered_with_what():
    text = page(attribution=attribution())
    assert "## Why cccccccc was refused" in text
    assert "3 of 9 failures were looked at." in text
    assert "| retrieval | 2 | no document that holds the answer was put before the model |" in text
    assert f"| r1 | contains | retrieval | {'a' * 119}… | b | not asked | not asked |" in text
    assert "| r2 | contains | retrieval | a\\|b |" in text


def test_it_names_what_the_model_was_tuned_to():
    assert "| adapter | `d1` |" in page(MADE.model_copy(update={"adapter": LoraAdapter(digest="d1", base="b")}))
    assert "| adapter | ft:m |" in page(MADE.model_copy(update={"adapter": HostedModel(model="ft:m", job="j")}))
