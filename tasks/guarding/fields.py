"""Texts within a JSON document, however deep they lie, the names of its properties among them."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from tasks.curating.redacting import each_text


def texts_in(field: Any) -> Iterator[str]:
    """Yields them."""
    if isinstance(field, str):
        yield field
    elif isinstance(field, Mapping):
        for name, each in field.items():
            yield name
            yield from texts_in(each)
    elif isinstance(field, list):
        for each in field:
            yield from texts_in(each)


def with_each_text(field: Any, clean: Callable[[str], str]) -> Any:
    """Returns the document with each made clean, and numbers that are long enough to be one."""
    if isinstance(field, dict):
        return {clean(name): with_each_text(each, clean) for name, each in field.items()}
    return [with_each_text(each, clean) for each in field] if isinstance(field, list) else each_text(field, clean)
