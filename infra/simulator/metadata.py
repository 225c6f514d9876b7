"""Metadata, as OpenAI's API lets batches and jobs carry it."""

from typing import Any

from infra.simulator.errors import Problem


def check_metadata(metadata: Any) -> None:
    """Refuses what is neither absent nor metadata.

    Raises:
        Problem: it is not.
    """
    if metadata is None or _is_metadata(metadata):
        return
    raise Problem(400, "Invalid 'metadata': at most 16 texts, keys of 64 and values of 512 characters.")


def _is_metadata(metadata: Any) -> bool:
    return (
        isinstance(metadata, dict)
        and len(metadata) <= 16
        and all(isinstance(value, str) and len(key) <= 64 and len(value) <= 512 for key, value in metadata.items())
    )
