"""Turns a prompt and a row into the messages a model is sent.

Roles were cut when the prompt was read; rendering only fills the messages there are, so no text of a user's or a
document's can make a message or change a role.
"""

from collections.abc import Collection, Mapping, Sequence
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, Literal, cast, get_args

from configs.errors import ConfigurationError, DataError, MissingVariableError
from tasks.calling.answer import Passage
from tasks.candidate import Example, Prompt, TemplateMessage
from tasks.data.row import Message

if TYPE_CHECKING:
    from jinja2 import Template
    from jinja2.nodes import Template as Tree
    from jinja2.sandbox import SandboxedEnvironment

BUILT_IN = frozenset({"question", "documents"})
"""Variables that every prompt may use, whatever the row's columns: the last user message, and the passages found."""

Role = Literal["system", "user", "assistant", "tool"]


@cache
def _environment() -> "SandboxedEnvironment":
    from jinja2 import StrictUndefined
    from jinja2.sandbox import SandboxedEnvironment

    # Not HTML: a model reads the text as it is.
    return SandboxedEnvironment(undefined=StrictUndefined, autoescape=False)


@lru_cache(maxsize=1024)
def _compiled(template: str) -> "Template":
    return _environment().from_string(template)


def names_in(template: str, where: str, line: int = 1) -> frozenset[str]:
    """Returns the variables that one message's template uses and does not set itself.

    Args:
        template: text of one message.
        where: file or prompt, for the message of the error.
        line: where the template begins in it.

    Raises:
        DataError: names `where`, the line and the problem.
    """
    from jinja2.meta import find_undeclared_variables

    return frozenset(find_undeclared_variables(_parsed(template, where, line)))


def variables(prompt: Prompt) -> frozenset[str]:
    """Returns the variables that a prompt needs, built-in ones included.

    One that has a `default(…)` or is asked for with `is defined` is not needed.
    """
    from jinja2 import nodes

    needed: set[str] = set()
    optional: set[str] = set()
    for message in prompt.messages:
        where = f"prompt {prompt.name}"
        needed |= names_in(message.template, where)
        tree = _parsed(message.template, where, 1)
        for node in tree.find_all((nodes.Filter, nodes.Test)):
            if node.name in ("default", "d", "defined") and isinstance(node.node, nodes.Name):
                optional.add(node.node.name)
    return frozenset(needed - optional)


def check_variables(prompt: Prompt, columns: Collection[str], where: str) -> None:
    """Refuses a prompt that needs a variable which is neither built in nor a column.

    Args:
        prompt: the prompt.
        columns: columns that every row has.
        where: the dataset, for the message of the error.

    Raises:
        ConfigurationError: names prompt, variable and the columns there are.
    """
    missing = sorted(variables(prompt) - BUILT_IN - set(columns))
    if missing:
        raise ConfigurationError(
            f"prompt {prompt.name}: variable {missing[0]!r} is no column of {where}; columns are "
            f"{', '.join(sorted(columns)) or 'none'}, always there are {', '.join(sorted(BUILT_IN))}"
        )


def document_line(passage: Passage) -> str:
    """Returns a passage as the variable `documents` shows it: `[id] text`, on one line."""
    return f"[{passage.id}] {' '.join(passage.text.split())}"


def render(
    prompt: Prompt,
    columns: Mapping[str, Any],
    messages: tuple[Message, ...],
    documents: Sequence[Passage] = (),
    examples: Sequence[Example] = (),
    meta_prompt: Prompt | None = None,
) -> tuple[Message, ...]:
    """Returns what the model is sent for one row.

    The order: the meta-prompt and the prompt's first system message, as one; its other leading system messages; each
    example as the last user template filled with it, and its answer; the prompt's other messages, with the
    conversation's history before the last user message. A prompt that has no user message and does not show the
    question is followed by the question.

    Args:
        prompt: the template.
        columns: the row's columns; built-in variables go before columns of the same name.
        messages: the conversation; the last is the user's.
        documents: passages to show, best first.
        examples: solved rows to show.
        meta_prompt: rules that stand first, in one message with the prompt's own, since the chat templates of small
            models know only one system message.

    Raises:
        MissingVariableError: the row lacks a variable of a template; names prompt, message and variable.
        DataError: a template cannot be filled with this row for another reason.
    """
    question, history = messages[-1].content, messages[:-1]
    lines = "\n".join(document_line(passage) for passage in documents)
    values = {**columns, "question": question, "documents": lines}
    templates = list(prompt.messages)
    if all(message.role != "user" for message in templates) and "question" not in variables(prompt):
        templates.append(TemplateMessage(role="user", template="{{ question }}"))
    filled = [_filled(prompt, message, values) for message in templates]
    if meta_prompt is not None:
        rules = "\n\n".join(_filled(meta_prompt, message, values).content for message in meta_prompt.messages)
        if filled and filled[0].role == "system":
            filled[0] = Message("system", f"{rules}\n\n{filled[0].content}")
        else:
            templates.insert(0, TemplateMessage(role="system", template=""))
            filled.insert(0, Message("system", rules))
    users = [position for position, message in enumerate(templates) if message.role == "user"]
    last = users[-1] if users else len(templates)
    shown = _shown(prompt, templates[last], examples) if users else []
    head = next((n for n, message in enumerate(templates) if message.role != "system"), len(templates))
    return (*filled[:head], *shown, *filled[head:last], *history, *filled[last:])


def _shown(prompt: Prompt, template: TemplateMessage, examples: Sequence[Example]) -> list[Message]:
    pairs: list[Message] = []
    for example in examples:
        values = {**example.columns, "documents": "\n".join(example.documents)}
        pairs += [_filled(prompt, template, values), Message("assistant", example.answer)]
    return pairs


def _filled(prompt: Prompt, message: TemplateMessage, values: Mapping[str, Any]) -> Message:
    from jinja2 import TemplateError, UndefinedError

    where = f"prompt {prompt.name}, {message.role} message"
    if message.role not in get_args(Role):
        raise DataError(f"{where}: allowed roles are {', '.join(get_args(Role))}")
    _parsed(message.template, where, 1)
    try:
        text = _compiled(message.template).render(values)
    except UndefinedError as error:
        raise MissingVariableError(f"{where}: {error.message}; mend the template or the row") from None
    except TemplateError as error:
        raise DataError(f"{where}: {error.message}; mend the template or the row") from None
    except Exception as error:  # a template runs the author's expressions: anything may come out of them
        raise DataError(f"{where}: {type(error).__name__}: {error}; mend the template or the row") from None
    return Message(cast("Role", message.role), text)


@lru_cache(maxsize=1024)
def _parsed(template: str, where: str, line: int) -> "Tree":
    from jinja2 import TemplateSyntaxError

    try:
        return _environment().parse(template)
    except TemplateSyntaxError as error:
        raise DataError(
            f"{where} line {line + error.lineno - 1}: not a valid template: {error.message}; see Jinja2's syntax"
        ) from None
