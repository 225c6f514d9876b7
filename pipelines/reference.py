"""Writes the tables of `docs/stages.md` from the flows' signatures and docstrings: `python -m pipelines.reference`."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from configs.tables import HEADER, cells, default_of
from configs.wording import Node, allowed
from pipelines.deployments import stages

if TYPE_CHECKING:
    from prefect.flows import Flow

GUIDE = Path(__file__).parents[1] / "docs" / "stages.md"

_MARK = "<!-- From here on written by `python -m pipelines.reference`. -->\n"
_OPTIONS = ("app", "changes")
"""Parameters that the command takes by options of their own: `--app`, and `--set` of a key of app.yaml."""


def guide(current: str) -> str:
    """Returns the text of `docs/stages.md`: its prose as it is, its tables as the flows are now."""
    prose, _, _ = current.partition(_MARK)
    return "\n".join([prose + _MARK, *(_stage(name, flow) for name, flow in stages().items())])


def _stage(name: str, flow: "Flow[..., Any]") -> str:
    from prefect.utilities.callables import parameter_schema

    form = parameter_schema(flow)
    schema: Node = {"$defs": form.definitions}
    rows = [
        cells(f"`{key}`", allowed(node, schema), default_of(node), node["description"])
        for key, node in form.properties.items()
        if key not in _OPTIONS
    ]
    table = HEADER.replace("key", "parameter", 1) + "".join(rows) if rows else "It has no parameters of its own.\n"
    return f"## {name}\n\n{str(flow.description).partition('Args:')[0].strip()}\n\n{table}"


if __name__ == "__main__":
    GUIDE.write_text(guide(GUIDE.read_text(encoding="utf-8")), encoding="utf-8")
