"""What a provider's job will cost, said and capped before anything is sent."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from configs.errors import ConfigurationError, DataError
from configs.schema.hosted import HostedTuning
from tasks.calling.spend import BudgetUsedUp
from tasks.data.chat_lines import FEWEST
from tasks.data.chat_tokens import tokens_of, training_price
from tasks.data.tokens import token_counter
from tasks.tuning.example import TrainingExample
from tasks.tuning.tokens import check_examples

if TYPE_CHECKING:
    from tasks.workspace import Workspace

MARGIN = 1.1
"""The caps are held to the expected price with this factor: a provider's tokenizer is another. Those in use have larger
vocabularies than the one that counts here, and make fewer tokens of a text, not more."""


class Expected(NamedTuple):
    """What a job is expected to take.

    `tokens` are those of the examples, each once; `price` is in US dollars for all epochs, `most` what it is held to be
    at most.
    """

    tokens: int
    epochs: int
    price: float
    most: float

    def __str__(self) -> str:
        return (
            f"{self.tokens} tokens × {self.epochs} epochs (counted by the embedded model's tokenizer), "
            f"${self.price:.4f}, at most ${self.most:.4f}"
        )


def expected(workspace: "Workspace", examples: Sequence[TrainingExample], settings: HostedTuning) -> Expected:
    """Returns what a job on some examples is expected to take.

    Raises:
        ConfigurationError: the model has no price of training.
        DataError: a provider would not take the examples, or nothing can be learnt from them; says which, and why.
        StackError: the embedded weights, by whose tokenizer tokens are counted, are not installed.
    """
    if len(examples) < FEWEST:
        raise DataError(
            f"app {workspace.name}: {len(examples)} training examples, and a provider takes {FEWEST} at least; add rows"
        )
    check_examples(examples, f"app {workspace.name}")
    price, count = _price_of_training(workspace, settings.model), token_counter()
    tokens = 0
    too_long: list[str] = []
    for example in examples:
        messages = [
            *(message._asdict() for message in example.messages),
            {"role": "assistant", "content": example.answer},
        ]
        of_example = tokens_of({"messages": messages}, count).total
        tokens += of_example
        if of_example > settings.most_tokens:
            too_long.append(example.row_id)
    if too_long:
        raise DataError(
            f"app {workspace.name}: {len(too_long)} training examples have more than {settings.most_tokens} tokens "
            f"(`most_tokens`), such as row {too_long[0]}; shorten them or leave them out"
        )
    cost = training_price(tokens, settings.epochs, price)
    return Expected(tokens, settings.epochs, cost, cost * MARGIN)


def check_price(workspace: "Workspace", settings: HostedTuning, cost: Expected) -> None:
    """Refuses a job that could pass a cap.

    Raises:
        BudgetUsedUp: says which cap, and by how much.
    """
    spend = workspace.spend
    for key, left in (("finetune.hosted.price", settings.price), ("budget.price", spend.budget.price - spend.price)):
        if cost.most > left:
            raise BudgetUsedUp(
                f"app {workspace.name}: not tuned: {cost}, and `{key}` leaves ${left:.4f}; raise it in app.yaml, or "
                f"train on fewer rows or epochs"
            )


def _price_of_training(workspace: "Workspace", model: str) -> float:
    found = workspace.loaded.prices.get(model)
    if found is not None and found.training is not None:
        return found.training
    if model in workspace.loaded.app.budget.unpriced:
        return 0.0
    raise ConfigurationError(
        f"model {model} has no price of training, so that no cap on it could be kept; set `training` of {model} in a "
        f"prices.yaml beside app.yaml (US dollars per million tokens, 0 where it costs nothing)"
    )
