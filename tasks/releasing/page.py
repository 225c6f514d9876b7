"""The page of one release: what was released, on what evidence, by whom, when and why."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from configs.errors import ReleaseError
from tasks.candidate import Candidate
from tasks.gating.verdict import Verdict
from tasks.releasing.entry import Entry
from tasks.releasing.log import release_log
from tasks.results.evaluation import Evaluation
from tasks.statistics.estimate import Estimate

if TYPE_CHECKING:
    from tasks.workspace import Workspace


def release_page(workspace: "Workspace", entry: Entry) -> str:
    """Returns the Markdown page of a committed release.

    Args:
        workspace: the app; candidate and evaluations are read from its results store.
        entry: the release's commit.
    """
    candidate = workspace.store.load_candidate(entry.candidate)
    return "\n\n".join(_parts(workspace, entry, candidate)) + "\n"


def _parts(workspace: "Workspace", entry: Entry, candidate: Candidate | None) -> Iterator[str]:
    yield f"# Release {entry.sequence} of {workspace.name}: {candidate.label if candidate else entry.candidate}"
    if entry.bootstrap:
        yield "**Bootstrap: no gate has judged this candidate.** It is first, for others to be compared with."
    yield _table(("what", "value"), _facts(entry))
    if candidate is not None:
        yield "## Candidate"
        yield _table(("part", "value"), _candidate(candidate))
        for prompt in candidate.prompts:
            yield from (_quoted(message.role, message.template) for message in prompt.messages)
    yield "## Data"
    yield _table(("dataset", "digest"), sorted(entry.evidence.get("datasets", {}).items()))
    yield "## Gates"
    yield from (_verdict(verdict) for verdict in entry.verdicts)
    if not entry.verdicts:
        yield "None has decided." if entry.action == "promote" else f"See the release that this {entry.action} names."
    if steps := _steps(workspace.name, entry):
        yield "## Steps"
        yield _table(
            ("when", "step", "who", "why"), ((each.at[:19], _step(each), each.who, each.why) for each in steps)
        )
    for evaluation in _evaluations(workspace, entry):
        yield f"## Metrics on {workspace.name}/{evaluation.split}"
        yield f"Evaluation {evaluation.id}, data {evaluation.dataset}, epoch {evaluation.epoch}."
        yield _table(
            ("metric", "value", "interval", "rows", "coverage", "method"), map(_estimate, evaluation.estimates)
        )
    yield "## Chain"
    yield _chain(workspace.name, entry)


def _steps(app: str, entry: Entry) -> list[Entry]:
    try:
        return [each for each in release_log(app).entries() if each.stage and each.release == entry.release]
    except ReleaseError:
        return []  # the chain's part of the page says so


def _step(entry: Entry) -> str:
    return f"{entry.stage}, {entry.evidence['share']:.0%} of the users" if entry.stage == "canary" else str(entry.stage)


def _facts(entry: Entry) -> Iterator[tuple[str, str]]:
    yield "action", entry.action
    yield "release", entry.release
    yield "candidate", entry.candidate
    yield "model version", str(entry.version)
    yield "champion before", _named(entry.previous_candidate, entry.previous_version)
    yield "who", entry.who
    yield "when", entry.at
    yield "why", entry.why
    smoke = entry.evidence.get("smoke")
    if smoke and smoke["calls"]:
        yield f"smoke test ({smoke['where']})", f"{smoke['question']} → {smoke['answer']}"


def _candidate(candidate: Candidate) -> Iterator[tuple[str, str]]:
    yield "target", candidate.target.kind
    for prompt in candidate.prompts:
        version = f" version {prompt.version}" if prompt.version else ""
        part = "meta-prompt" if prompt is candidate.meta_prompt else "prompt"
        yield part, f"{prompt.name}{version} ({prompt.digest})"
    if candidate.model is not None:
        yield "model", f"{candidate.model} ({candidate.endpoint_model})"
    if candidate.parameters is not None:
        settings = candidate.parameters.model_dump(exclude={"name"}, exclude_defaults=False)
        yield "parameters", ", ".join(f"{key} {value}" for key, value in settings.items() if value not in (None, ()))
    if candidate.retrieval is not None:
        yield "retrieval", f"index {candidate.retrieval.index}, {candidate.retrieval.told}"
    if candidate.examples:
        yield "examples", ", ".join(example.row_id for example in candidate.examples)
    if candidate.code is not None:
        yield "code", candidate.code
    if candidate.move is not None:
        yield "move", candidate.move
    if candidate.parent is not None:
        yield "made from", candidate.parent


def _verdict(verdict: Verdict) -> str:
    against = f" beside champion {verdict.champion}" if verdict.champion else ""
    rules = ((rule.rule, str(rule.decision), rule.reason) for rule in verdict.rules)
    return f"**{verdict.gate}: {verdict.decision}**{against}\n\n{_table(('rule', 'decision', 'reason'), rules)}"


def _evaluations(workspace: "Workspace", entry: Entry) -> Iterator[Evaluation]:
    """Yields the candidate's own evaluations that the verdicts stand on, each once; for a bootstrap, all there are."""
    named = [identity for verdict in entry.verdicts for identity in verdict.evaluations]
    if not entry.verdicts:
        named = [stored.id for stored in workspace.store.list() if stored.candidate == entry.candidate]
    for identity in dict.fromkeys(named):
        evaluation = workspace.store.load(identity)
        if evaluation is not None and evaluation.candidate.digest == entry.candidate:
            yield evaluation


def _estimate(estimate: Estimate) -> tuple[str, ...]:
    name = f"{estimate.metric} where {estimate.slice}" if estimate.slice else estimate.metric
    if estimate.value is None or estimate.low is None or estimate.high is None:
        return name, "no row scored", "", "0", f"{estimate.coverage:.2f}", estimate.method
    interval = f"{estimate.low:.3g} to {estimate.high:.3g} ({estimate.confidence:.0%})"
    return name, f"{estimate.value:.3g}", interval, str(estimate.n), f"{estimate.coverage:.2f}", estimate.method


def _chain(app: str, entry: Entry) -> str:
    links = f"This entry: `{entry.hash}`\n\nThe one before: `{entry.previous_hash}`"
    try:
        chain = release_log(app).verify()
    except ReleaseError as error:
        return f"**Broken:** {error}\n\n{links}"
    return f"Intact: {chain.entries} entries, the last is `{chain.head}`.\n\n{links}"


def _named(candidate: str | None, version: int | None) -> str:
    return f"{candidate}, version {version}" if candidate else "none"


def _table(head: tuple[str, ...], rows: Any) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join("| " + " | ".join(_cell(cell) for cell in line) + " |" for line in lines)


def _cell(value: str) -> str:
    return " ".join(str(value).split()).replace("|", "\\|").replace("<", "&lt;")


def _quoted(role: str, template: str) -> str:
    lines = "\n".join(f"    {line}" for line in template.splitlines())
    return f"The {role} message:\n\n{lines}"
