"""What `augment` shows people: why the gate said no, what was changed because of it, and what came of it."""

from tasks.augmenting.attribution import Attributed, Attribution
from tasks.augmenting.causes import CAUSES
from tasks.augmenting.change import Change
from tasks.candidate import Candidate
from tasks.orchestrating.artifacts import markdown_table

_CUT = 120
"""Characters of an answer that are shown."""


def augment_page(made: Candidate, change: Change) -> str:
    """Returns the page of a candidate that was made, as Markdown."""
    parts = [f"# {made.label}", change.why, markdown_table(_rows(made, change))]
    if change.attribution:
        parts += [f"## Why {change.attribution.candidate[:8]} was refused", *_attribution(change.attribution)]
    return "\n\n".join(parts) + "\n"


def _rows(made: Candidate, change: Change) -> list[dict[str, object]]:
    retrieval = f"index `{made.retrieval.index}`, {made.retrieval.told}" if made.retrieval else "none"
    facts = {
        "digest": f"`{made.digest}`",
        "made from": f"`{change.base}`",
        "move": f"{change.move.name} ({change.move.kind})",
        "prompt": f"{made.prompt.name} v{made.prompt.version}" if made.prompt else "none",
        "meta-prompt": f"{made.meta_prompt.name} v{made.meta_prompt.version}" if made.meta_prompt else "none",
        "retrieval": retrieval,
        "examples": ", ".join(example.row_id for example in made.examples) or "none",
        "adapter": _adapter(made),
    }
    return [{"what": name, "which": value} for name, value in facts.items()]


def _adapter(made: Candidate) -> str:
    if made.adapter is None:
        return "none"
    return f"`{made.adapter.digest}`" if made.adapter.kind == "lora" else made.adapter.model


def _attribution(attribution: Attribution) -> list[str]:
    counted = [{"cause": cause, "failures": n, "meaning": CAUSES[cause]} for cause, n in attribution.causes]
    said = f"The {attribution.gate} gate's rules that do not hold: {'; '.join(attribution.rules)}."
    looked = f"{len(attribution.looked_at)} of {attribution.failures} failures were looked at."
    return [f"{said} {looked}", markdown_table(counted), markdown_table(map(_row, attribution.looked_at))]


def _row(each: Attributed) -> dict[str, object]:
    return {
        "row": each.row,
        "metric": each.metric,
        "cause": each.cause,
        "answer": _cut(each.answer),
        "with the right documents": _cut(each.with_documents),
        "with the answer itself": _cut(each.with_answer),
        "with nothing": _cut(each.without),
    }


def _cut(text: str | None) -> str:
    if text is None:
        return "not asked"
    return text if len(text) <= _CUT else text[: _CUT - 1] + "…"
