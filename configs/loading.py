"""Reads an app's YAML files into frozen models; every error names file, key, what was found and what is allowed."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml
from pydantic import TypeAdapter, ValidationError

from configs.errors import ConfigurationError
from configs.problems import problems, shown
from configs.schema.app import App
from configs.schema.model import ModelConfig, Price, Prices
from configs.schema.retrieval import Rerank

_CONFIGS = Path(__file__).parent


class _UniqueKeys(yaml.SafeLoader):
    """Refuses a key that a mapping holds twice, of which YAML would silently keep the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode) and key.value != "<<"]
        if twice := next((key for key in keys if keys.count(key) > 1), None):
            raise yaml.constructor.ConstructorError(None, None, f"key `{twice}` stands twice", node.start_mark)
        return super().construct_mapping(node, deep)


@dataclass(frozen=True, slots=True)
class LoadedApp:
    """An app, where its files lie, and the models and prices it may name.

    Attributes:
        app: what `app.yaml` holds, with the changes of `--set`.
        folder: folder of `app.yaml`; the app's paths are relative to it.
        models: every model the app may name: `configs/models.yaml`, then `models.yaml` beside `app.yaml`.
        prices: price of each model that has one: `configs/prices.yaml`, then `prices.yaml` beside `app.yaml`.
        prices_as_of: date of the older of the two.
    """

    app: App
    folder: Path
    models: dict[str, ModelConfig]
    prices: dict[str, Price]
    prices_as_of: str

    def path(self, relative: str) -> Path:
        """Returns the path of a file that `app.yaml` names.

        Raises:
            ConfigurationError: it does not exist.
        """
        path = self.folder / relative
        if not path.exists():
            raise ConfigurationError(
                f"{self.folder / 'app.yaml'}: names {relative!r}, but {path} does not exist; create it or mend the name"
            )
        return path


def load_app(name_or_path: str, changes: tuple[str, ...] = ()) -> LoadedApp:
    """Loads an app.

    Args:
        name_or_path: a folder under `configs/apps`, or the path of a folder that holds `app.yaml`, or of that file.
        changes: `key=value` texts; the key is dotted (`loop.max_rounds=1`, `scorers.0.name=exact`), the value YAML.

    Raises:
        ConfigurationError: a file is missing or holds what is not allowed.
    """
    file = _find(name_or_path)
    content = _read_yaml(file)
    keys = [_apply(content, change) for change in changes]
    app: App = _check(TypeAdapter(App), content, file, keys)
    models = _models(_CONFIGS / "models.yaml") | _models(file.parent / "models.yaml")
    prices = common_prices()
    own = _prices(file.parent / "prices.yaml") if (file.parent / "prices.yaml").is_file() else prices
    named = {f"models.{position}": (name, "chat") for position, name in enumerate(app.models)}
    if app.retrieval:
        named["retrieval.embedding_model"] = (app.retrieval.embedding_model, "embedding")
    if app.serve.fallback:
        named["serve.fallback"] = (app.serve.fallback, "chat")
    if app.curate.embedding_model:
        named["curate.embedding_model"] = (app.curate.embedding_model, "embedding")
    if app.curate.synthetic:
        named["curate.synthetic.teacher"] = (app.curate.synthetic.teacher, "chat")
    named |= {key: (rerank.model, "rerank") for key, rerank in _reranks(app) if rerank.kind == "endpoint"}
    for key, (name, task) in named.items():
        _check_model(f"{file}: key `{key}`", name, task, models)
    return LoadedApp(app, file.parent, models, prices.models | own.models, min(prices.as_of, own.as_of))


def common_prices() -> Prices:
    """Returns the prices of `configs/prices.yaml`, which every app shares."""
    return _prices(_CONFIGS / "prices.yaml")


def pointed_at(loaded: LoadedApp, base_url: str, model: str) -> LoadedApp:
    """Returns an app with one more model: what an endpoint knows under a name, whatever its files say.

    Its key is read from OPENAI_API_KEY where that is set. Without a price its calls count as free: whoever names a
    model on the command line waives the cap on its price.

    Args:
        loaded: the app.
        base_url: the endpoint's address, with its `/v1`.
        model: name under which the endpoint knows the model, and the app from now on.

    Raises:
        ConfigurationError: the address is none.
    """
    key = "OPENAI_API_KEY" if os.environ.get("OPENAI_API_KEY") else None
    content = {"kind": "openai", "base_url": base_url, "model": model, "api_key_env": key}
    named: dict[str, ModelConfig] = _check(TypeAdapter(dict[str, ModelConfig]), {model: content}, Path("--base-url"))
    budget = loaded.app.budget.model_copy(update={"unpriced": (*loaded.app.budget.unpriced, model)})
    app = loaded.app.model_copy(update={"models": (model,), "budget": budget})
    return replace(loaded, app=app, models=loaded.models | named)


