"""Takes the README's screenshots from the running stack: `python docs/screenshots/take.py` after `make run`.

Needs the extra `dev` and Chromium. The terminal is a real run of the command, recorded as it was shown.
"""

import asyncio
import os
import pty
import shutil
import subprocess
import sys
from pathlib import Path

import httpx
from rich.console import Console
from rich.text import Text

from configs.settings import settings

FOLDER = Path(__file__).parent
WIDTH, HEIGHT = 1440, 900


def terminal() -> None:
    """Runs the loop in a terminal of its own and keeps what it showed at the end."""
    command = [sys.executable, "-m", "infra.cli.main", "run", "loop", "--app", settings().app]
    main, side = pty.openpty()
    environment = {**os.environ, "COLUMNS": "130", "LINES": "60", "TERM": "xterm-256color"}
    with subprocess.Popen(command, stdout=side, stderr=subprocess.DEVNULL, env=environment):  # noqa: S603 our own
        os.close(side)
        shown = b"".join(iter(lambda: _read(main), b""))
    console = Console(record=True, width=130, file=Path(os.devnull).open("w", encoding="utf-8"))
    console.print(Text.from_ansi(shown.decode(errors="replace").replace("\r\n", "\n")))
    console.save_svg(str(FOLDER / "terminal.svg"), title="lifecycle run loop --app outfitter")


async def pages() -> None:
    """Opens the pages of both UIs and photographs them."""
    from playwright.async_api import async_playwright

    browser_path = next(path for name in ("chromium", "google-chrome") if (path := shutil.which(name)))
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=browser_path, args=["--no-sandbox"])
        page = await browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
        for name, address in _addresses().items():
            await page.goto(address, wait_until="networkidle")
            await page.wait_for_timeout(3000)
            await page.screenshot(path=FOLDER / f"{name}.png")
        await page.goto(f"file://{FOLDER / 'terminal.svg'}")
        await page.screenshot(path=FOLDER / "terminal.png", full_page=True)
        await browser.close()


def _addresses() -> dict[str, str]:
    prefect, mlflow, app = settings().prefect_ui, settings().mlflow_uri, settings().app
    flow_runs = httpx.post(
        f"{settings().prefect_api}/flow_runs/filter",
        json={"flows": {"name": {"any_": ["loop"]}}, "sort": "START_TIME_DESC", "limit": 1},
    ).json()
    deployment = httpx.get(f"{settings().prefect_api}/deployments/name/evaluate/{app}").json()
    experiment = httpx.get(
        f"{mlflow}/api/2.0/mlflow/experiments/get-by-name", params={"experiment_name": app}
    ).json()["experiment"]["experiment_id"]
    return {
        "prefect-loop": f"{prefect}/runs/flow-run/{flow_runs[0]['id']}",
        "prefect-form": f"{prefect}/deployments/deployment/{deployment['id']}/run",
        "prefect-verdict": f"{prefect}/artifacts/key/{app}-sample-verdict",
        "mlflow-evaluations": f"{mlflow}/#/experiments/{experiment}/evaluation-runs",
        "mlflow-prompts": f"{mlflow}/#/experiments/{experiment}/prompts",
        "mlflow-traces": f"{mlflow}/#/experiments/{experiment}/traces",
    }


def _read(terminal_side: int) -> bytes:
    try:
        return os.read(terminal_side, 65536)
    except OSError:  # how Linux says that the other side has closed
        return b""


if __name__ == "__main__":
    terminal()
    asyncio.run(pages())
