"""A link of a chain: a thing, what is known of it, and what it was made of."""

from pydantic import Field

from configs.schema.base import Frozen


class Link(Frozen):
    """A thing and what it was made of."""

    what: str
    """Its kind, such as `candidate`, `index` or `dataset`."""
    name: str
    """Its name: a digest, a version, a file."""
    facts: dict[str, str] = Field(default_factory=dict)
    """What is known of it, by name."""
    made_of: tuple["Link", ...] = ()
    """What it was made of."""
