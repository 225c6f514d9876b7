"""OpenAI's chat fine-tuning JSONL: checked line by line, and written of training examples.

Source: OpenAI's guide "Supervised fine-tuning", "Formatting your data"; see `chat_checks` for what is checked.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from tasks.data.chat_checks import Finding, findings_of, hints_of
from tasks.data.chat_tokens import FileTokens, tokens_of
from tasks.data.formats import readable
from tasks.data.tokens import token_counter
from tasks.tuning.example import TrainingExample
from tasks.writing import write_whole

FEWEST = 10
"""Examples that OpenAI takes at least."""

_BOM = b"\xef\xbb\xbf"


class Problem(NamedTuple):
    """What is wrong with a file: in which line (0 for the whole file), its code, and one line that says it all."""

    line: int
    code: str
    text: str


class Checked(NamedTuple):
    """What checking a file has found.

    Attributes:
        lines: lines that are not empty.
        problems: in the order of the lines; a provider takes the file where there are none.
        hints: what is allowed but seldom meant, and of how many lines.
        tokens: of the lines that nothing is wrong with.
    """

    lines: int
    problems: tuple[Problem, ...]
    hints: dict[str, int]
    tokens: FileTokens


def check_chat_lines(path: Path, most_tokens: int | None = None) -> Checked:
    """Checks every line of a file.

    Args:
        path: the file.
        most_tokens: tokens of a line at most, where the model to be tuned has a bound.

    Raises:
        DataError: the file is missing or cannot be read.
        StackError: the embedded weights, by whose tokenizer tokens are counted, are not installed.
    """
    count, hints = token_counter(), Counter[str]()
    problems: list[Problem] = []
    tokens: list[int] = []
    lines = trained = 0
    for number, line in _parsed(path):
        lines += 1
        findings = [line] if isinstance(line, Finding) else list(findings_of(line))
        if not findings:
            found = tokens_of(line, count)
            tokens.append(found.total)
            trained += found.trained
            hints.update(hints_of(line))
            if most_tokens is not None and found.total > most_tokens:
                text = f"has {found.total} tokens, and the most is {most_tokens}; shorten it or leave it out"
                findings = [Finding("too_long", text)]
        problems += [Problem(number, code, f"{path} line {number}: {text}") for code, text in findings]
    if lines < FEWEST:
        text = f"{path}: has {lines} examples, and a provider takes {FEWEST} at least; add some"
        problems.append(Problem(0, "too_few_examples", text))
    return Checked(lines, tuple(problems), dict(hints), FileTokens(tuple(tokens), trained))


def write_chat_lines(examples: Iterable[TrainingExample], path: Path) -> None:
    """Writes examples, one a line, whole or not at all.

    Raises:
        DataError: the disk is full or refuses to be written.
    """
    write_whole(path, chat_lines_of(examples))


def chat_lines_of(examples: Iterable[TrainingExample]) -> bytes:
    """Returns the text of a file of examples, one a line; the same examples give the same bytes."""
    return b"".join(json.dumps(line_of(example), ensure_ascii=False).encode() + b"\n" for example in examples)


def line_of(example: TrainingExample) -> dict[str, Any]:
    """Returns the line of an example. What the assistant has said before is no answer that was chosen to be learnt."""
    said = [message._asdict() for message in example.messages]
    said = [{**message, "weight": 0} if message["role"] == "assistant" else message for message in said]
    return {"messages": [*said, {"role": "assistant", "content": example.answer}]}


def _parsed(path: Path) -> Iterator[tuple[int, Any]]:
    """Yields the number of each line and what JSON it holds, or the finding that it holds none."""
    with readable(path), path.open("rb") as file:
        for number, content in enumerate(file, 1):
            text = content.removeprefix(_BOM) if number == 1 else content
            if not text.strip():
                continue
            try:
                line = json.loads(text.rstrip(b"\r\n").decode())
                if b"\\u" in text:
                    json.dumps(line, ensure_ascii=False).encode()
                yield number, line
            except UnicodeDecodeError as error:
                yield number, Finding("data_type", f"not UTF-8 at byte {error.start} of it; save the file as UTF-8")
            except json.JSONDecodeError as error:
                yield number, Finding("data_type", f"not valid JSON at column {error.colno}: {error.msg}; mend it")
            except UnicodeEncodeError:
                yield number, Finding("data_type", "holds half a character (a lone surrogate); write the character")
            except (ValueError, RecursionError):
                yield number, Finding("data_type", "nested too deeply, or a number of too many digits; mend it")
