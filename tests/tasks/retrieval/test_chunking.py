import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.retrieval.chunking import chunks_of

ENGLISH = "The Larkspur tent weighs two kilos and keeps three people dry in the rain"
KOREAN = "라크스퍼 텐트는 무게가 이 킬로이며 비가 와도 세 사람을 보송하게 지켜 줍니다"
CHINESE = "帐篷重两公斤，雨天也能让三个人保持干燥。"


@pytest.mark.parametrize("text", [ENGLISH, KOREAN, CHINESE])
def test_a_short_text_stays_whole(text):
    assert chunks_of(f"  {text}\n", 120) == (text,)


def test_a_text_of_blanks_has_no_chunk():
    assert chunks_of(" \n\t", 8) == ()


@pytest.mark.parametrize("text", [ENGLISH, KOREAN])
def test_languages_with_spaces_are_cut_between_words_into_chunks_of_about_the_same_length(text):
    words = text.split()
    chunks = chunks_of(text, len(words) - 1)
    assert " ".join(chunks) == text
    assert {len(chunk.split()) for chunk in chunks} <= {len(words) // 2, -(-len(words) // 2)}


def test_scripts_without_spaces_are_counted_by_characters():
    assert chunks_of("가방은 방수입니다 帐篷很轻", 6) == ("가방은 방수입니다 帐篷很轻",)
    assert chunks_of("帐篷很轻也很结实耐用", 5) == ("帐篷很轻也", "很结实耐用")


def test_a_chunk_repeats_the_end_of_the_one_before_it():
    assert chunks_of("one two three four five six", 4, 2) == ("one two three four", "three four five six")


def test_line_breaks_inside_a_chunk_are_kept():
    assert chunks_of("- a\n- b\n- c\n- d", 4) == ("- a\n- b", "- c\n- d")


WORDS = st.lists(st.sampled_from(["tent", "텐트는", "2.1kg", "帐", "がさ", "P01;"]), min_size=1, max_size=60)


@given(WORDS, st.integers(1, 20), st.data())
def test_every_word_is_in_a_chunk_and_no_chunk_is_too_long(words, chunk, data):
    overlap = data.draw(st.integers(0, chunk - 1))
    text = " ".join(words)
    chunks = chunks_of(text, chunk, overlap)

    def count(part):
        return len(part.replace("がさ", "が さ").split())

    assert max(count(part) for part in chunks) <= chunk
    if overlap == 0:
        assert "".join("".join(chunks).split()) == "".join(words)
    else:
        assert all(any(word[0] in part for part in chunks) for word in words)
        assert all(count(part) > overlap for part in chunks) or len(chunks) == 1
