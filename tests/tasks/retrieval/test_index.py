import re
import tracemalloc
import zlib

import numpy as np
import pytest

from configs.errors import DataError, EndpointError
from configs.schema.retrieval import Retrieval
from tasks.retrieval.cutting import cut
from tasks.retrieval.documents import Document
from tasks.retrieval.index import build_index, index_digest, index_file, load_index
from tasks.retrieval.kept import kept_file

RETRIEVAL = Retrieval(documents="d.jsonl", chunk_words=8)
DOCUMENTS = (
    Document("P01", "Larkspur", "Larkspur: a light tent for two people"),
    Document("P02", "배낭", "방수 배낭 무게 2.1kg"),
    Document("P03", "Returns", "Goods go back within thirty days. Shipping is free. Call us before you send a parcel."),
)


class Embedding:
    """Counts words: a real, if simple, embedding that puts texts of the same words close together."""

    def __init__(self):
        self.asked = []

    async def __call__(self, texts):
        self.asked += texts
        vectors = np.zeros((len(texts), 512), "float32")
        for vector, text in zip(vectors, texts, strict=True):
            for word in re.findall(r"\w+", text):
                vector[zlib.crc32(word.encode()) % 512] += 1
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


async def test_the_nearest_chunks_best_first_by_their_documents_id(tmp_path):
    embed = Embedding()
    index = await build_index(DOCUMENTS, RETRIEVAL, "words", embed, tmp_path)
    for question, document in (("light tent", "P01"), ("방수 배낭", "P02"), ("thirty days", "P03")):
        (vector,) = await embed([question])
        found = index.search(vector, 2)
        assert found[0].id == document
        assert found[0].score > found[1].score


async def test_a_chunk_from_the_middle_of_a_document_carries_its_title(tmp_path):
    index = await build_index(DOCUMENTS, RETRIEVAL, "words", Embedding(), tmp_path)
    assert index.documents == ("P01", "P02", "P03", "P03")
    assert index.texts[0] == DOCUMENTS[0].text
    assert index.texts[1] == "배낭: 방수 배낭 무게 2.1kg"
    assert all(text.startswith("Returns: ") for text in index.texts[2:])


async def test_chunks_that_tie_come_in_the_documents_order(tmp_path):
    same = tuple(Document(f"D{number}", "", "the same text") for number in range(20))
    embed = Embedding()
    index = await build_index(same, RETRIEVAL, "words", embed, tmp_path)
    assert [passage.id for passage in index.search((await embed(["the text"]))[0], 5)] == ["D0", "D1", "D2", "D3", "D4"]


async def test_more_chunks_than_there_are_gives_all(tmp_path):
    embed = Embedding()
    index = await build_index(DOCUMENTS, RETRIEVAL, "words", embed, tmp_path)
    assert len(index.search((await embed(["tent"]))[0], 20)) == 4


async def test_an_index_that_is_there_is_loaded_and_nothing_is_embedded(tmp_path):
    first = await build_index(DOCUMENTS, RETRIEVAL, "words", Embedding(), tmp_path)
    again = Embedding()
    second = await build_index(DOCUMENTS, RETRIEVAL, "words", again, tmp_path)
    assert again.asked == []
    assert (second.digest, second.documents, second.texts) == (first.digest, first.documents, first.texts)
    assert np.array_equal(second.vectors, first.vectors)
    assert load_index(tmp_path, first.digest).texts == first.texts


async def test_a_damaged_index_is_refused_and_built_anew(tmp_path):
    index = await build_index(DOCUMENTS, RETRIEVAL, "words", Embedding(), tmp_path)
    file = index_file(tmp_path, index.digest)
    file.write_bytes(file.read_bytes()[:100])
    with pytest.raises(DataError, match="is damaged"):
        load_index(tmp_path, index.digest)
    await build_index(DOCUMENTS, RETRIEVAL, "words", Embedding(), tmp_path)
    assert load_index(tmp_path, index.digest).texts == index.texts


async def test_a_build_that_fails_leaves_nothing(tmp_path):
    async def too_few(texts):
        return np.ones((1, 3), "float32")

    with pytest.raises(EndpointError, match=r"gave shape \(1, 3\) for 4 texts"):
        await build_index(DOCUMENTS, RETRIEVAL, "words", too_few, tmp_path)
    assert list(tmp_path.glob("*.parquet")) == []


def test_the_digest_names_documents_chunking_and_model_and_nothing_else():
    digest = index_digest(DOCUMENTS, RETRIEVAL, "words")
    assert digest == index_digest(DOCUMENTS, RETRIEVAL.model_copy(update={"documents": "elsewhere.csv"}), "words")
    others = {
        index_digest(DOCUMENTS[:2], RETRIEVAL, "words"),
        index_digest(DOCUMENTS, RETRIEVAL.model_copy(update={"chunk_words": 9}), "words"),
        index_digest(DOCUMENTS, RETRIEVAL.model_copy(update={"overlap_words": 1}), "words"),
        index_digest(DOCUMENTS, RETRIEVAL, "another model"),
    }
    assert len(others - {digest}) == 4


