"""Trains the tiny model of a folder in a process of its own, to be killed: `training_process.py BASE FOLDER STEPS`."""

import sys
from pathlib import Path

import torch

from configs.schema.finetune import Finetune, Lora
from tasks.data.row import Message
from tasks.tuning.base import Base, load_tokenizer
from tasks.tuning.example import TrainingExample
from tasks.tuning.fitting import Fitting
from tasks.tuning.tokens import tokenised
from tasks.tuning.training import train


def main() -> None:
    base_folder, folder, steps = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
    torch.set_num_threads(1)
    base = Base("tiny", "tiny at nowhere", base_folder)
    lora = Lora(rank=4, alpha=8, dropout=0.1)
    settings = Finetune(
        lora=lora, batch=4, learning_rate=0.01, steps=steps, dtype="fp32", checkpoint_every=2, look_every=3, patience=99
    )
    examples = [
        TrainingExample(f"t{at}", (Message("user", f"What is {at}?"),), f"It is {at}.", f"c{at}") for at in range(16)
    ]
    tokens = tokenised(examples, load_tokenizer(base), 512, "tiny")

    def tell(new, step, _):
        sys.stdout.write(f"{step}\n")
        sys.stdout.flush()

    trained = train(Fitting(base, settings), settings, tokens[4:], tokens[:4], folder, tell)
    torch.save({"weights": trained.weights, "losses": [tuple(each) for each in trained.losses]}, folder / "ended.pt")


if __name__ == "__main__":
    main()
