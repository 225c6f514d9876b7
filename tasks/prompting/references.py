"""References in a prompt's frontmatter: `${env:NAME}`, `${env:NAME:default}` and `${file:relative/path}`."""

import json
import os
import re
from pathlib import Path
from typing import Any

import yaml

from configs.errors import DataError

_REFERENCE = re.compile(r"\$\{(env|file):([^}]*)\}", re.IGNORECASE)


class References:
    """Resolves the references of one file.

    Args:
        path: the prompt's file; `${file:…}` is relative to its folder and never leaves it.
        text: its text, in which a reference that fails is looked up for its line.
    """

    def __init__(self, path: Path, text: str) -> None:
        self._path = path
        self._text = text

    def resolved(self, value: Any) -> Any:
        """Returns `value` with every reference in it replaced.

        A text that is one `${file:…}` becomes what that JSON or YAML file holds, or its text.

        Raises:
            DataError: a variable is not set and has no default, or a file is missing, broken or outside the folder.
        """
        if isinstance(value, dict):
            return {key: self.resolved(entry) for key, entry in value.items()}
        if isinstance(value, list):
            return [self.resolved(entry) for entry in value]
        if not isinstance(value, str):
            return value
        whole = _REFERENCE.fullmatch(value)
        return self._one(whole) if whole else _REFERENCE.sub(lambda match: str(self._one(match)), value)

    def _one(self, match: re.Match[str]) -> Any:
        if match[1].lower() == "file":
            return self._file(match)
        name, colon, default = match[2].partition(":")
        value = os.environ.get(name)
        if value is not None:
            return value
        if colon:
            return default
        raise self._error(match, f"environment variable {name} is not set; set it or write ${{env:{name}:default}}")

    def _file(self, match: re.Match[str]) -> Any:
        folder = self._path.resolve().parent
        file = (folder / match[2]).resolve()
        if not file.is_relative_to(folder):
            raise self._error(match, f"{match[2]} lies outside the prompt's folder; move it there")
        if not file.is_file():
            raise self._error(match, f"{match[2]} does not exist beside the prompt; create it or remove the key")
        try:
            text = file.read_text(encoding="utf-8-sig")
            if file.suffix == ".json":
                return json.loads(text)
            return yaml.safe_load(text) if file.suffix in (".yaml", ".yml") else text
        except (ValueError, yaml.YAMLError) as error:
            raise self._error(match, f"{match[2]} cannot be read: {error}") from None

    def _error(self, match: re.Match[str], problem: str) -> DataError:
        line = self._text.count("\n", 0, max(0, self._text.find(match[0]))) + 1
        return DataError(f"{self._path} line {line}: {match[0]}: {problem}")
