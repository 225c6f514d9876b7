"""Reads `.prompty` files of both versions (microsoft/prompty): YAML between `---` or `+++`, then messages by role."""

import re
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from configs.errors import DataError
from tasks.candidate import Prompt, TemplateMessage
from tasks.prompting.references import References
from tasks.prompting.render import names_in

_DELIMITER = re.compile(r"(-{3}|\+{3})[ \t]*")
_MARKER = re.compile(r"[ \t]*(?:#[ \t]*)?(system|user|assistant)[ \t]*(?:\[[^\]\n]*\])?[ \t]*:[ \t]*", re.IGNORECASE)
_OPTIONS = {
    "maxOutputTokens": "max_tokens",
    "topP": "top_p",
    "topK": "top_k",
    "frequencyPenalty": "frequency_penalty",
    "presencePenalty": "presence_penalty",
    "stopSequences": "stop",
    "allowMultipleToolCalls": "parallel_tool_calls",
}
_NOT_CHAT = ("embedding", "image")


class Prompty(NamedTuple):
    """What a `.prompty` file holds.

    `parameters` have the names of the OpenAI protocol (`max_tokens`, `temperature`, …) in both versions. `sample` is
    one value an input, where the file gives one. `model` is the model's or the deployment's name, None where there is
    none or where it stands in an environment variable that is not set here.
    """

    prompt: Prompt
    parameters: dict[str, Any]
    sample: dict[str, Any]
    model: str | None


class _Part(NamedTuple):
    """A message as it stands in the file; `line` is where its template begins, from 1."""

    role: str
    template: str
    line: int


def read_prompty(path: Path) -> Prompty:
    """Reads a `.prompty` file, version 1 or 2; without frontmatter it is a plain chat template.

    Text before the first role marker is the system message; of a `completion` prompt the whole text is the user's.
    An input's default becomes a `{% set %}` before the messages that use it, so it is part of what the prompt is. A
    line that shows a conversation (`kind: thread`) is left out: `render` puts the history before the last user
    message. Connections are passed over: a model is configured once, in `models.yaml`.

    Raises:
        DataError: the file is missing or is no prompt; the message names file and line.
    """
    text = _text(path)
    header, body, body_line = _split(path, text)
    references = References(path, text)
    content = _mapping(path, header)
    model = content.get("model")
    model = model if isinstance(model, dict) else {"id": model} if isinstance(model, str) else {}
    _check_format(path, content, model)
    inputs = _inputs(references.resolved(content.get("inputs")))
    sample = references.resolved(content.get("sample"))
    parts = [_Part("user", body.strip(), body_line)] if model.get("api") == "completion" else _parts(body, body_line)
    filled = [_message(part, inputs, names_in(part.template, str(path), part.line)) for part in parts]
    messages = tuple(message for message in filled if message.template)
    if not messages:
        raise DataError(f"{path}: holds no message; write the prompt below the frontmatter")
    return Prompty(
        Prompt(name=_name(path, content), messages=messages),
        _parameters(references.resolved(model.get("parameters") or model.get("options"))),
        {name: entry["default"] for name, entry in inputs.items() if "default" in entry}
        | (sample if isinstance(sample, dict) else {}),
        _model_name(references, model),
    )


def _text(path: Path) -> str:
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise DataError(f"{path}: does not exist; create the prompt or mend the name") from None
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}; check its permissions") from None
    try:
        return content.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise DataError(f"{path} line {line}: not UTF-8 at byte {error.start}; save the file as UTF-8") from None


def _split(path: Path, text: str) -> tuple[str, str, int]:
    """Returns the frontmatter, with as many empty lines before it as keep its line numbers, the body and its line."""
    lines = text.split("\n")
    first = next((number for number, line in enumerate(lines) if line.strip()), None)
    if first is None:
        raise DataError(f"{path}: is empty; write a prompt")
    opening = _DELIMITER.fullmatch(lines[first])
    if not opening:
        return "", text, 1
    for number in range(first + 1, len(lines)):
        closing = _DELIMITER.fullmatch(lines[number])
        if closing and closing[1] == opening[1]:
            header = "\n" * (first + 1) + "\n".join(lines[first + 1 : number])
            return header, "\n".join(lines[number + 1 :]), number + 2
    raise DataError(f"{path} line {first + 1}: the frontmatter that begins here never ends; close it with {opening[1]}")


