"""Quality of structure: is the answer JSON, and of the shape that a schema asks for?"""

import json
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import regex

from tasks.calling.answer import Answer
from tasks.data.cells import as_text
from tasks.data.row import Row
from tasks.scoring.scorer import Rating, scorer

if TYPE_CHECKING:
    from jsonschema.protocols import Validator

_FENCE = regex.compile(r"\s*```(?:json)?[ \t]*\n(.*?)\n?[ \t]*```\s*", regex.DOTALL | regex.IGNORECASE)


def json_in(text: str) -> Any:
    """Returns the JSON that an answer is, alone or as one block between ``` fences.

    Raises:
        ValueError: it is no JSON, or holds NaN or Infinity, which JSON does not know.
    """
    fenced = _FENCE.fullmatch(text)
    return json.loads(fenced.group(1) if fenced else text, parse_constant=_refuse)


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


@lru_cache(maxsize=256)
def _validator(schema: str) -> "Validator":
    import jsonschema
    import jsonschema_specifications

    try:
        parsed = json.loads(schema)
        kind = jsonschema.validators.validator_for(parsed, default=jsonschema.Draft202012Validator)
        kind.check_schema(parsed)
    except json.JSONDecodeError as error:
        raise ValueError(f"the schema is no JSON: {error}") from None
    except jsonschema.SchemaError as error:
        raise ValueError(f"no JSON schema: {error.message} at {error.json_path}") from None
    # The registry knows the drafts of JSON Schema and nothing else: without one, a `$ref` is fetched from the network.
    return kind(parsed, registry=jsonschema_specifications.REGISTRY)


def _check(*, schema_file: str, column: str) -> None:
    if bool(schema_file) == bool(column):
        raise ValueError("set either `schema_file`, a file beside app.yaml, or `column`, which holds a schema a row")
    if schema_file:
        _validator(schema_file)


@scorer("quality", version="1", binary=True, check=_check)
def json_schema(row: Row, answer: Answer, *, schema_file: str = "", column: str = "") -> Rating:
    """1 where the answer is JSON that is valid against a schema.

    The answer may stand in one ```` ```json ```` fence; anything said beside it makes it no JSON. The schema is JSON
    Schema of any draft that its `$schema` names (2020-12 where it names none), validated by the library `jsonschema`.
    Rows whose `column` is empty are not rated.
    """
    schema = schema_file or as_text(row.columns.get(column))
    if not schema.strip():
        return Rating(None, f"the row has no {column}")
    validator = _validator(schema)
    try:
        given = json_in(answer.text)
    except (ValueError, RecursionError) as error:
        return Rating(0.0, f"no JSON: {error}")
    wrong = next(iter(sorted(validator.iter_errors(given), key=lambda each: each.json_path)), None)
    return Rating(float(wrong is None), f"{wrong.json_path}: {wrong.message}"[:200] if wrong else "")
