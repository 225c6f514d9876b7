"""How an app's champion is served: what a client may add to its question, and who answers where its model does not."""

from typing import Literal

from configs.schema.base import Frozen

Passing = Literal["tools", "response_format"]
"""What of a client's request can go on to the model."""


class Serve(Frozen):
    """How the champion is served."""

    passes: tuple[Passing, ...] = ()
    """What goes on to the model as the client said it: `tools` (with `tool_choice`, `parallel_tool_calls`, and the
    turns that call tools or bring their results), `response_format`. What is not named is refused: the champion was
    evaluated without it."""
    fallback: str | None = None
    """Name of a model that is asked the same where the champion's gave nothing in all its tries or has no free slot.
    Such answers are marked, and are left out of what the champion is measured by."""
