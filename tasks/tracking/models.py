"""Model versions: what may become champion, the alias that names it, and the way back from a version to a candidate."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock

from configs.errors import ReleaseError
from configs.settings import settings
from tasks.candidate import Candidate, LoraAdapter
from tasks.gating.verdict import Decision, Verdict
from tasks.retrieval.index import index_file, load_index
from tasks.tracking.connection import connect, experiment_of
from tasks.tracking.facts import candidate_parameters, linked_prompt, prompt_uri
from tasks.tracking.recording import Content, Place, as_json, find_run, record_run
from tasks.tuning.adapters import CARD, card_of, check_adapter, take_in
from tasks.writing import write_whole

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion

    from tasks.workspace import Workspace

_ALIAS = "champion"
_CANDIDATE, _GATES = "lifecycle.candidate", "lifecycle.gates"
_FILE, _ADAPTER = "candidate.json", "adapter"


def register_candidate(workspace: "Workspace", candidate: Candidate, verdicts: Sequence[Verdict]) -> int:
    """Returns the version of a candidate in the app's registered model; the same candidate keeps its version.

    The version's artifacts are the candidate, its index and its adapter, so that any machine that reaches MLflow can
    serve it. Its tags say what it is made of and what it passed: `lifecycle.gates` is `passed`, or `bootstrap` without
    verdicts.

    Args:
        workspace: the app; its folder of indexes and its datasets.
        candidate: what is registered.
        verdicts: the decisions of both gates, () for a bootstrap.

    Raises:
        StackError: MLflow does not answer or refuses it.
        DataError: the candidate's index or adapter is not on this machine.
    """
    app = candidate.app
    run = record_run(app, "candidate", candidate.digest, lambda: _content(workspace, candidate))
    with connect() as client, FileLock(settings().folder("locks") / f"mlflow-{app}-model.lock"):
        _create_model(client, app, workspace.loaded.app.description)
        found = _version_of(client, app, candidate.digest)
        tags = {**_made_of(workspace, candidate), **_passed(client, app, found, verdicts)}
        if found is None:
            source = f"runs:/{run.run_id}"
            found = client.create_model_version(app, source, run.run_id, tags=tags, description=candidate.label)
        for name, value in tags.items():
            if found.tags.get(name) != value:
                client.set_model_version_tag(app, found.version, name, value)
        return int(found.version)


def champion_version(app: str) -> int | None:
    """Returns the version that the alias `champion` names, None where there is none.

    Raises:
        StackError: MLflow does not answer.
    """
    from mlflow.exceptions import MlflowException

    with connect() as client:
        try:
            return int(client.get_model_version_by_alias(app, _ALIAS).version)
        except MlflowException as error:
            # MLflow says so in two ways: no such model, or a model without that alias.
            if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
                return None
            raise


def set_champion(app: str, version: int | None) -> None:
    """Points the alias `champion` at a version; None removes it.

    Raises:
        ReleaseError: there is no such version.
        StackError: MLflow does not answer.
    """
    with connect() as client:
        if version is not None:
            _version(client, app, version)
            client.set_registered_model_alias(app, _ALIAS, str(version))
        elif _model_exists(client, app):
            client.delete_registered_model_alias(app, _ALIAS)


def candidate_of(app: str, version: int) -> Candidate:
    """Returns the candidate that a version was registered from; its index and adapter are fetched where missing.

    Raises:
        ReleaseError: there is no such version, or it was not registered from a candidate.
        DataError: index or adapter could not be written.
        StackError: MLflow does not answer.
    """
    with connect() as client, tempfile.TemporaryDirectory() as name:
        found = _version(client, app, version)
        if _CANDIDATE not in found.tags or not found.run_id:
            raise ReleaseError(f"{app}: model version {version} was not registered from a candidate")
        with _told_as(f"{app}: model version {version} holds no whole candidate"):
            file = Path(client.download_artifacts(found.run_id, _FILE, name))
            candidate = Candidate.model_validate_json(file.read_bytes())
            if candidate.retrieval is not None:
                _fetch_index(client, found.run_id, candidate.retrieval.index, Path(name))
            if isinstance(candidate.adapter, LoraAdapter):
                _fetch_adapter(client, found.run_id, candidate.adapter, Path(name))
        return candidate


def gates_passed(app: str, version: int) -> bool:
    """Returns whether the candidate of a version passed both gates.

    Raises:
        ReleaseError: there is no such version.
        StackError: MLflow does not answer.
    """
    with connect() as client:
        return bool(_version(client, app, version).tags.get(_GATES) == "passed")


def _content(workspace: "Workspace", candidate: Candidate) -> Content:
    def more(place: Place) -> dict[str, str]:
        tags = {}
        if candidate.retrieval is not None:
            load_index(workspace.indexes, candidate.retrieval.index)
            place.client.log_artifact(place.run_id, str(index_file(workspace.indexes, candidate.retrieval.index)))
            tags["lifecycle.index"] = candidate.retrieval.index
        if isinstance(candidate.adapter, LoraAdapter):
            folder = settings().folder("adapters")
            check_adapter(folder, candidate.adapter, candidate.adapter.base)
            place.client.log_artifacts(place.run_id, str(folder / candidate.adapter.digest), _ADAPTER)
            tags["lifecycle.adapter"] = candidate.adapter.digest
        return tags

    return Content(
        name=f"candidate · {candidate.label}",
        tags={_CANDIDATE: candidate.digest, **linked_prompt(candidate)},
        parameters=candidate_parameters(candidate),
        texts={_FILE: as_json(candidate.model_dump(mode="json"))},
        more=more,
    )


def _made_of(workspace: "Workspace", candidate: Candidate) -> dict[str, str]:
    facts = {f"lifecycle.{name}": value for name, value in candidate_parameters(candidate).items()}
    data = {f"lifecycle.dataset.{split}": dataset.digest for split, dataset in workspace.datasets.items()}
    facts |= {"lifecycle.prompt_uri": prompt_uri(candidate), **data}
    facts |= _tuned(candidate)
    return {name: str(value) for name, value in facts.items() if value is not None}


def _tuned(candidate: Candidate) -> dict[str, Any]:
    """Returns what a version's tags say of its adapter; curves and all settings are in the card beside its weights."""
    if not isinstance(candidate.adapter, LoraAdapter):
        return {}
    card = card_of(settings().folder("adapters"), candidate.adapter.digest)
    held_out = [each.value for each in card.losses if each.side == "held_out"]
    return {
        "lifecycle.adapter": card.digest,
        "lifecycle.base": card.base,
        "lifecycle.tuned_from": candidate.parent or card.parent,
        **{f"lifecycle.data.{name}": value for name, value in card.data.items()},
        "lifecycle.hyperparameters": card.settings.model_dump_json()[:5000],
        "lifecycle.loss.held_out": min(held_out, default=None),
    }


