"""Links of what candidates are made of: adapters, indexes, datasets and the sources of those."""

from collections.abc import Sequence
from pathlib import Path

from configs.errors import DataError
from tasks.candidate import Adapter
from tasks.curating.versions import Version
from tasks.lineage.link import Link
from tasks.retrieval.index import load_index
from tasks.tuning.adapters import card_of


def adapter_link(home: Path, curated: Sequence[Version], adapter: Adapter) -> Link:
    """Returns the link of an adapter: the base, the settings, the curve, and the data that it was fitted to.

    Args:
        home: folder of all state.
        curated: versions that the data may be of.
        adapter: the candidate's.
    """
    if adapter.kind == "hosted":
        return Link(what="hosted model", name=adapter.model, facts={"job": adapter.job})
    try:
        card = card_of(home / "adapters", adapter.digest)
    except DataError:
        return Link(what="adapter", name=adapter.digest, facts={"base": adapter.base, "card": "not on this machine"})
    held_out = [each.value for each in card.losses if each.side == "held_out"]
    lora = card.settings.lora
    facts = {
        "base": card.base,
        "fitted": f"{card.facts['steps']:.0f} steps, {card.facts['rows']:.0f} rows, {card.facts['seconds']:.0f} s",
        "settings": f"rank {lora.rank}, alpha {lora.alpha:g}, rate {card.settings.learning_rate:g}, "
        f"batch {card.settings.batch}, seed {card.settings.seed}",
        "held-out loss": f"{held_out[0]:.3f} → {min(held_out):.3f}" if held_out else "nothing was held out",
        "parent": card.parent,
    }
    made_of = [
        index_link(home, value, {}) if name == "index" else data_link(curated, name, value)
        for name, value in card.data.items()
    ]
    return Link(what="adapter", name=card.digest, facts=facts, made_of=tuple(made_of))


def index_link(home: Path, index: str, facts: dict[str, str]) -> Link:
    """Returns the link of an index, with how many chunks of how many documents it holds."""
    try:
        found = load_index(home / "indexes", index)
    except DataError:
        return Link(what="index", name=index, facts=facts | {"file": "not on this machine"})
    held = f"{len(found.texts)} chunks of {len(set(found.documents))} documents"
    return Link(what="index", name=index, facts=facts | {"holds": held})


def data_link(curated: Sequence[Version], name: str, data: str) -> Link:
    """Returns the link of a dataset, and, where it was curated, of the version and its sources, traces among them."""
    of = [version for version in curated if data in version.manifest.splits.values()]
    return Link(what=f"data {name}", name=data, made_of=tuple(map(_version_link, of)))


def _version_link(version: Version) -> Link:
    apart = ", ".join(f"{reason} {rows}" for reason, rows in version.manifest.apart.items())
    return Link(
        what="curated version",
        name=version.digest,
        facts={"set apart": apart} if apart else {},
        made_of=tuple(
            Link(what="source", name=name, facts={"digest": data}) for name, data in version.manifest.sources.items()
        ),
    )
