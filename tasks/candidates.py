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


def read_meta_prompts(loaded: LoadedApp) -> tuple[Prompt, ...]:
    """Reads the app's meta-prompt files, in the configuration's order.

    Raises:
        ConfigurationError: a file is missing, holds more than a system message, or a name is taken.
        DataError: a file is no prompt.
    """
    taken = {prompt.name: "a prompt" for prompt in read_prompts(loaded)}
    found: list[Prompt] = []
    for path in loaded.app.meta_prompts:
        meta = read_prompty(loaded.path(path)).prompt
        where = f"{loaded.folder / 'app.yaml'}: key `meta_prompts`: {path}"
        if other := next((message.role for message in meta.messages if message.role != "system"), None):
            raise ConfigurationError(
                f"{where} holds a message of role {other!r}; allowed is a system message alone, "
                f"move the rest to a prompt"
            )
        if meta.name in taken:
            raise ConfigurationError(
                f"{where} is named {meta.name!r}, as is {taken[meta.name]}; give one of them another name"
            )
        taken[meta.name] = "another meta-prompt"
        found.append(meta)
    return tuple(found)


def prompt_named(loaded: LoadedApp, name: str, key: str) -> Prompt:
    """Returns a prompt of the app's files by its name.

    Args:
        loaded: the app.
        name: of the prompt.
        key: where in `app.yaml` it is named.

    Raises:
        ConfigurationError: there is none.
    """
    return _named(loaded, read_prompts(loaded), name, key, "prompt")


def meta_prompt_named(loaded: LoadedApp, name: str, key: str) -> Prompt:
    """Returns a meta-prompt of the app's files by its name; see `prompt_named`."""
    return _named(loaded, read_meta_prompts(loaded), name, key, "meta-prompt")


def _named(loaded: LoadedApp, prompts: Iterable[Prompt], name: str, key: str, kind: str) -> Prompt:
    known = {prompt.name: prompt for prompt in prompts}
    if name not in known:
        raise ConfigurationError(
            f"{loaded.folder / 'app.yaml'}: {key} names the {kind} {name!r}; "
            f"known are {', '.join(sorted(known)) or 'none'}"
        )
    return known[name]


def check_prompts(prompts: Iterable[Prompt], dataset: Dataset) -> None:
    """Refuses a prompt with a variable that is not a column of every row, before anything is asked."""
    for prompt in prompts:
        check_variables(prompt, dataset.shared_columns, dataset.path)


def explored(
    loaded: LoadedApp, prompts: Iterable[Prompt], meta_prompts: Iterable[Prompt] = ()
) -> tuple[Candidate, ...]:
    """Returns what an exploration compares.

    That is prompts × models × parameters, each without a meta-prompt and then under each that is given, or the user's
    own target alone.
    """
    app = loaded.app
    if app.target.kind != "prompt":
        return (Candidate(app=app.name, target=app.target, code=_code(loaded, app.target)),)
    return tuple(
        Candidate(
            app=app.name,
            target=app.target,
            prompt=prompt,
            meta_prompt=meta_prompt,
            model=model,
            endpoint_model=endpoint_model(model, loaded.models[model]),
            parameters=parameters,
        )
        for meta_prompt, prompt, model, parameters in product(
            (None, *meta_prompts), prompts, app.models, app.parameters
        )
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
    check_retrieval_unaltered(loaded, candidate)
    try:
        changed = candidate.code != _code(loaded, candidate.target)
    except ConfigurationError as error:
        raise AlteredError(f"{name}: {error}") from None
    if changed:
        raise AlteredError(f"{name}: its file has changed since it was made; restore it, or evaluate what is there now")


def check_retrieval_unaltered(loaded: LoadedApp, candidate: Candidate) -> None:
    """Refuses a candidate that would retrieve by other models than when it was made.

    Raises:
        AlteredError: its embedding or its reranking model stands for another one.
    """
    name, retrieval = f"candidate {candidate.label}", candidate.retrieval
    if retrieval is None:
        return
    if retrieval.embedding is not None:
        named = loaded.app.retrieval.embedding_model if loaded.app.retrieval else None
        now = embedding_identity(loaded, named) if named else "nothing"
        if now != retrieval.embedding:
            raise AlteredError(
                f"{name}: its index was made with {retrieval.embedding}, `retrieval.embedding_model` stands "
                f"for {now} now; restore the configuration, or run explore and augment again"
            )
    rerank = retrieval.rerank
    if rerank is not None and rerank.model is not None:
        now = endpoint_model(rerank.model, loaded.models[rerank.model]) if rerank.model in loaded.models else "nothing"
        if now != rerank.endpoint_model:
            raise AlteredError(
                f"{name}: it was reranked by {rerank.endpoint_model}, {rerank.model!r} stands for {now} now; "
                f"restore the configuration, or run augment again"
            )


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