def _passed(
    client: "MlflowClient", app: str, version: "ModelVersion | None", verdicts: Sequence[Verdict]
) -> dict[str, str]:
    """A version that passed its gates once stays so: registering it again without verdicts takes nothing away."""
    if not verdicts:
        return {} if version and _GATES in version.tags else {_GATES: "bootstrap"}
    passed = {verdict.gate for verdict in verdicts if verdict.decision is Decision.PASS} == {"sample", "release"}
    experiment = experiment_of(client, app)
    tags = {_GATES: "passed" if passed else "none"}
    for verdict in verdicts:
        tags[f"lifecycle.gate.{verdict.gate}"] = verdict.short[:1000]
        runs = [find_run(client, experiment, "evaluation", each) for each in verdict.evaluations]
        tags[f"lifecycle.runs.{verdict.gate}"] = ",".join(run.info.run_id for run in runs if run)
    return tags


def _create_model(client: "MlflowClient", app: str, description: str) -> None:
    from mlflow.exceptions import MlflowException

    if _model_exists(client, app):
        return
    try:
        client.create_registered_model(app, description=description)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":  # else another process made it in between
            raise


def _model_exists(client: "MlflowClient", app: str) -> bool:
    return bool(client.search_registered_models(f"name = '{app}'", max_results=1))


def _version_of(client: "MlflowClient", app: str, candidate: str) -> "ModelVersion | None":
    found = client.search_model_versions(f"name = '{app}' AND tags.`{_CANDIDATE}` = '{candidate}'")
    return min(found, key=lambda version: int(version.version), default=None)


def _version(client: "MlflowClient", app: str, version: int) -> "ModelVersion":
    from mlflow.exceptions import MlflowException

    try:
        return client.get_model_version(app, str(version))
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        raise ReleaseError(f"{app}: there is no model version {version}; see the versions in MLflow") from None


@contextmanager
def _told_as(what: str) -> Iterator[None]:
    """Turns an artifact that is missing or damaged into one line; a server that is away stays what it is."""
    from mlflow.exceptions import MlflowException

    try:
        yield
    except MlflowException as error:
        if error.error_code not in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
            raise
        raise ReleaseError(f"{what}; register it again") from None
    except ValueError as error:
        raise ReleaseError(f"{what} ({error}); register it again") from None


def _fetch_adapter(client: "MlflowClient", run_id: str, adapter: LoraAdapter, folder: Path) -> None:
    place = settings().folder("adapters")
    if not (place / adapter.digest / CARD).is_file():
        take_in(place, adapter.digest, Path(client.download_artifacts(run_id, _ADAPTER, str(folder))))


def _fetch_index(client: "MlflowClient", run_id: str, index: str, folder: Path) -> None:
    place = index_file(settings().folder("indexes"), index)
    if not place.exists():
        fetched = Path(client.download_artifacts(run_id, place.name, str(folder)))
        write_whole(place, fetched.read_bytes())
