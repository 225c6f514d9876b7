"""What scorers have in files beside `app.yaml`: scorers of the user's own, and settings that are texts."""

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path

from configs.errors import ConfigurationError
from configs.loading import LoadedApp
from tasks.identity import digest
from tasks.importing import import_name
from tasks.scoring.scorer import Scorer, Setting


class FileText(str):
    """The text of a file, shown as its name and a digest of the text: an edited file scores anew."""

    __slots__ = ("name",)
    name: str

    def __repr__(self) -> str:
        return f"{self.name}@{digest(str(self))}"


def file_scorer(path: Path, name: str) -> Scorer:
    """Returns a scorer of the user's from a Python file, its source the function's name and a digest of the file.

    Modules that the file imports are no part of the digest.

    Raises:
        ConfigurationError: the file cannot be imported, or what it calls by that name is no scorer.
    """
    return _loaded(path, digest(_text(path)), name)


def with_files(settings: Mapping[str, Setting], loaded: LoadedApp) -> dict[str, Setting]:
    """Returns settings with the text of each file that they name: those called `…_file`.

    Raises:
        ConfigurationError: a file does not exist or is no text.
    """
    return {
        name: _file_text(loaded.path(value), value) if name.endswith("_file") and isinstance(value, str) and value
        else value
        for name, value in settings.items()
    }  # fmt: skip


def _file_text(path: Path, name: str) -> FileText:
    text = FileText(_text(path))
    text.name = name
    return text


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path}: cannot be read as text ({type(error).__name__}); mend `scorers`") from None


@cache
def _loaded(path: Path, content: str, name: str) -> Scorer:
    """Returns a file's scorer; a file that was edited since is imported again."""
    found = import_name(path, name, "scorers")
    if not isinstance(found, Scorer):
        raise ConfigurationError(
            f"{path}: {name!r} is no scorer; put `@scorer(…)` of tasks.scoring.scorer above the function"
        )
    return replace(found, source=f"={name}@{content}")
