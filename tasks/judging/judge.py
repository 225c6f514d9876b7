"""The judges of an app: made of its scorers that name a model."""

from pathlib import Path
from typing import Any

from pydantic import ValidationError

from configs.errors import ConfigurationError
from configs.loading import LoadedApp
from configs.schema.app import Parameters
from configs.schema.scorer import ScorerConfig
from tasks.calling.endpoint import endpoint_model
from tasks.judging.criteria import CRITERIA, PREFERENCE, Criterion
from tasks.judging.pairwise import PairwiseJudge
from tasks.judging.pointwise import Judge
from tasks.prompting.prompty import Prompty, read_prompty
from tasks.scoring.scorer import Setting

__all__ = ["Judge", "judge_of", "judges_of"]

_PARAMETERS: dict[str, Any] = {"name": "judge", "temperature": 0.0, "max_tokens": 400, "seed": 7}
_KNOWN = {**CRITERIA, PREFERENCE.name: PREFERENCE}
_SETTINGS: dict[str, tuple[str, tuple[type, ...]]] = {
    "prompt": ("a text", (str,)),
    "low": ("a whole number", (int,)),
    "high": ("a whole number", (int,)),
    "temperature": ("a number or `default`", (int, float, str)),
    "max_tokens": ("a whole number", (int,)),
}
_AS_THE_ENDPOINT_DOES = "default"
_MOST_SCORES = 101


def judges_of(loaded: LoadedApp) -> tuple[Judge, ...]:
    """Returns the judges that an app names, in its order; other scorers may ask a model, too.

    Raises:
        ConfigurationError: see `judge_of`.
        DataError: see `judge_of`.
    """
    return tuple(judge_of(config, loaded) for config in loaded.app.scorers if _is_judge(config))


def _is_judge(config: ScorerConfig) -> bool:
    return config.model is not None and ((config.scorer or config.name) in _KNOWN or "prompt" in config.settings)


def judge_of(config: ScorerConfig, loaded: LoadedApp) -> Judge:
    """Returns the judge that a scorer with a `model` names.

    Settings: `prompt` (a `.prompty` beside `app.yaml`, in place of the project's), `low` and `high` (its scale of whole
    numbers), `temperature` (`default` for the endpoint's own) and `max_tokens`. The parameters in the prompt's
    frontmatter count where no setting says otherwise.

    Raises:
        ConfigurationError: the name is no judge's and there is no prompt, the model is no chat model, or a setting is
            not allowed.
        DataError: the prompt's file is none.
    """
    where = f"{loaded.folder / 'app.yaml'}: scorer {config.name!r}"
    model = loaded.models.get(config.model or "")
    if model is None or model.task != "chat":
        known = ", ".join(sorted(name for name, each in loaded.models.items() if each.task == "chat"))
        raise ConfigurationError(f"{where}: model {config.model!r} is no chat model; known are {known}")
    _check_settings(where, config.settings)
    criterion = _criterion(where, config)
    file = _prompt_file(config, criterion, loaded)
    read = read_prompty(file)
    judge = (PairwiseJudge if criterion.name == PREFERENCE.name else Judge)(
        name=config.name,
        criterion=criterion,
        prompt=read.prompt,
        model=str(config.model),
        endpoint=endpoint_model(str(config.model), model),
        parameters=_parameters(where, read, config.settings),
    )
    if missing := sorted(judge.rated_texts - judge.shows):
        raise ConfigurationError(
            f"{file}: the prompt shows nothing of {missing[0]!r}; write {{{{ {missing[0]} }}}} in it"
        )
    return judge


def _check_settings(where: str, settings: dict[str, Setting]) -> None:
    for name, value in settings.items():
        if name not in _SETTINGS:
            raise ConfigurationError(f"{where}: unknown setting {name!r}; known are {', '.join(_SETTINGS)}")
        words, kinds = _SETTINGS[name]
        if isinstance(value, bool) or not isinstance(value, kinds):
            raise ConfigurationError(f"{where}: settings.{name}: found {value!r}; allowed is {words}")


def _criterion(where: str, config: ScorerConfig) -> Criterion:
    name, settings = config.scorer or config.name, config.settings
    known = _KNOWN.get(name)
    own = "prompt" in settings
    if known is None and not own:
        raise ConfigurationError(
            f"{where}: no judge {name!r}; known are {', '.join(_KNOWN)}; a judge of your own has `settings: "
            f"{{prompt: judges/mine.prompty, low: 1, high: 5}}`"
        )
    if known is PREFERENCE and (settings.keys() & {"low", "high"} or config.direction):
        raise ConfigurationError(f"{where}: a preference has its own scale, -1 to 1; leave low, high and direction out")
    if known is None and not {"low", "high"} <= settings.keys():
        raise ConfigurationError(f"{where}: a judge of your own needs settings.low and settings.high, its scale")
    known = known or Criterion(name, "quality", "higher", 1, 5, f"Rated by {settings['prompt']}.")
    changed: dict[str, Any] = {key: value for key, value in settings.items() if key in Criterion._fields}
    changed |= {key: value for key in ("dimension", "direction") if (value := getattr(config, key))}
    criterion = known._replace(**changed)
    if not 0 < criterion.high - criterion.low < _MOST_SCORES:
        raise ConfigurationError(
            f"{where}: a scale from {criterion.low} to {criterion.high}; low must be below high, by 100 at most"
        )
    return criterion


def _prompt_file(config: ScorerConfig, criterion: Criterion, loaded: LoadedApp) -> Path:
    own = config.settings.get("prompt")
    return criterion.prompt if own is None else loaded.path(str(own))


def _parameters(where: str, read: Prompty, settings: dict[str, Setting]) -> Parameters:
    known = Parameters.model_fields.keys() - {"name"}
    found = {name: value for name, value in read.parameters.items() if name in known}
    found |= {name: settings[name] for name in ("temperature", "max_tokens") if name in settings}
    if found.get("temperature") == _AS_THE_ENDPOINT_DOES:
        found["temperature"] = None
    try:
        return Parameters.model_validate({**_PARAMETERS, **found})
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise ConfigurationError(f"{where}: parameter {key}: found {first['input']!r}; {first['msg']}") from None
