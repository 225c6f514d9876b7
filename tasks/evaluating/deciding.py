"""An evaluation and the gate before its data: as many rows are asked as the decision takes."""

from typing import TYPE_CHECKING, NamedTuple

from configs.schema.gate import Gate
from tasks.candidate import Candidate
from tasks.candidates import AlteredError, check_unaltered
from tasks.data.row import Dataset
from tasks.decided import decided
from tasks.evaluating.asking import Asking
from tasks.evaluating.evaluate import evaluate_candidate, evaluate_until
from tasks.evaluating.under_way import identity_of
from tasks.gating.decide import decide
from tasks.gating.terms import terms_of
from tasks.gating.verdict import Decision, GateName, Verdict
from tasks.judging.instruments import instruments_of
from tasks.judging.judge import judges_of
from tasks.judging.labels import Label
from tasks.judging.people import People
from tasks.progress import say
from tasks.results.evaluation import Evaluation
from tasks.results.finding import find_evaluation
from tasks.results.together import together
from tasks.statistics.anytime import Design, design_of

if TYPE_CHECKING:
    from tasks.workspace import Workspace


class Decided(NamedTuple):
    """A candidate's evaluation, the champion's on the same data, and what the gate says; None where there is none."""

    evaluation: Evaluation
    beside: Evaluation | None
    verdict: Verdict | None


async def evaluate_and_decide(
    workspace: "Workspace", candidate: Candidate, champion: Candidate | None, dataset: Dataset, asking: Asking
) -> Decided:
    """Asks a candidate and the champion, and lets the gate before the data decide.

    A gate that stops early is looked at after each batch of rows, which both are asked. A champion that can no longer
    be asked is compared by what it was measured at last, in whichever epoch.

    Args:
        workspace: the app.
        candidate: what is asked.
        champion: what it is compared with; None where there is nothing.
        dataset: the rows that there are.
        asking: how they are asked; deferred rows, and those that failed before, are asked all at once.
    """
    gate, gate_name = _gate(workspace, dataset.split)
    known = None
    if champion is not None and not _can_be_asked(workspace, champion, dataset):
        known = find_evaluation(workspace.store, champion.digest, dataset.digest)
        say(f"compared with {f'epoch {known.epoch} of the champion' if known else 'nothing'}")
        champion = None
    at_once = asking.everything or asking.deferred or asking.only_failed
    if gate is None or not gate.stop_early or at_once:
        evaluation = await evaluate_candidate(workspace, candidate, dataset, asking)
        beside = known or await _beside(workspace, champion, evaluation, dataset, asking)
        verdict = _decide(workspace, gate_name, gate, evaluation, beside, dataset) if gate else None
    else:
        evaluation, beside, verdict = await _until_settled(
            workspace, candidate, champion, known, dataset, asking, gate, gate_name
        )
    if verdict is not None:
        workspace.store.save_verdict(verdict)
    return Decided(evaluation, beside, verdict)


def gates_so_far(
    workspace: "Workspace",
    evaluation: Evaluation,
    champion: Candidate | None,
    beside: Evaluation | None,
    verdict: Verdict | None,
    labels: tuple[Label, ...] = (),
) -> dict[str, str]:
    """Returns what both gates say of a candidate after an evaluation.

    A sample gate that could not decide is decided again once there are full rows, on the rows of both.

    Args:
        workspace: the app.
        evaluation: of the candidate.
        champion: what it is compared with.
        beside: the champion's evaluation.
        verdict: of the gate before this data.
        labels: what people have said of answers.
    """
    if verdict is None or verdict.gate == "sample":
        return {verdict.gate: str(verdict.decision)} if verdict else {}
    sample = decided(workspace, "sample", evaluation.candidate.digest, champion.digest if champion else None)
    if sample is not None and sample.decision is Decision.INCONCLUSIVE:
        sample = _sample_again(workspace, evaluation, beside, labels) or sample
    return {"sample": str(sample.decision) if sample else "not decided", "release": str(verdict.decision)}


