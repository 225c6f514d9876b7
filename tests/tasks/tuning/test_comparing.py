"""The real base with random adapters: what llama.cpp serves is what torch computes, and adapters do not mix."""

import asyncio
from contextlib import ExitStack
from pathlib import Path

import httpx
import numpy as np
import pytest

pytest.importorskip("torch", reason="the extra `finetune` is not installed")

from benchmarks.ports import free_ports
from configs.schema.finetune import Finetune, Lora
from infra.stack.weights import chat_weights
from tasks.data.row import Message
from tasks.tuning.base import Base, shape_of
from tasks.tuning.comparing import agreement, served_tokens
from tasks.tuning.example import TrainingExample
from tasks.tuning.gguf_form import as_gguf
from tasks.tuning.tokens import tokenised

pytestmark = [pytest.mark.model, pytest.mark.timeout(1800)]

ROWS = (
    ("What is the capital of France?", "The capital of France is Paris, a city on the river Seine."),
    ("Name three colours.", "Three colours are red, green and blue."),
    ("How heavy is the tent?", "The tent weighs two kilograms with its poles and pegs."),
)


class Trial:
    """The base in torch, a server of it with the adapters `one`, `other` and `unpermuted`, and what both say."""

    def __init__(self, folder, stack):
        import torch
        import xllamacpp

        from tasks.tuning.fitting import Fitting

        # Two threads of each would only wait for each other where the machine is busy.
        torch.set_num_threads(1)
        file = chat_weights()
        base = Base("smollm2-135m", file.name, file.parent, file.name)
        settings = Finetune(lora=Lora(rank=8, alpha=16), dtype="fp32")
        self.fitting = Fitting(base, settings)
        rows = [
            TrainingExample(f"r{at}", (Message("user", question),), answer)
            for at, (question, answer) in enumerate(ROWS)
        ]
        self.rows = tokenised(rows, self.fitting.tokenizer, 512, "rows")
        self.base = self.best()
        shape, files, self.torch = shape_of(base), {}, {}
        for seed, name in enumerate(("one", "other")):
            weights = self.random(seed)
            self.fitting.load({key: torch.from_numpy(value) for key, value in weights.items()})
            self.torch[name] = self.best()
            files[name] = as_gguf(weights, shape, 16.0)
            if name == "one":
                files["unpermuted"] = as_gguf(weights, shape, 16.0, permuted=False)
        parameters = xllamacpp.CommonParams()
        parameters.model.path = str(file)
        parameters.hostnames, parameters.port = ["127.0.0.1"], free_ports(1)[0]
        parameters.n_parallel, parameters.n_ctx, parameters.cache_ram_mib = 4, 4 * 512, 0
        parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = 1
        paths = []
        for name, content in files.items():
            (folder / name).mkdir()
            (folder / name / "adapter.gguf").write_bytes(content)
            paths.append(xllamacpp.CommonAdapterLoraInfo(str(folder / name / "adapter.gguf"), 0.0))
        parameters.lora_adapters = paths
        self.server = xllamacpp.Server(parameters)
        self.address = f"http://127.0.0.1:{parameters.port}"
        listed = httpx.get(f"{self.address}/lora-adapters", trust_env=False, timeout=60).json()
        self.ids = {Path(each["path"]).parent.name: each["id"] for each in listed}

    def best(self):
        return [self.fitting.best_tokens(row) for row in self.rows]

    def random(self, seed):
        """Random weights, those of q and k large, so that their order matters."""
        draw = np.random.default_rng(seed)
        found = {}
        for name, weight in self.fitting.state().items():
            size = 0.3 if "q_proj" in name or "k_proj" in name else 0.03
            size = size if "lora_B" in name else 1 / weight.shape[1] ** 0.5
            found[name] = (draw.standard_normal(tuple(weight.shape)) * size).astype(np.float32)
        return found

    async def served(self, name, rows=None):
        async def lora():
            return [{"id": self.ids[name], "scale": 1.0}] if name else [{"id": 0, "scale": 0.0}]

        return await served_tokens(self.rows[:rows], self.address, lora)


@pytest.fixture(scope="module")
def trial(tmp_path_factory):
    with ExitStack() as stack:
        yield Trial(tmp_path_factory.mktemp("adapters"), stack)


async def test_the_served_adapter_is_the_one_in_torch_and_the_unpermuted_one_is_not(trial):
    right = agreement(trial.torch["one"], await trial.served("one"))
    wrong = agreement(trial.torch["one"], await trial.served("unpermuted"))
    print(right, wrong)  # noqa: T201 figures for docs/finetuning.md
    assert right.share > 0.9
    assert wrong.share < right.share - 0.2


async def test_who_names_an_adapter_at_scale_0_gets_the_base(trial):
    found = agreement(trial.base, await trial.served(None))
    assert found.share > 0.9
    assert agreement(trial.base, trial.torch["one"]).share < 0.8


async def test_two_adapters_and_the_base_asked_at_once_answer_each_for_itself(trial):
    # A change of adapter empties the server's cache, and each token of each row is asked after another's: few rows.
    names = ("one", "other", None, "one")
    alone = {name: await trial.served(name, rows=1) for name in ("one", "other", None)}
    together = await asyncio.gather(*(trial.served(name, rows=1) for name in names))
    for name, found in zip(names, together, strict=True):
        assert agreement(alone[name], found).share >= 0.9
    assert agreement(alone["one"], alone["other"]).share < 0.8
