"""Links of what candidates are made of: adapters, indexes, datasets and the sources of those."""

import json
from collections.abc import Sequence
from pathlib import Path

from configs.errors import DataError
from configs.schema.finetune import Finetune
from tasks.candidate import Adapter, HostedModel, LoraAdapter
from tasks.curating.versions import Version
from tasks.lineage.link import Link
from tasks.retrieval.index import load_index
from tasks.tuning.adapters import Card, card_of
from tasks.tuning.distilling import FOLDER
from tasks.tuning.hosted.cards import kept_card


def adapter_link(home: Path, results: Path, curated: Sequence[Version], adapter: Adapter, parent: str | None) -> Link:
    """Returns the link of an adapter: the base, the settings, the curve, and the data that it was fitted to.

    Args:
        home: folder of all state.
        results: folder of the app's results.
        curated: versions that the data may be of.
        adapter: the candidate's.
        parent: what the candidate was made from: the same weights serve candidates that were made from others.
    """
    if isinstance(adapter, HostedModel):
        what, name, known, card = "hosted model", adapter.model, {"job": adapter.job}, kept_card(home, adapter)
    else:
        what, name, known, card = "adapter", adapter.digest, {"base": adapter.base}, _card(home, adapter)
    if card is None:
        return Link(what=what, name=name, facts=known | {"card": "not on this machine"})
    held_out = [each.value for each in card.losses if each.side == "held_out"]
    facts = {
        **known,
        "base": card.base,
        "fitted": _fitted(card.facts),
        "settings": _settings(card.settings),
        "held-out loss": f"{held_out[0]:.3f} → {min(held_out):.3f}" if held_out else "nothing was held out",
        "parent": parent or card.parent,
    }
    made_of = tuple(_data(home, results, curated, of, value) for of, value in card.data.items())
    return Link(what=what, name=name, facts=facts, made_of=made_of)


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


def distilled_link(results: Path, name: str) -> Link:
    """Returns the link of a teacher's answers: who gave them, under which terms, and which were kept.

    Args:
        results: folder of the app's results.
        name: digest of the answers.
    """
    try:
        about = json.loads((results / FOLDER / f"{name}.json").read_bytes())
        teacher = about["teacher"]
        facts = {
            "terms": about["terms"],
            "kept": f"{len(about['rows'])} rows",
            "left out": ", ".join(f"{count} {reason}" for reason, count in about["dropped"].items()) or "none",
        }
        made_of = Link(what="teacher", name=teacher["model"], facts={"stands for": teacher["endpoint_model"]})
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return Link(what="data distilled", name=name, facts={"file": "not on this machine"})
    return Link(what="data distilled", name=name, facts=facts, made_of=(made_of,))


def _card(home: Path, adapter: LoraAdapter) -> Card | None:
    try:
        return card_of(home / "adapters", adapter.digest)
    except DataError:
        return None


def _data(home: Path, results: Path, curated: Sequence[Version], name: str, value: str) -> Link:
    if name == "index":
        return index_link(home, value, {})
    return distilled_link(results, value) if name == "distilled" else data_link(curated, name, value)


def _fitted(facts: dict[str, float]) -> str:
    said = [f"{facts['steps']:.0f} steps", f"{facts['rows']:.0f} rows"]
    said += [f"{facts['seconds']:.0f} s"] if "seconds" in facts else []
    said += [f"${facts['price']:.4f}"] if "price" in facts else []
    return ", ".join(said)


def _settings(settings: Finetune) -> str:
    hosted, lora = settings.hosted, settings.lora
    if hosted is None:
        of = f"rank {lora.rank}, alpha {lora.alpha:g}, rate {settings.learning_rate:g}"
        return f"{of}, batch {settings.batch}, seed {settings.seed}"
    chosen = {"batch": hosted.batch, "rate multiplier": hosted.learning_rate_multiplier, "seed": hosted.seed}
    said = [f"{name} {value:g}" for name, value in chosen.items() if value is not None]
    return ", ".join([f"{hosted.epochs} epochs", *said, f"{hosted.checkpoint} checkpoint"])


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