async def test_a_missing_index_and_another_models_vector_are_one_line(tmp_path):
    with pytest.raises(DataError, match=r"no index 0123 in .*; run augment"):
        load_index(tmp_path, "0123")
    index = await build_index(DOCUMENTS, RETRIEVAL, "words", Embedding(), tmp_path)
    with pytest.raises(DataError, match="has 512 dimensions"):
        index.search(np.ones(3, "float32"), 1)


def handbook(changed=()):
    return tuple(
        Document(f"H{at}", "", f"chapter {at} speaks of {'poles' if at in changed else 'tents'} and bags")
        for at in range(40)
    )


async def test_after_a_change_only_the_chunks_that_changed_are_embedded(tmp_path):
    first = await build_index(handbook(), RETRIEVAL, "words", Embedding(), tmp_path)
    again = Embedding()
    second = await build_index(handbook((3, 17)), RETRIEVAL, "words", again, tmp_path)
    assert [text.split()[1] for text in again.asked] == ["3", "17"]
    assert second.digest != first.digest
    assert np.array_equal(second.vectors[4], first.vectors[4])
    back = Embedding()
    (tmp_path / f"{first.digest}.parquet").unlink()
    assert (await build_index(handbook(), RETRIEVAL, "words", back, tmp_path)).digest == first.digest
    assert back.asked == []


async def test_another_embedding_model_finds_none_of_them(tmp_path):
    await build_index(handbook(), RETRIEVAL, "words", Embedding(), tmp_path)
    other = Embedding()
    await build_index(handbook(), RETRIEVAL, "another model", other, tmp_path)
    assert len(other.asked) == 40


async def test_a_build_that_was_killed_goes_on(tmp_path):
    class Dies(Embedding):
        async def __call__(self, texts):
            if self.asked:
                raise KeyboardInterrupt
            return await super().__call__(texts)

    documents = tuple(Document(f"D{at}", "", f"text number {at}") for at in range(600))
    dies, lives = Dies(), Embedding()
    with pytest.raises(KeyboardInterrupt):
        await build_index(documents, RETRIEVAL, "words", dies, tmp_path)
    index = await build_index(documents, RETRIEVAL, "words", lives, tmp_path)
    assert 0 < len(dies.asked) < 600
    assert len(dies.asked) + len(lives.asked) == len(index.texts) == 600


async def test_kept_vectors_that_are_damaged_are_one_line(tmp_path):
    kept_file(tmp_path, "words").write_bytes(b"not a database" * 100)
    with pytest.raises(DataError, match=r"vectors-.*\.db: cannot be used: .*; free disk space, or delete the file"):
        await build_index(DOCUMENTS, RETRIEVAL, "words", Embedding(), tmp_path)


async def test_kept_vectors_of_another_length_are_one_line(tmp_path):
    class Shorter(Embedding):
        async def __call__(self, texts):
            return (await super().__call__(texts))[:, :100]

    await build_index(DOCUMENTS[:2], RETRIEVAL, "words", Embedding(), tmp_path)
    with pytest.raises(EndpointError, match=r"gives vectors of 100 numbers, of 512 before: .* delete "):
        await build_index(DOCUMENTS, RETRIEVAL, "words", Shorter(), tmp_path)


def test_each_chunker_names_another_index():
    kinds = ("words", "heading", "sentence", "tokens")
    digests = {index_digest(DOCUMENTS, RETRIEVAL.model_copy(update={"chunker": kind}), "words") for kind in kinds}
    assert len(digests) == 4


@pytest.mark.parametrize(("chunker", "chunks"), [("words", 917), ("sentence", 1000), ("tokens", 600)])
async def test_fifty_megabytes_are_cut_without_holding_every_word(chunker, chunks):
    retrieval = Retrieval(documents="d.jsonl", chunker=chunker)
    text = "a tent that keeps rain out and lets the air in. " * 10_000  # a part of it: the same per byte
    list(cut(Document("D", "Log", text[:100]), retrieval))  # what is loaded once is not the document's
    tracemalloc.start()
    try:
        found = sum(1 for _ in cut(Document("D", "Log", text), retrieval))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert found == chunks
    assert peak < 2.5 * len(text)


async def test_documents_of_headings_alone_are_one_line(tmp_path):
    headings = [Document("P01", "Larkspur", "# Larkspur\n## Care\n")]
    with pytest.raises(DataError, match=r"d\.jsonl: the documents are headings alone.*or set `chunker: words`"):
        await build_index(headings, RETRIEVAL.model_copy(update={"chunker": "heading"}), "words", Embedding(), tmp_path)
