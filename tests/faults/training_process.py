"""Trainings of the tiny model of a folder, of which some are killed: `training_process.py BASE STEPS FOLDER=WHEN...`.

WHEN is a step and seconds, as `7+0.01`: so long after that step the training is ended by `kill -9`; `whole` is left
alone. Each is forked from this process, since importing torch takes longer than all of a training. A line of JSON each
says which steps it told of.
"""

import json
import os
import signal
import sys
import time
from pathlib import Path

import peft  # noqa: F401 what takes long, before the first fork
import torch

from configs.schema.finetune import Finetune, Lora
from tasks.data.row import Message
from tasks.tuning.base import Base, load_tokenizer
from tasks.tuning.example import TrainingExample
from tasks.tuning.fitting import Fitting
from tasks.tuning.tokens import tokenised
from tasks.tuning.training import train


def trained(base_folder, steps, folder, told):
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
        os.write(told, f"{step}\n".encode())

    ended = train(Fitting(base, settings), settings, tokens[4:], tokens[:4], folder, tell)
    torch.save({"weights": ended.weights, "losses": [tuple(each) for each in ended.losses]}, folder / "ended.pt")


def run(base_folder, steps, folder, when):
    reads, writes = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reads)
        trained(base_folder, steps, folder, writes)
        os._exit(0)
    os.close(writes)
    after, _, pause = when.partition("+")
    told = []
    with os.fdopen(reads) as lines:
        for line in lines:
            told.append(int(line))
            if when != "whole" and told[-1] >= int(after):
                time.sleep(float(pause))
                os.kill(child, signal.SIGKILL)
                break
    os.waitpid(child, 0)
    sys.stdout.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    for each in sys.argv[3:]:
        name, _, moment = each.rpartition("=")
        run(Path(sys.argv[1]), int(sys.argv[2]), Path(name), moment)
