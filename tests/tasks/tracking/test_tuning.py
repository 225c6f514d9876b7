"""Fine-tunes in a real MLflow: the run of a curve becomes the candidate's, and another candidate has one of its own."""

from configs.schema.finetune import Finetune
from tasks.candidate import LoraAdapter
from tasks.tracking.tuning import FollowedLoss, record_finetune
from tasks.tuning.adapters import Card, Point
from tasks.tuning.tuned import Loss


def card(**changes):
    given = {
        "digest": "a1",
        "base": "tiny-1",
        "app": "fitted",
        "parent": "p1",
        "move": "tuned",
        "data": {"train": "d1"},
        "settings": Finetune(),
        "losses": (Point(step=1, side="train", value=2.0),),
        "facts": {"steps": 1.0},
    }
    return Card(**given | changes)


async def test_each_candidate_of_one_training_has_a_run_of_its_own(client, candidate):
    adapter = LoraAdapter(digest="a1", base="tiny-1")
    one = candidate("fitted", adapter=adapter, move="tuned", parent="p1")
    other = one.model_copy(
        update={"parameters": one.parameters.model_copy(update={"temperature": 0.0}), "parent": "p2"}
    )
    await FollowedLoss("fitted", "training", "finetune · tuned")([Loss(1, "train", 2.0)], last=True)

    recorded = [
        record_finetune(one, "training", card(), None),
        record_finetune(other, "training", card(parent="p2"), None),
        record_finetune(one, "training", card(), None),
    ]

    assert recorded[0] == recorded[2] != recorded[1]
    runs = {
        run.info.run_id: run.data for run in client.search_runs([client.get_experiment_by_name("fitted").experiment_id])
    }
    assert len(runs) == 2
    first, second = (runs[each.run_id] for each in recorded[:2])
    assert (first.tags["lifecycle.candidate"], first.params["parent"]) == (one.digest, "p1")
    assert (second.tags["lifecycle.candidate"], second.params["parent"]) == (other.digest, "p2")
    assert first.metrics["loss.train"] == 2.0, "the curve that was followed"

    await FollowedLoss("fitted", "training", "finetune · tuned")([Loss(1, "train", 2.0)], last=True)
    assert record_finetune(one, "training", card(), None) == recorded[0]
    assert len(client.search_runs([client.get_experiment_by_name("fitted").experiment_id])) == 2