def app_names() -> tuple[str, ...]:
    """Returns the names of the apps under `configs/apps`, sorted."""
    return tuple(sorted(path.parent.name for path in (_CONFIGS / "apps").glob("*/app.yaml")))


def _find(name_or_path: str) -> Path:
    for folder in (_CONFIGS / "apps" / name_or_path, Path("configs/apps") / name_or_path, Path(name_or_path)):
        file = folder if folder.name == "app.yaml" else folder / "app.yaml"
        if file.is_file():
            return file.resolve()
    raise ConfigurationError(
        f"no app {name_or_path!r}: neither configs/apps/{name_or_path}/app.yaml nor "
        f"{Path(name_or_path) / 'app.yaml'} exists; "
        f"known are {', '.join(app_names())}; `lifecycle init NAME` makes a new one"
    )


def _read_yaml(file: Path) -> dict[str, Any]:
    try:
        content = yaml.load(file.read_text(encoding="utf-8-sig"), _UniqueKeys)  # noqa: S506 a safe loader
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{file}: not UTF-8 at byte {error.start}; save it as UTF-8") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f" line {mark.line + 1}" if mark else ""
        raise ConfigurationError(f"{file}{line}: not valid YAML: {getattr(error, 'problem', error)}") from None
    if not isinstance(content, dict):
        raise ConfigurationError(f"{file}: found {shown(content)}; allowed is a mapping of keys to values")
    return content


def _apply(content: dict[str, Any], change: str) -> str:
    """Applies one `key=value` to what a file holds and returns the key."""
    key, equals, value = (part.strip() for part in change.partition("="))
    if not equals or not key:
        raise ConfigurationError(f"--set {key!r}: write key=value, the key dotted, such as loop.max_rounds=1")
    try:
        parsed = yaml.safe_load(value)
    except yaml.YAMLError:
        raise ConfigurationError(f"--set {key}: the value is not valid YAML; put quotes around it") from None
    *parents, last = key.split(".")
    place: Any = content
    for part in parents:
        if isinstance(place, dict) and place.get(part) is None:
            place[part] = {}
        place = place[_slot(place, part, key)]
    place[_slot(place, last, key)] = parsed
    return key


def _slot(place: Any, part: str, key: str) -> str | int:
    if isinstance(place, dict):
        return part
    if not isinstance(place, list):
        raise ConfigurationError(f"--set {key}: {part!r} is no key there, as what it would belong to is a single value")
    if not part.isdigit() or int(part) >= len(place):
        raise ConfigurationError(
            f"--set {key}: {part!r} is no position of that list, which has {len(place)} items; the first is 0"
        )
    return int(part)


def _prices(file: Path) -> Prices:
    return _check(TypeAdapter(Prices), _read_yaml(file), file)  # type: ignore[no-any-return]


def _models(file: Path) -> dict[str, ModelConfig]:
    if not file.is_file():
        return {}
    return _check(TypeAdapter(dict[str, ModelConfig]), _read_yaml(file), file)  # type: ignore[no-any-return]


def _check_model(where: str, name: str, task: str, models: dict[str, ModelConfig]) -> None:
    if name not in models:
        raise ConfigurationError(
            f"{where}: unknown model {name!r}; known are {', '.join(sorted(models))}; "
            f"define it in configs/models.yaml or in a models.yaml beside app.yaml"
        )
    if models[name].task != task:
        fitting = ", ".join(sorted(other for other, model in models.items() if model.task == task))
        raise ConfigurationError(
            f"{where}: {name!r} is a model for {models[name].task}; models for {task} are {fitting}"
        )


def _reranks(app: App) -> Iterator[tuple[str, Rerank]]:
    """Yields every reranker of an app, by its key."""
    if app.retrieval and app.retrieval.rerank:
        yield "retrieval.rerank.model", app.retrieval.rerank
    for position, move in enumerate(app.augment.moves):
        if move.rerank:
            yield f"augment.moves.{position}.rerank.model", move.rerank
        if move.kind == "search_retrieval":
            for at, rerank in enumerate(move.over.rerank):
                if rerank:
                    yield f"augment.moves.{position}.over.rerank.{at}.model", rerank


def _related(key: str, other: str) -> bool:
    return f"{key}.".startswith(f"{other}.") or f"{other}.".startswith(f"{key}.")


def _check(adapter: TypeAdapter[Any], content: dict[str, Any], file: Path, changed: Sequence[str] = ()) -> Any:
    """Validates what a file holds; `changed` are the keys that `--set` gave, so that the error can say so."""
    try:
        return adapter.validate_python(content)
    except ValidationError as error:
        first, *others = problems(error, content, adapter.json_schema())
        source = " with --set" if any(_related(first.key, key) for key in changed) else ""
        more = f" (and {len(others)} more: {', '.join(f'`{each.key}`' for each in others)})" if others else ""
        raise ConfigurationError(f"{file}{source}: {first}{more}") from None
