"""Reads an app's YAML files into frozen models; every error names file, key, what was found and what is allowed."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, TypeAdapter, ValidationError

from configs.errors import ConfigurationError
from configs.schema.app import App
from configs.schema.model import ModelConfig, Price

_CONFIGS = Path(__file__).parent


class _Prices(BaseModel):
    as_of: str
    models: dict[str, Price]


@dataclass(frozen=True, slots=True)
class LoadedApp:
    """An app, where its files lie, and the models and prices it may name.

    Attributes:
        app: what `app.yaml` holds, with the changes of `--set`.
        folder: folder of `app.yaml`; the app's paths are relative to it.
        models: every model the app may name: `configs/models.yaml`, then `models.yaml` beside `app.yaml`.
        prices: price of each model that has one.
        prices_as_of: date of those prices.
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
        changes: `key=value` texts; the key is dotted (`loop.max_rounds=1`, `datasets.sample=data/few.jsonl`), the value YAML.

    Raises:
        ConfigurationError: a file is missing or holds what is not allowed.
    """
    file = _find(name_or_path)
    content = _read_yaml(file)
    for change in changes:
        _apply(content, change)
    app: App = _check(TypeAdapter(App), content, file)
    models = _models(_CONFIGS / "models.yaml") | _models(file.parent / "models.yaml")
    prices: _Prices = _check(TypeAdapter(_Prices), _read_yaml(_CONFIGS / "prices.yaml"), _CONFIGS / "prices.yaml")
    loaded = LoadedApp(app, file.parent, models, prices.models, prices.as_of)
    for name in [*app.models, *([app.retrieval.embedding_model] if app.retrieval else [])]:
        if name not in models:
            raise ConfigurationError(
                f"{file}: unknown model {name!r}; known are {', '.join(sorted(models))}; "
                f"define it in configs/models.yaml or in a models.yaml beside app.yaml"
            )
    return loaded


def app_names() -> tuple[str, ...]:
    """Returns the names of the apps under `configs/apps`, sorted."""
    return tuple(sorted(path.parent.name for path in (_CONFIGS / "apps").glob("*/app.yaml")))


def _find(name_or_path: str) -> Path:
    for folder in (_CONFIGS / "apps" / name_or_path, Path("configs/apps") / name_or_path, Path(name_or_path)):
        file = folder if folder.name == "app.yaml" else folder / "app.yaml"
        if file.is_file():
            return file.resolve()
    raise ConfigurationError(
        f"no app {name_or_path!r}: neither configs/apps/{name_or_path}/app.yaml nor {Path(name_or_path) / 'app.yaml'} exists; "
        f"known are {', '.join(app_names())}; `lifecycle init NAME` makes a new one"
    )


def _read_yaml(file: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8-sig"))
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{file}: not UTF-8 at byte {error.start}; save it as UTF-8") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f" line {mark.line + 1}" if mark else ""
        raise ConfigurationError(f"{file}{line}: not valid YAML: {getattr(error, 'problem', error)}") from None
    if not isinstance(content, dict):
        raise ConfigurationError(f"{file}: found {type(content).__name__}, allowed is a mapping of keys to values")
    return content


def _apply(content: dict[str, Any], change: str) -> None:
    key, equals, value = change.partition("=")
    if not equals or not key.strip():
        raise ConfigurationError(f"--set {change!r}: write key=value, the key dotted, such as loop.max_rounds=1")
    *parents, last = key.strip().split(".")
    place: Any = content
    for part in parents:
        place = (
            place[int(part)]
            if isinstance(place, list) and part.isdigit() and int(part) < len(place)
            else (place.setdefault(part, {}) if isinstance(place, dict) else None)
        )
        if not isinstance(place, dict | list):
            raise ConfigurationError(f"--set {change!r}: {part!r} holds no further keys")
    try:
        parsed = yaml.safe_load(value)
    except yaml.YAMLError:
        raise ConfigurationError(f"--set {change!r}: the value is not valid YAML; quote it") from None
    if isinstance(place, list):
        if not last.isdigit() or int(last) >= len(place):
            raise ConfigurationError(f"--set {change!r}: {last!r} is no position of a list of {len(place)}")
        place[int(last)] = parsed
    else:
        place[last] = parsed


def _models(file: Path) -> dict[str, ModelConfig]:
    if not file.is_file():
        return {}
    return _check(TypeAdapter(dict[str, ModelConfig]), _read_yaml(file), file)  # type: ignore[no-any-return]


def _check(adapter: TypeAdapter[Any], content: dict[str, Any], file: Path) -> Any:
    try:
        return adapter.validate_python(content)
    except ValidationError as error:
        raise ConfigurationError(f"{file}: {_first(error)}") from None


def _first(error: ValidationError) -> str:
    """Says the first problem in words: key, what was found, what is allowed."""
    problem = error.errors()[0]
    key = ".".join(str(part) for part in problem["loc"]) or "(top level)"
    more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    if problem["type"] == "extra_forbidden":
        return f"key `{key}`: unknown key; configs/README.md lists the keys allowed here{more}"
    if problem["type"] == "missing":
        return f"key `{key}`: missing; it is required{more}"
    message = problem["msg"].removeprefix("Value error, ")
    return f"key `{key}`: found {problem['input']!r}; {message[0].lower() + message[1:]}{more}"