def _mapping(path: Path, header: str) -> dict[str, Any]:
    try:
        content = yaml.safe_load(header)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" line {mark.line + 1}" if mark else ""
        raise DataError(f"{path}{where}: frontmatter is not valid YAML: {getattr(error, 'problem', error)}") from None
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise DataError(f"{path}: frontmatter is {type(content).__name__}, allowed is a mapping of keys to values")
    return content


def _check_format(path: Path, content: dict[str, Any], model: dict[str, Any]) -> None:
    template = content.get("template")
    form = template.get("format") if isinstance(template, dict) else template
    kind = form.get("kind") if isinstance(form, dict) else form
    if kind not in (None, "jinja2"):
        raise DataError(f"{path}: key `template`: found {kind!r}, allowed is jinja2; rewrite the placeholders")
    api = model.get("api") or model.get("apiType")
    if api in _NOT_CHAT:
        raise DataError(f"{path}: the model's api is {api!r}, allowed is chat; a prompt needs a chat model")


def _inputs(found: Any) -> dict[str, dict[str, Any]]:
    """Returns each input's properties by its name; a scalar stands for a default."""
    if isinstance(found, list):
        found = {entry["name"]: entry for entry in found if isinstance(entry, dict) and "name" in entry}
    if not isinstance(found, dict):
        return {}
    return {str(name): entry if isinstance(entry, dict) else {"default": entry} for name, entry in found.items()}


def _parts(body: str, line: int) -> list[_Part]:
    """Cuts the body at its role markers, before anything is rendered: what a row holds can make no message."""
    parts: list[tuple[str, int, list[str]]] = [("system", line, [])]
    for number, text in enumerate(body.split("\n"), start=line):
        marker = _MARKER.fullmatch(text)
        if marker:
            parts.append((marker[1].lower(), number + 1, []))
        else:
            parts[-1][2].append(text)
    return [
        _Part(role, "\n".join(lines).strip(), begin + _leading_empty(lines))
        for role, begin, lines in parts
        if any(text.strip() for text in lines)
    ]


def _leading_empty(lines: list[str]) -> int:
    return next(number for number, text in enumerate(lines) if text.strip())


def _message(part: _Part, inputs: dict[str, dict[str, Any]], used: frozenset[str]) -> TemplateMessage:
    template = part.template
    for name, entry in inputs.items():
        if entry.get("kind") == "thread":
            template = re.sub(rf"(?m)^[ \t]*{{{{-?\s*{re.escape(name)}\s*-?}}}}[ \t]*\n?", "", template)
    defaults = [
        f"{{% set {name} = {name} | default({entry['default']!r}) %}}"
        for name, entry in inputs.items()
        if entry.get("default") is not None and name in used
    ]
    return TemplateMessage(role=part.role, template="".join(defaults) + template.strip())


def _parameters(found: Any) -> dict[str, Any]:
    found = {str(name): value for name, value in found.items()} if isinstance(found, dict) else {}
    further = found.get("additionalProperties")
    known: dict[str, Any] = {
        _OPTIONS.get(name, name): value for name, value in found.items() if name != "additionalProperties"
    }
    return known | (further if isinstance(further, dict) else {})


def _model_name(references: References, model: dict[str, Any]) -> str | None:
    configuration = model.get("configuration")
    configuration = configuration if isinstance(configuration, dict) else {}
    name = model.get("id") or configuration.get("model") or configuration.get("azure_deployment")
    try:
        return str(references.resolved(name)) if name else None
    except DataError:
        return None


def _name(path: Path, content: dict[str, Any]) -> str:
    """Returns a name that a registry takes: lower case, digits, dots, hyphens; the file's where none is left."""
    for name in (content.get("name"), path.stem):
        short = re.sub(r"[^a-z0-9._]+", "-", str(name or "").lower()).strip("-._")
        if short:
            return short
    return "prompt"
