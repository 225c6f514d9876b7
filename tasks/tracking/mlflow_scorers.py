"""MLflow's scorers, and those of DeepEval, Ragas, Phoenix and others that it adapts, as scorers of an app.

`scorer: mlflow:RegexMatch` is one of MLflow's own, `scorer: mlflow:deepeval.AnswerRelevancy` one that it adapts, where
that library is installed. Where a model judges, MLflow asks it, not the engine: what it said is journaled, counted and
priced, but neither paced nor tried again.
"""

import importlib
import importlib.metadata
import os
from functools import partial
from typing import TYPE_CHECKING, Any

from configs.errors import ConfigurationError
from configs.loading import LoadedApp
from configs.schema.scorer import ScorerConfig
from tasks.calling.endpoint import endpoint_model, model_name
from tasks.scoring.score import Metric
from tasks.scoring.scorer import Need
from tasks.tracking.connection import quiet
from tasks.tracking.mlflow_rating import MlflowRating
from tasks.tracking.pointing import environment_of, pointed_at_once

if TYPE_CHECKING:
    from mlflow.genai.scorers import Scorer as MlflowScorer

_ADAPTED = ("deepeval", "ragas", "phoenix", "trulens", "guardrails")
_SILENT = {"DEEPEVAL_TELEMETRY_OPT_OUT": "YES", "RAGAS_DO_NOT_TRACK": "true"}


def mlflow_scorer(config: ScorerConfig, loaded: LoadedApp) -> MlflowRating:
    """Makes one of MLflow's scorers: `mlflow:Name`, or `mlflow:library.Name`.

    Its settings are the arguments of MLflow's own class. Dimension and direction are quality and higher unless the
    configuration says otherwise; `yes` is 1.

    Raises:
        ConfigurationError: there is no such scorer, its library is not installed, a setting is wrong, or the model is
            missing or cannot be asked.
    """
    name = (config.scorer or config.name).partition(":")[2]
    where = f"app.yaml key `scorers`: {config.name}"
    model = loaded.models.get(config.model) if config.model else None
    if config.model and (model is None or model.task != "chat"):
        known = ", ".join(sorted(key for key, each in loaded.models.items() if each.task == "chat"))
        raise ConfigurationError(f"{where}.model: {config.model!r} is no chat model; known are {known}")
    quiet()
    os.environ.update({key: value for key, value in _SILENT.items() if key not in os.environ})
    library, _, plain = name.rpartition(".")
    settings: dict[str, Any] = {
        key: list(value) if isinstance(value, tuple) else value for key, value in config.settings.items()
    }
    if model is not None:
        settings["model"] = f"openai:/{model_name(model)}"
    environment = environment_of(model)
    with pointed_at_once(environment):
        make = partial(_adapted, library, plain, settings, where) if library else partial(_own, plain, settings, where)
        made = make()
    if made.is_session_level_scorer:
        raise ConfigurationError(f"{where}: {name} judges whole conversations, not answers; name another")
    version = importlib.metadata.version("mlflow")
    description = (getattr(made, "description", None) or f"{plain} of {library}.").partition("\n")[0]
    shown = [f"{key}={config.settings[key]!r}" for key in sorted(config.settings)]
    if config.model and model is not None:
        shown.append(f"model={endpoint_model(config.model, model)}")
    return MlflowRating(
        metric=Metric(config.name, "quality", "higher", version, description).as_configured(config),
        identity=f"{config.name}=mlflow:{name}:{version}:{','.join(shown)}",
        make=make,
        needs=frozenset() if library else _needs(made),
        adapted=bool(library),
        model=config.model or "",
        environment=environment,
    )


def _own(name: str, settings: dict[str, Any], where: str) -> "MlflowScorer":
    """Returns one of MLflow's own scorers."""
    from mlflow.genai.scorers import builtin_scorers

    known = {each.__name__: each for each in builtin_scorers._get_all_concrete_builtin_scorers()}
    if name not in known:
        raise ConfigurationError(f"{where}: MLflow has no scorer {name!r}; known are {', '.join(sorted(known))}")
    made = known[name]
    if "model" in made.model_fields and "model" not in settings:
        raise ConfigurationError(f"{where}.model: not set; name the chat model that judges")
    if unknown := settings.keys() - made.model_fields.keys():
        fields = ", ".join(sorted(made.model_fields.keys() - {"name", "description", "required_columns"}))
        raise ConfigurationError(f"{where}.settings: {name} has no {min(unknown)!r}; known are {fields}")
    try:
        return made(**settings)
    except Exception as error:  # pydantic's, or what the class checks itself
        raise ConfigurationError(f"{where}.settings: {_one_line(error)}") from None


def _adapted(library: str, name: str, settings: dict[str, Any], where: str) -> "MlflowScorer":
    """Returns a scorer of another library."""
    if library not in _ADAPTED:
        raise ConfigurationError(f"{where}: MLflow adapts no {library!r}; known are {', '.join(_ADAPTED)}")
    try:
        found = importlib.import_module(f"mlflow.genai.scorers.{library}").get_scorer(name, **settings)
    except ImportError as error:
        raise ConfigurationError(f"{where}: {library} is not installed: {_one_line(error)}") from None
    except Exception as error:  # a library of others raises what it likes
        raise ConfigurationError(f"{where}: {_one_line(error)}") from None
    return found


def _needs(made: "MlflowScorer") -> frozenset[Need]:
    inputs = {field.name for field in made.get_input_fields()}
    return frozenset({"reference"}) if "expectations" in inputs else frozenset()


def _one_line(error: Exception) -> str:
    """Returns the part of a message that says what is wrong; pydantic's begins with its count."""
    text = " ".join(str(error).split())
    return text if len(text) <= 300 else text[:299] + "…"
