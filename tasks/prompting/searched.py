"""What a search over prompts tried."""

from typing import Any, ClassVar

from tasks.results.searches import Search


class PromptSearch(Search):
    """Everything that a search tried."""

    folder: ClassVar[str] = "prompt-searches"

    rows: int
    """Rows that it could ask."""
    trials: tuple[dict[str, Any], ...]
    """Every arm in every step, in the order in which they were asked: what it is made of, what it reached."""
    began_with: str
    """Digest of the first arm."""
    cut_off: bool
    """Whether the budget ended it before its last step."""
    url: str
    """Of its run in MLflow."""
