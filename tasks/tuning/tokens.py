"""Training examples as tokens: the prompt as serving would send it, and the answer with its end."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from configs.errors import DataError
from tasks.tuning.example import TrainingExample

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

_FEWEST = 8
_NAMED = 5
"""Rows that a message names."""
_NONE: Mapping[str, int] = MappingProxyType({})


class Tokens(NamedTuple):
    """An example as token ids.

    Attributes:
        row_id: of the row.
        prompt: what the model is sent, up to where its answer begins.
        answer: its answer, the token that ends it included; only these have a loss.
    """

    row_id: str
    prompt: tuple[int, ...]
    answer: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.prompt) + len(self.answer)


def check_count(rows: int, where: str, left_out: Mapping[str, int] = _NONE) -> None:
    """Refuses fewer rows than anything can be learnt from.

    Args:
        rows: how many there are.
        where: the dataset, for the message.
        left_out: how many others the dataset has, by why they are not among them.

    Raises:
        DataError: they are too few; says what was left out.
    """
    if rows >= _FEWEST:
        return
    why = ", ".join(f"{count} {reason}" for reason, count in left_out.items() if count)
    raise DataError(
        f"{where}: {rows} training rows are too few; at least {_FEWEST} are needed"
        + (f"; of {rows + sum(left_out.values())} rows were left out: {why}" if why else "")
    )


def check_examples(examples: Sequence[TrainingExample], where: str, left_out: Mapping[str, int] = _NONE) -> None:
    """Refuses examples that nothing can be learnt from.

    Args:
        examples: what is to be trained on.
        where: the dataset, for the message.
        left_out: how many other rows the dataset has, by why they are no examples.

    Raises:
        DataError: they are too few, have all the same answer, lack answers, or are no conversations; names the rows.
    """
    check_count(len(examples), where, left_out)
    if silent := [example.row_id for example in examples if not example.answer.strip()]:
        raise DataError(
            f"{where}: {len(silent)} of {len(examples)} training rows have no reference answer: {_listed(silent)}; "
            f"write it, and name its column in `datasets.columns.reference`"
        )
    if len({example.answer for example in examples}) == 1:
        raise DataError(
            f"{where}: all {len(examples)} training rows have the same answer, {examples[0].answer[:40]!r}; "
            f"a model would learn to say nothing else: add rows with other answers"
        )
    if broken := [example.row_id for example in examples if not _is_conversation(example)]:
        raise DataError(
            f"{where}: {len(broken)} of {len(examples)} training rows are no conversation: {_listed(broken)}; "
            f"after the system's message user and assistant take turns, none is empty, and the last is the user's"
        )


def tokenised(
    examples: Sequence[TrainingExample], tokenizer: "PreTrainedTokenizerBase", most: int, where: str
) -> tuple[Tokens, ...]:
    """Returns examples as tokens, in their order.

    Args:
        examples: what is to be trained on.
        tokenizer: the base's.
        most: tokens of a row at most, its answer included.
        where: the dataset, for the message.

    Raises:
        DataError: rows are longer than that, which are named, or cannot be written as the base's chat template has it.
    """
    found = tuple(_tokens(example, tokenizer, where) for example in examples)
    if long := [each for each in found if len(each) > most]:
        named = _listed([f"{each.row_id} ({len(each)})" for each in sorted(long, key=len, reverse=True)])
        raise DataError(
            f"{where}: {len(long)} of {len(found)} training rows are longer than {most} tokens: {named}; shorten them "
            f"or what is retrieved, or raise `finetune.max_tokens` and the context that serving has"
        )
    return found


def _tokens(example: TrainingExample, tokenizer: "PreTrainedTokenizerBase", where: str) -> Tokens:
    messages = [message._asdict() for message in example.messages]
    answered = [*messages, {"role": "assistant", "content": example.answer}]
    try:
        prompt = str(tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True))
        whole = str(tokenizer.apply_chat_template(answered, tokenize=False))
    except Exception as error:  # a template is somebody's program: anything may come out of it
        raise DataError(f"{where} row {example.row_id}: the base's chat template refuses it: {error}") from None
    if not whole.startswith(prompt):
        raise DataError(
            f"{where} row {example.row_id}: the base's chat template changes what stands before an answer once it is "
            f"there; name a base whose template only appends"
        )
    answer = tokenizer(whole[len(prompt) :], add_special_tokens=False)["input_ids"]
    end = tokenizer.eos_token_id
    # What a template writes after the end of a turn is never generated.
    answer = answer[: answer.index(end) + 1] if end in answer else [*answer, end]
    return Tokens(example.row_id, tuple(tokenizer(prompt, add_special_tokens=False)["input_ids"]), tuple(answer))


def _is_conversation(example: TrainingExample) -> bool:
    turns = list(example.messages)
    while turns and turns[0].role == "system":
        turns.pop(0)
    expected = ["user" if at % 2 == 0 else "assistant" for at in range(len(turns))]
    alternate = [message.role for message in turns] == expected and len(turns) % 2 == 1
    return alternate and all(message.content.strip() for message in turns)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:_NAMED]) + (", …" if len(names) > _NAMED else "")
