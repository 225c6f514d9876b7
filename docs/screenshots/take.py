"""Takes the README's screenshots from the running stack: `python docs/screenshots/take.py` after `make run`.

Needs the extra `dev` and Chromium. The terminal is a real run of the command; only the folder it ran in is left out.
"""

import os
import pty
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import httpx
from playwright.sync_api import BrowserContext, ViewportSize, sync_playwright
from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

from configs.settings import settings

FOLDER = Path(__file__).parent
SIZE = ViewportSize(width=1440, height=900)
COLUMNS = 130
SCREEN = """
    <pre style="font: 13px/15px 'DejaVu Sans Mono', monospace; display: inline-block; margin: 0; padding: 14px;
        background: {background}; color: {foreground}">{code}</pre>
"""
QUIET = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update")
QUESTIONS = ("How heavy is the Larkspur 2?", "Is it waterproof?")
ELSEWHERE = re.compile(r"^https?://(?!127\.0\.0\.1[:/]|localhost[:/])")
# MLflow opens a chat panel and a guide at the first visit; these are the marks it keeps once they were closed.
VISITED = """
    for (const [key, value] of Object.entries({
        "mlflow.assistant.fab.autoOpenedOnFirstLoad_v1": "true",
        "mlflow.assistant.panelOpen_v1": "false",
        "mlflow.detectIssues.guidanceShown_v1": "true",
    })) localStorage.setItem(key, value);
"""


def main() -> None:
    """Writes every image into this folder."""
    shown = run_loop()
    with sync_playwright() as playwright:
        path = next(path for name in ("chromium", "google-chrome") if (path := shutil.which(name)))
        browser = playwright.chromium.launch(executable_path=path, args=QUIET)
        context = browser.new_context(viewport=SIZE)
        context.route(ELSEWHERE, lambda route: route.abort())
        context.add_init_script(f"if (location.protocol === 'http:') {{ {VISITED} }}")
        photograph_terminal(context, shown)
        for name, (address, tab, text) in addresses().items():
            photograph(context, name, address, tab, text)
        photograph_chat(context)
        photograph(context, "operations", operations(), None, "The last window")
        browser.close()


def run_loop() -> str:
    """Runs the loop; returns its progress, and what it said at the end to a terminal of its own."""
    command = [sys.executable, "-m", "infra.cli.main", "run", "loop", "--app", settings().app]
    terminal, side = pty.openpty()
    environment = {**os.environ, "COLUMNS": str(COLUMNS), "LINES": "60", "TERM": "xterm-256color"}
    with tempfile.TemporaryFile() as progress:
        with subprocess.Popen(command, stdout=side, stderr=progress, env=environment):  # noqa: S603 our own
            os.close(side)
            shown = b"".join(iter(lambda: _read(terminal), b""))
        os.close(terminal)
        progress.seek(0)
        whole = progress.read() + shown.replace(b"\r\n", b"\n")
    return whole.decode(errors="replace").replace(f"{Path.cwd()}/", "")


def photograph_terminal(context: BrowserContext, shown: str) -> None:
    """Draws what a terminal showed, in its colours."""
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
        console = Console(record=True, width=COLUMNS, file=nowhere)
        console.print(f"$ lifecycle run loop --app {settings().app}", highlight=False, style="bold")
        console.print(Text.from_ansi(shown))
    page = context.new_page()
    page.set_content(console.export_html(theme=MONOKAI, inline_styles=True, code_format=SCREEN))
    page.locator("pre").screenshot(path=FOLDER / "terminal.png")
    page.close()


def photograph(context: BrowserContext, name: str, address: str, tab: str | None, text: str) -> None:
    """Opens a page and one of its tabs, waits for a text of the content, and for what moves to come to rest."""
    page = context.new_page()
    page.goto(address)
    if tab:
        page.get_by_text(tab, exact=True).click()
    page.get_by_text(text).first.wait_for()
    page.wait_for_timeout(3000)
    page.screenshot(path=FOLDER / f"{name}.png")
    page.close()


def photograph_chat(context: BrowserContext) -> None:
    """Asks the champion two things, and says what the first answer was worth."""
    page = context.new_page()
    page.goto(f"{settings().endpoint_url.removesuffix('/v1')}/chat")
    for question in QUESTIONS:
        page.get_by_label("Your question").fill(question)
        page.get_by_role("button", name="Send", exact=True).click()
        page.locator("article[aria-busy=false] .votes").nth(QUESTIONS.index(question)).wait_for(timeout=120_000)
    page.get_by_role("button", name="Bad answer").first.click()
    page.get_by_label("Comment").first.fill("It is a tent.")
    page.screenshot(path=FOLDER / "chat.png")
    page.close()


def operations() -> str:
    """Draws the operations page and returns its address."""
    command = [sys.executable, "-m", "infra.cli.main", "page", "operations", "--app", settings().app]
    done = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603 our own
    return Path(done.stdout.strip()).as_uri()


def addresses() -> dict[str, tuple[str, str | None, str]]:
    """Returns by the image's name a page's address, its tab, and a text that is there when it is complete."""
    prefect, app = settings().prefect_ui, settings().app
    loop = _prefect("flow_runs/filter", flows={"name": {"any_": ["loop"]}}, sort="START_TIME_DESC", limit=1)[0]
    key = f"{app}-sample-verdict"
    verdict = _prefect("artifacts/filter", artifacts={"key": {"any_": [key]}}, sort="CREATED_DESC", limit=1)[0]
    form = httpx.get(f"{settings().prefect_api}/deployments/name/evaluate/{app}").raise_for_status().json()
    experiment = _mlflow("experiments/search", filter=f"name = '{app}'", max_results=1)["experiments"][0]
    number = experiment["experiment_id"]
    evaluation = _mlflow(
        "runs/search",
        experiment_ids=[number],
        filter="tags.`lifecycle.kind` = 'evaluation'",
        order_by=["metrics.contains DESC"],
        max_results=1,
    )["runs"][0]["info"]["run_id"]
    mlflow = f"{settings().mlflow_uri}/#/experiments/{number}"
    return {
        "prefect-loop": (f"{prefect}/runs/flow-run/{loop['id']}", "Subflow Runs", "govern · "),
        "prefect-form": (f"{prefect}/deployments/deployment/{form['id']}/run", None, "The data to ask."),
        "prefect-verdict": (f"{prefect}/artifacts/artifact/{verdict['id']}", None, "Rules"),
        "mlflow-evaluations": (f"{mlflow}/runs/{evaluation}/traces", None, "Assessments"),
        "mlflow-prompts": (f"{mlflow}/prompts/{app}.cited", None, "Viewing version"),
        "mlflow-traces": (f"{mlflow}/traces", None, "OK"),
    }


def _prefect(path: str, **query: Any) -> Any:
    return httpx.post(f"{settings().prefect_api}/{path}", json=query).raise_for_status().json()


def _mlflow(path: str, **query: Any) -> Any:
    return httpx.post(f"{settings().mlflow_uri}/api/2.0/mlflow/{path}", json=query).raise_for_status().json()


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # how Linux says that the other side has closed
        return b""


if __name__ == "__main__":
    main()
