"""Checks of an app that need no server: what is wrong with a configuration is said before anything is started."""

from collections.abc import Collection

from configs.errors import ConfigurationError
from configs.loading import LoadedApp
from configs.schema.augment import FineTune
from tasks.calling.pricing import price_needed
from tasks.candidates import read_meta_prompts, read_prompts
from tasks.gating.check import check_gates
from tasks.prompting.proposing import check_proposer
from tasks.retrieval.lengths import check_lengths
from tasks.scoring.catalogue import metrics_of, scorers_of
from tasks.watching.budgets import check_budgets
from tasks.watching.compare import check_limits
from tasks.watching.window import RATES


def check_app(loaded: LoadedApp) -> None:
    """Refuses a configuration that names what does not exist: a file, a scorer, a metric, a prompt, a price.

    Raises:
        ConfigurationError: names the key, what was found and what is known.
        DataError: a prompt file is no prompt.
    """
    app = loaded.app
    metrics = metrics_of(scorers_of(loaded))
    check_gates(app, metrics)
    check_limits(app, metrics)
    check_budgets(app, metrics | RATES)
    _check_known(loaded, "explore.rank_by", "metric", app.explore.rank_by, metrics)
    for path in _files(loaded):
        loaded.path(path)
    prompts = {prompt.name for prompt in read_prompts(loaded)}
    meta_prompts = {prompt.name for prompt in read_meta_prompts(loaded)}
    for name in app.explore.meta_prompts:
        _check_known(loaded, "explore.meta_prompts", "meta-prompt", name, meta_prompts)
    if hypothesis := app.explore.hypothesis:
        _check_known(loaded, "explore.hypothesis.metric", "metric", hypothesis.metric, metrics)
        _check_known(loaded, "explore.hypothesis.treatment", "prompt", hypothesis.treatment, prompts)
        _check_known(loaded, "explore.hypothesis.control", "prompt", hypothesis.control, prompts)
    _check_finetune(loaded)
    _check_moves(loaded, metrics, prompts, meta_prompts)
    check_lengths(loaded)
    for name in app.models:
        price_needed(loaded, name)


def _check_finetune(loaded: LoadedApp) -> None:
    finetune = loaded.app.finetune
    chat = [name for name, model in loaded.models.items() if model.task == "chat"]
    if finetune.hosted:
        _check_known(loaded, "finetune.hosted.model", "chat model", finetune.hosted.model, chat)
    if finetune.distill:
        _check_known(loaded, "finetune.distill.teacher", "chat model", finetune.distill.teacher, chat)


def _check_moves(
    loaded: LoadedApp, metrics: Collection[str], prompts: Collection[str], meta_prompts: Collection[str]
) -> None:
    app = loaded.app
    for position, move in enumerate(app.augment.moves):
        key = f"augment.moves.{position}"
        if move.prompt is not None:
            _check_known(loaded, f"{key}.prompt", "prompt", move.prompt, prompts)
        if move.meta_prompt is not None:
            _check_known(loaded, f"{key}.meta_prompt", "meta-prompt", move.meta_prompt, meta_prompts)
        if move.kind == "search_prompt":
            for name in move.prompts:
                _check_known(loaded, f"{key}.prompts", "prompt", name, prompts)
            for name in move.meta_prompts:
                _check_known(loaded, f"{key}.meta_prompts", "meta-prompt", name, meta_prompts)
            for name in move.objective:
                _check_known(loaded, f"{key}.objective", "metric", name, metrics)
            check_proposer(loaded, move)
        if isinstance(move, FineTune) and app.finetune.split not in app.datasets.paths():
            raise ConfigurationError(
                f"{loaded.folder / 'app.yaml'}: key `{key}`: kind `finetune` needs training rows; name a file of them "
                f"under `datasets.{app.finetune.split}`"
            )


def _files(loaded: LoadedApp) -> list[str]:
    app = loaded.app
    files = list(app.datasets.paths().values())
    if app.retrieval:
        files.append(app.retrieval.documents)
    if app.finetune.documents:
        files.append(app.finetune.documents)
    if app.labels:
        files.append(app.labels)
    if app.target.kind == "python":
        files.append(app.target.callable.partition(":")[0])
    if app.target.kind == "answers":
        files.append(app.target.path)
    return files


def _check_known(loaded: LoadedApp, key: str, what: str, name: str, known: Collection[str]) -> None:
    if name not in known:
        listed = ", ".join(sorted(known)) or "none"
        raise ConfigurationError(
            f"{loaded.folder / 'app.yaml'}: key `{key}`: unknown {what} {name!r}; known are {listed}; mend the key"
        )