async def _until_settled(
    workspace: "Workspace",
    candidate: Candidate,
    champion: Candidate | None,
    known: Evaluation | None,
    dataset: Dataset,
    asking: Asking,
    gate: Gate,
    gate_name: GateName,
) -> Decided:
    verdicts: list[Verdict] = []

    def settled(mine: Evaluation, theirs: Evaluation | None) -> bool:
        verdicts.append(_decide(workspace, gate_name, gate, mine, theirs or known, dataset))
        return verdicts[-1].settled

    evaluation, beside = await evaluate_until(workspace, candidate, champion, dataset, settled, asking)
    beside = beside or known
    stands_on = tuple(dict.fromkeys(each.id for each in (evaluation, beside) if each is not None))
    verdict = verdicts[-1].model_copy(update={"evaluations": stands_on})
    say(f"{verdict.gate} gate: {verdict.decision} after {verdict.rows_used} of {verdict.rows_available} rows")
    return Decided(evaluation, beside, verdict)


def _gate(workspace: "Workspace", split: str) -> tuple[Gate | None, GateName]:
    gates = workspace.loaded.app.gates
    if split == "sample":
        return gates.sample, "sample"
    return (gates.release if split == "full" else None), "release"


def _can_be_asked(workspace: "Workspace", champion: Candidate, dataset: Dataset) -> bool:
    """Returns whether the champion can be asked: a file of the user's that was changed since cannot."""
    if workspace.store.load(identity_of(workspace, champion, dataset)) is not None:
        return True
    try:
        check_unaltered(workspace.loaded, champion)
    except AlteredError as error:
        say(f"the champion is not asked: {error}")
        return False
    return True


async def _beside(
    workspace: "Workspace", champion: Candidate | None, evaluation: Evaluation, dataset: Dataset, asking: Asking
) -> Evaluation | None:
    """Returns the champion's evaluation on the same data, of all its rows."""
    if champion is None or champion.digest == evaluation.candidate.digest:
        return evaluation if champion else None
    model = workspace.loaded.models.get(champion.model or "")
    deferred = asking.deferred and model is not None and model.kind == "openai"
    asking = asking._replace(deferred=deferred, only_failed=False)
    return await evaluate_candidate(workspace, champion, dataset, asking)


def _decide(
    workspace: "Workspace",
    gate_name: GateName,
    gate: Gate,
    evaluation: Evaluation,
    beside: Evaluation | None,
    dataset: Dataset,
) -> Verdict:
    instruments = instruments_of(workspace.loaded, workspace.store)
    # The sample gate may be looked at again once there are full rows.
    looks = 2 if gate_name == "sample" else 1
    terms = terms_of(gate, workspace.scorers)
    return decide(gate_name, gate, evaluation, beside, workspace.metrics, _design(dataset), instruments, looks, terms)


def _design(dataset: Dataset) -> Design:
    return design_of(row.cluster or row.id for row in dataset.rows)


def _sample_again(
    workspace: "Workspace", full: Evaluation, beside: Evaluation | None, labels: tuple[Label, ...]
) -> Verdict | None:
    datasets, epoch = (workspace.asked_dataset("sample"), workspace.asked_dataset("full")), workspace.epoch
    small = find_evaluation(workspace.store, full.candidate.digest, datasets[0].digest, epoch)
    small_beside = (
        find_evaluation(workspace.store, beside.candidate.digest, datasets[0].digest, epoch) if beside else None
    )
    gate = workspace.loaded.app.gates.sample
    if small is None or (beside is not None and small_beside is None):
        return None
    if gate.target == "this_set" and (small.stopped_early or full.stopped_early):
        return None  # of two sets that were drawn one after the other nothing is known before the last row
    people = People(judges_of(workspace.loaded), labels)
    people.take_stored(small)
    small = people.beside(small)
    one, other = (_design(dataset) for dataset in datasets)
    # A cluster may have rows in both.
    design = Design(one.rows + other.rows, one.clusters + other.clusters, one.largest + other.largest)
    champion = together(small_beside, beside) if beside and small_beside else None
    instruments = instruments_of(workspace.loaded, workspace.store)
    both, terms = together(small, full), terms_of(gate, workspace.scorers)
    verdict = decide("sample", gate, both, champion, workspace.metrics, design, instruments, 2, terms)
    stood_on = tuple(each.id for each in (small, full, small_beside, beside) if each)
    verdict = verdict.model_copy(update={"evaluations": tuple(dict.fromkeys(stood_on))})
    workspace.store.save_verdict(verdict)
    return verdict
