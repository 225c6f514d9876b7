import os
import re
import subprocess
import sys
import time
import unicodedata

import httpx
import numpy as np
import pytest
from safetensors.numpy import load_file
from scipy.special import erf

from benchmarks.ports import free_ports
from infra.stack.minilm import minilm_gguf
from infra.stack.weights import embedding_weights


def test_the_file_is_written_once_and_named_by_its_content(tmp_path):
    path = minilm_gguf(embedding_weights(), tmp_path)
    written = path.stat().st_mtime_ns
    assert minilm_gguf(embedding_weights(), tmp_path) == path
    assert path.stat().st_mtime_ns == written
    assert list(tmp_path.iterdir()) == [path]


def test_two_processes_at_once_leave_one_whole_file(tmp_path):
    code = (
        "import sys, pathlib; from infra.stack.minilm import minilm_gguf\n"
        "from infra.stack.weights import embedding_weights\n"
        "print(minilm_gguf(embedding_weights(), pathlib.Path(sys.argv[1])))"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    paths = {process.communicate()[0].strip() for process in both}
    assert [process.returncode for process in both] == [0, 0]
    assert paths == {str(path) for path in tmp_path.iterdir()}
    assert len(paths) == 1


def test_a_process_killed_while_it_writes_leaves_no_file_of_that_name(tmp_path):
    code = (
        "import sys, pathlib, os, infra.stack.minilm as m; from infra.stack.weights import embedding_weights\n"
        "def half(weights, path):\n"
        "    path.write_bytes(b'GGUF')\n"
        "    os.kill(os.getpid(), 9)\n"
        "m._write = half\n"
        "m.minilm_gguf(embedding_weights(), pathlib.Path(sys.argv[1]))\n"
    )
    assert subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False).returncode == -9
    assert list(tmp_path.glob("*.gguf")) == []
    assert minilm_gguf(embedding_weights(), tmp_path).stat().st_size > 40_000_000


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """The embedding model, served by a process of its own; a function texts → vectors."""
    (port,) = free_ports(1)
    home = str(tmp_path_factory.mktemp("home"))
    variables = os.environ | {"LIFECYCLE_HOME": home, "LIFECYCLE_EMBEDDING_PORT": str(port)}
    process = subprocess.Popen([sys.executable, "-m", "infra.stack.embedded", "embedding"], env=variables)
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:

        def embed(texts):
            answer = client.post("/v1/embeddings", json={"input": texts, "model": "minilm"}).raise_for_status()
            return np.array([item["embedding"] for item in answer.json()["data"]])

        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                if client.get("/health").status_code == 200:
                    break
            except httpx.TransportError:
                pass
            time.sleep(0.1)
        yield embed
    process.terminate()
    assert process.wait(timeout=20) == 0


TEXTS = [
    "the tent weighs two kilograms.",
    "a light tent for two people",
    "how long does shipping take?",
    "unbelievably waterproof, isn't it",
    # llama.cpp keeps only the first part of a composed letter, so that Hangul has to come decomposed.
    unicodedata.normalize("NFD", "이 텐트는 방수가 되나요"),
]


@pytest.mark.model
def test_served_embeddings_are_those_of_an_independent_forward_pass(served):
    vectors = served(TEXTS)
    expected = np.array([forward_pass(text) for text in TEXTS])
    assert vectors.shape == (len(TEXTS), 384)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-4)
    assert ((vectors * expected).sum(axis=1) >= 0.9995).all()


@pytest.mark.model
def test_related_sentences_are_closer_than_unrelated_ones(served):
    tent, light_tent, shipping, *_ = served(TEXTS)
    assert tent @ light_tent > tent @ shipping + 0.3


def forward_pass(text):
    """BERT with mean pooling in plain numpy, from the original weights (Devlin et al. 2019, section 3)."""
    weights = load_file(embedding_weights())

    def linear(x, name):
        return x @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]

    def normalise(x, name):
        centred = x - x.mean(-1, keepdims=True)
        scaled = centred / np.sqrt(x.var(-1, keepdims=True) + 1e-12)
        return scaled * weights[f"{name}.weight"] + weights[f"{name}.bias"]

    tokens = word_pieces(text)
    x = (
        weights["embeddings.word_embeddings.weight"][tokens]
        + weights["embeddings.position_embeddings.weight"][: len(tokens)]
        + weights["embeddings.token_type_embeddings.weight"][0]
    )
    x = normalise(x, "embeddings.LayerNorm")
    for layer in range(6):
        name = f"encoder.layer.{layer}"
        query, key, value = (
            linear(x, f"{name}.attention.self.{part}").reshape(len(tokens), 12, 32).swapaxes(0, 1)
            for part in ("query", "key", "value")
        )
        scores = np.exp(query @ key.swapaxes(1, 2) / np.sqrt(32))
        attended = (scores / scores.sum(-1, keepdims=True)) @ value
        mixed = linear(attended.swapaxes(0, 1).reshape(len(tokens), 384), f"{name}.attention.output.dense")
        x = normalise(x + mixed, f"{name}.attention.output.LayerNorm")
        hidden = linear(x, f"{name}.intermediate.dense")
        hidden = hidden * 0.5 * (1 + erf(hidden / np.sqrt(2)))
        x = normalise(x + linear(hidden, f"{name}.output.dense"), f"{name}.output.LayerNorm")
    pooled = x.mean(axis=0)
    return pooled / np.linalg.norm(pooled)


def word_pieces(text):
    """Greedy longest match, as BERT's vocabulary wants it."""
    vocabulary = (embedding_weights().parent / "vocab.txt").read_text(encoding="utf-8").splitlines()
    number = {token: position for position, token in enumerate(vocabulary)}
    found = [number["[CLS]"]]
    for word in re.findall(r"\w+|[^\w\s]", text.lower()):
        rest, pieces, prefix = word, [], ""
        while rest:
            piece = next((rest[:end] for end in range(len(rest), 0, -1) if prefix + rest[:end] in number), None)
            if piece is None:
                pieces = [number["[UNK]"]]
                break
            pieces.append(number[prefix + piece])
            rest, prefix = rest[len(piece) :], "##"
        found += pieces
    return [*found, number["[SEP]"]]
