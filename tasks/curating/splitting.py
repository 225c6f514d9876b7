"""Which split each row becomes part of: by its cluster, by chance that the seed decides, and for good."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace

from tasks.curating.item import Apart, Item, Kept

HELD = "its cluster is held elsewhere"


def side_of(cluster: str, splits: Mapping[str, float], seed: int) -> str:
    """Returns the split that a cluster belongs to.

    A hash of the cluster's name and the seed is its place between 0 and 1, and the splits' shares lie one behind the
    other there. So it is the same in every run, whatever other rows there are.

    Args:
        cluster: its name.
        splits: share of each; they add up to 1.
        seed: another seed, another choice.
    """
    place = int.from_bytes(hashlib.sha256(f"{seed}\n{cluster}".encode()).digest()[:8], "big") / 2**64
    end = 0.0
    for name, share in splits.items():
        end += share
        if place < end:
            return name
    return [name for name, share in splits.items() if share > 0][-1]  # the shares' sum is a rounding below 1


def split_by_cluster(items: Sequence[Item], guarded: Sequence[Item], splits: Mapping[str, float], seed: int) -> Kept:
    """Gives each item the side of its cluster; never one cluster to two sides.

    A cluster that a guarded split has rows of belongs to that split, of several to the last of them; it is set apart
    where that split takes no curated rows, or where its rows are to stay in another one.

    Args:
        items: rows; those with a side are to keep it.
        guarded: rows of the splits that stay as they are.
        splits: share of the clusters that each split gets.
        seed: decides.
    """
    held: dict[str, str] = {item.row.cluster: item.side for item in guarded}
    # A source's own rows hold their clusters, too, where no guarded split does.
    for item in items:
        if item.side:
            held.setdefault(item.row.cluster, item.side)
    kept, apart = [], []
    for item in items:
        cluster = item.row.cluster
        side = held.get(cluster) or side_of(cluster, splits, seed)
        if item.side == side or (not item.side and splits.get(side)):
            kept.append(replace(item, side=side))
        else:
            apart.append(Apart(item, HELD, f"{cluster} belongs to {side}"))
    return Kept(tuple(kept), tuple(apart))
