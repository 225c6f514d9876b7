"""promptfoo: its command, without cache, sharing and updates."""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import yaml

from benchmarks.engine.apps import INSTRUCTION, MODEL, MOST_TOKENS
from benchmarks.engine.processes import ROOT, output

_FOLDER = ROOT / ".venv" / "promptfoo" / "node_modules"

_ENVIRONMENT = {
    "PROMPTFOO_DISABLE_TELEMETRY": "1",
    "PROMPTFOO_DISABLE_UPDATE": "1",
    "PROMPTFOO_DISABLE_REMOTE_GENERATION": "true",
    "PROMPTFOO_CACHE_ENABLED": "false",
}


def version() -> str | None:
    """Returns the version that is installed, None where there is none or no Node.js."""
    about = _FOLDER / "promptfoo" / "package.json"
    if not (about.exists() and shutil.which("node")):
        return None
    found: str = json.loads(about.read_text(encoding="utf-8"))["version"]
    return found


def ask(address: str, asked: Sequence[str], at_once: int, folder: Path, within_s: float) -> None:
    """Evaluates questions that are their own references.

    Raises:
        TookTooLongError: it did not end in time.
        StackError: it fails.
    """
    folder.mkdir(parents=True)
    provider = {
        "id": f"openai:chat:{MODEL}",
        "config": {"apiBaseUrl": address, "apiKey": "none", "temperature": 0, "max_tokens": MOST_TOKENS},
    }
    prompt = [{"role": "system", "content": INSTRUCTION}, {"role": "user", "content": "{{question}}"}]
    configuration = {
        "providers": [provider],
        "prompts": [json.dumps(prompt)],
        "tests": [{"vars": {"question": text}, "assert": [{"type": "equals", "value": text}]} for text in asked],
    }
    path = folder / "promptfooconfig.yaml"
    path.write_text(yaml.safe_dump(configuration), encoding="utf-8")
    command = [str(_FOLDER / ".bin" / "promptfoo"), "eval", "-c", str(path), "-j", str(at_once)]
    settled = ["--no-cache", "--no-table", "--no-progress-bar", "--no-share"]
    output([*command, *settled], {**_ENVIRONMENT, "PROMPTFOO_CONFIG_DIR": str(folder / "state")}, within_s)
