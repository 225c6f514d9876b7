"""Candidates: what an exploration tries, and whether one is still what it was made of."""

from collections.abc import Iterable
from itertools import product

from configs.errors import ConfigurationError, DataError
from configs.loading import LoadedApp
from configs.schema.target import Target
from configs.settings import settings
from tasks.calling.adapters import check_base
from tasks.calling.embedding import embedding_identity
from tasks.calling.endpoint import endpoint_model
from tasks.candidate import Candidate, LoraAdapter, Prompt
from tasks.data.row import Dataset
from tasks.identity import digest
from tasks.prompting.prompty import read_prompty
from tasks.prompting.render import check_variables
from tasks.tuning.adapters import check_adapter


class AlteredError(ConfigurationError):
    """A candidate that can no longer be asked, as what it was made of is no longer there."""


def read_prompts(loaded: LoadedApp) -> tuple[Prompt, ...]:
    """Reads the app's prompt files, in the configuration's order.

    Raises:
        ConfigurationError: a file is missing, or two files hold prompts of the same name.
        DataError: a file is no prompt.
    """
    found: dict[str, tuple[str, Prompt]] = {}
    for path in loaded.app.prompts:
        prompt = read_prompty(loaded.path(path)).prompt
        if prompt.name in found:
            raise ConfigurationError(
                f"{loaded.folder / 'app.yaml'}: key `prompts`: {found[prompt.name][0]} and {path} both hold a prompt "
                f"named {prompt.name!r}; give one of them another name"
            )
        found[prompt.name] = (path, prompt)
    return tuple(prompt for _, prompt in found.values())


def check_prompts(prompts: Iterable[Prompt], dataset: Dataset) -> None:
    """Refuses a prompt with a variable that is not a column of every row, before anything is asked."""
    for prompt in prompts:
        check_variables(prompt, dataset.shared_columns, dataset.path)


def explored(loaded: LoadedApp, prompts: Iterable[Prompt]) -> tuple[Candidate, ...]:
    """Returns what an exploration compares: prompts × models × parameters, or the user's own target alone."""
    app = loaded.app
    if app.target.kind != "prompt":
        return (Candidate(app=app.name, target=app.target, code=_code(loaded, app.target)),)
    return tuple(
        Candidate(
            app=app.name,
            target=app.target,
            prompt=prompt,
            model=model,
            endpoint_model=endpoint_model(model, loaded.models[model]),
            parameters=parameters,
        )
        for prompt, model, parameters in product(prompts, app.models, app.parameters)
    )


def asking_model(loaded: LoadedApp, candidate: Candidate, model: str) -> Candidate:
    """Returns a candidate as another model would answer for it.

    Raises:
        ConfigurationError: it asks no model.
    """
    if candidate.model is None:
        raise ConfigurationError(
            f"app {candidate.app}: a target of kind {candidate.target.kind!r} asks no model of ours; "
            f"leave --base-url and --model out"
        )
    return candidate.model_copy(update={"model": model, "endpoint_model": endpoint_model(model, loaded.models[model])})


def check_unaltered(loaded: LoadedApp, candidate: Candidate) -> None:
    """Refuses a candidate that would answer with something else than what it was made of.

    Raises:
        AlteredError: its model stands for another one, its adapter is gone or another base's, or the file of its code
            or answers is gone or has changed.
    """
    name, model = f"candidate {candidate.label}", candidate.model
    if model is not None and model in loaded.models:
        now = endpoint_model(model, loaded.models[model])
        if now != candidate.endpoint_model:
            raise AlteredError(
                f"{name}: model {model!r} stands for {now} now, not for {candidate.endpoint_model}; "
                f"restore the configuration, or run explore and evaluate what is there now"
            )
        _check_adapter(name, candidate, loaded.models[model].kind)
    if candidate.retrieval is not None and candidate.retrieval.embedding is not None:
        named = loaded.app.retrieval.embedding_model if loaded.app.retrieval else None
        now = embedding_identity(loaded, named) if named else "nothing"
        if now != candidate.retrieval.embedding:
            raise AlteredError(
                f"{name}: its index was made with {candidate.retrieval.embedding}, `retrieval.embedding_model` stands "
                f"for {now} now; restore the configuration, or run explore and augment again"
            )
    try:
        changed = candidate.code != _code(loaded, candidate.target)
    except ConfigurationError as error:
        raise AlteredError(f"{name}: {error}") from None
    if changed:
        raise AlteredError(f"{name}: its file has changed since it was made; restore it, or evaluate what is there now")


def _check_adapter(name: str, candidate: Candidate, kind: str) -> None:
    if not isinstance(candidate.adapter, LoraAdapter):
        return
    try:
        check_base(candidate.adapter, candidate.endpoint_model or "nothing")
        if kind == "embedded":
            check_adapter(settings().folder("adapters"), candidate.adapter, candidate.adapter.base)
    except (ConfigurationError, DataError) as error:
        raise AlteredError(f"{name}: {error}") from None


def _code(loaded: LoadedApp, target: Target) -> str | None:
    if target.kind == "python":
        return digest(loaded.path(target.callable.partition(":")[0]).read_text(encoding="utf-8"))
    if target.kind == "answers":
        return digest(loaded.path(target.path).read_bytes().hex())
    return None
