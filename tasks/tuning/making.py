"""Makes an adapter: examples to tokens, the training, and the adapter's folder. The same of the same is made once."""

import asyncio
import json
import threading
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from configs.errors import DataError
from configs.schema.finetune import Finetune
from configs.settings import settings as machine
from tasks.identity import digest
from tasks.joining import joined
from tasks.tuning.adapters import Card, card_of, points_of, write_adapter
from tasks.tuning.base import Base, load_tokenizer, shape_of
from tasks.tuning.example import TrainingExample
from tasks.tuning.memory import check_need, need_of
from tasks.tuning.splitting import split
from tasks.tuning.stopping import RULE, may_end_early
from tasks.tuning.tokens import Tokens, check_examples, tokenised
from tasks.tuning.tuned import Loss
from tasks.writing import write_whole

if TYPE_CHECKING:
    from tasks.tuning.training import Trained

_COMPARED = 10
"""Rows that the served adapter is compared with the trained one on."""


class Told(NamedTuple):
    """How far a training is.

    Attributes:
        new: points of the curves since the last time.
        step: steps that are done.
        steps: there are at most.
    """

    new: tuple[Loss, ...]
    step: int
    steps: int


Tell = Callable[[Told], Awaitable[None]]


class Work(NamedTuple):
    """What is to be trained.

    Attributes:
        base: on which weights.
        examples: of which, some are held out.
        settings: how.
        about: what the adapter's card says of where it comes from: `app`, `parent`, `move` and `data`, digests by name;
            of these `base`, where it is there, names the base's weights and tokenizer.
        where: the dataset, for messages.
    """

    base: Base
    examples: tuple[TrainingExample, ...]
    settings: Finetune
    about: dict[str, Any]
    where: str

    @property
    def identity(self) -> str:
        """Names what decides the weights; when to stop is part of that where a training may end early."""
        sides = split(self.examples, self.settings.held_out, self.settings.seed)
        stopped = [RULE] if may_end_early(len(sides.train), len(sides.held_out), self.settings) else []
        return digest([self.base.identity, self.about["data"].get("base"), self.examples, self.settings, *stopped])

    def folder(self, home: Path) -> Path:
        """Returns where checkpoints are, and what is remembered of the training, below the folder of all state."""
        return home / "tuning" / self.identity


class Made(NamedTuple):
    """An adapter, and what the trained model said of some rows.

    Attributes:
        card: of the adapter, and of this work: the same weights may have been made of another candidate or by another
            move.
        rows: held-out rows, or training rows where none are held out, to compare the served model on.
        best: the trained model's likeliest token at each token of their answers.
    """

    card: Card
    rows: tuple[Tokens, ...]
    best: tuple[tuple[int, ...], ...]


async def make_adapter(work: Work, home: Path, tell: Tell) -> Made:
    """Trains an adapter, goes on with one that was killed, or finds the one that is there.

    Args:
        work: what is trained.
        home: folder of all state; checkpoints are under `tuning`, adapters under `adapters`.
        tell: told every step.

    Raises:
        DataError: nothing can be learnt from the examples, or memory or disk would not do; said before it begins.
        ConfigurationError: the base is none, or of another architecture.
    """
    folder = work.folder(home)
    async with joined(home / "locks", f"finetune-{work.identity}"):
        if found := _found(work, folder, home):
            return found
        check_examples(work.examples, work.where)
        heard: asyncio.Queue[Told | None] = asyncio.Queue()
        left = threading.Event()
        loop = asyncio.get_running_loop()

        def hear(new: Sequence[Loss], step: int, steps: int) -> None:
            if left.is_set():
                raise _LeftError
            loop.call_soon_threadsafe(heard.put_nowait, Told(tuple(new), step, steps))

        making = asyncio.create_task(asyncio.to_thread(_make, work, folder, home, hear))
        making.add_done_callback(lambda _: heard.put_nowait(None))
        try:
            while (told := await heard.get()) is not None:
                await tell(told)
            return await making
        finally:
            # A thread cannot be cancelled: it looks after each step whether anybody still waits for it.
            left.set()


class _LeftError(Exception):
    """Nobody waits for the training any more."""


class _Ended(NamedTuple):
    trained: "Trained"
    compared: tuple[Tokens, ...]
    best: tuple[tuple[int, ...], ...]
    config: dict[str, Any]


def _make(work: Work, folder: Path, home: Path, hear: Callable[[Sequence[Loss], int, int], None]) -> Made:
    shape = shape_of(work.base)
    most = min(work.settings.max_tokens, shape["max_position_embeddings"])
    if work.base.gguf:
        most = min(most, machine().chat_context)
    tokens = tokenised(work.examples, load_tokenizer(work.base), most, work.where)
    sides = split(work.examples, work.settings.held_out, work.settings.seed)
    by_id = {each.row_id: each for each in tokens}
    rows = tuple(by_id[example.row_id] for example in sides.train)
    held_out = tuple(by_id[example.row_id] for example in sides.held_out)
    folder.mkdir(parents=True, exist_ok=True)
    check_need(need_of(shape, work.settings, [(len(each), len(each.answer)) for each in tokens]), folder)
    ended = _trained(work, rows, held_out, folder, hear)
    trained = ended.trained
    card = write_adapter(
        home / "adapters",
        {name: each.float().numpy() for name, each in trained.weights.items()},
        ended.config,
        shape,
        {
            **work.about,
            "base": work.base.identity,
            "settings": work.settings,
            "losses": points_of(trained.losses),
            "facts": trained.facts,
        },
    )
    made = Made(card, ended.compared, ended.best)
    _remember(folder, made)
    return made


def _trained(
    work: Work,
    rows: tuple[Tokens, ...],
    held_out: tuple[Tokens, ...],
    folder: Path,
    hear: Callable[[Sequence[Loss], int, int], None],
) -> _Ended:
    import torch

    from tasks.tuning.fitting import Fitting
    from tasks.tuning.training import train

    torch.set_num_threads(machine().model_threads)
    fitting = Fitting(work.base, work.settings)
    trained = train(fitting, work.settings, rows, held_out, folder, hear)
    compared = (held_out or rows)[:_COMPARED]
    best = tuple(fitting.best_tokens(row) for row in compared)
    return _Ended(trained, compared, best, fitting.config.to_dict())


def _remember(folder: Path, made: Made) -> None:
    from tasks.tuning.checkpoint import forget

    content = {"adapter": made.card.digest, "rows": made.rows, "best": made.best}
    write_whole(folder / "made.json", json.dumps(content).encode())
    forget(folder)


def _found(work: Work, folder: Path, home: Path) -> Made | None:
    try:
        content = json.loads((folder / "made.json").read_bytes())
        rows = tuple(Tokens(name, tuple(prompt), tuple(answer)) for name, prompt, answer in content["rows"])
        card = card_of(home / "adapters", content["adapter"])
        of_this = card.model_copy(update={**work.about, "settings": work.settings})
        return Made(of_this, rows, tuple(map(tuple, content["best"])))
    except (OSError, ValueError, KeyError, TypeError, DataError):
        return None
