"""Checks that this machine can run the stack; each fault comes with how to mend it."""

import asyncio
import os
import shutil
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from tempfile import TemporaryFile
from typing import NamedTuple

from configs.errors import LifecycleError
from configs.loading import load_app
from configs.schema.app import Parameters
from configs.schema.model import OpenAIModel
from configs.settings import Settings, settings
from infra.simulator.running import simulated
from infra.stack.environment import MARK
from infra.stack.health import port_problem
from infra.stack.leftovers import marked_processes
from infra.stack.parts import parts
from infra.stack.supervisor import connect
from infra.stack.weights import chat_weights, embedding_weights
from tasks.alerting.channel import channels_of
from tasks.alerting.failing import failing
from tasks.alerting.outbox import outboxes
from tasks.calling.chat import call_model
from tasks.data.row import Message

_PINNED = ("prefect", "mlflow", "fastapi", "openai", "great-expectations", "pandas", "supervisor", "xllamacpp")
"""Packages whose version the stack depends on."""

_CONSTRAINTS = Path(__file__).parents[1] / "constraints.txt"

_DISK_FREE_GB = 2.0
_CALLS = 8


class Finding(NamedTuple):
    """What one check found.

    Attributes:
        check: name of the check.
        passed: whether all is well.
        message: one line: what was found and, where it failed, how to mend it.
    """

    check: str
    passed: bool
    message: str


def examine() -> tuple[Finding, ...]:
    """Runs every check; after wrong settings no other, after an unusable home none that looks into it."""
    try:
        settings()
    except LifecycleError as error:
        return (Finding("settings", False, str(error)),)
    machine = [finding for look in _CHECKS_OF_MACHINE for finding in _guarded(look)]
    if not machine[-1].passed:
        return tuple(machine)
    return (*machine, *(finding for look in _CHECKS_OF_HOME for finding in _guarded(look)))


def _guarded(look: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    """A check that breaks is a finding as well."""
    try:
        yield from look()
    except (LifecycleError, OSError) as error:
        yield Finding(look.__name__.strip("_"), False, str(error))


def _python() -> Iterator[Finding]:
    found = ".".join(str(number) for number in sys.version_info[:3])
    if (3, 11) <= sys.version_info < (3, 14):
        yield Finding("python", True, found)
    else:
        yield Finding("python", False, f"found {found}; make the environment anew with Python 3.11, 3.12 or 3.13")


def _packages() -> Iterator[Finding]:
    pinned = _pinned_versions()
    faults = [fault for name in _PINNED if (fault := _package_fault(name, pinned.get(name, frozenset())))]
    for fault in faults:
        yield Finding("packages", False, f"{fault}; run `pip install -c infra/constraints.txt -e .`")
    if not faults:
        yield Finding("packages", True, "the versions of infra/constraints.txt")


def _package_fault(name: str, allowed: frozenset[str]) -> str | None:
    try:
        found = version(name)
    except PackageNotFoundError:
        return f"{name} is not installed"
    return f"{name} {found} is installed, tested is {' or '.join(sorted(allowed))}" if found not in allowed else None


def _pinned_versions() -> dict[str, frozenset[str]]:
    """A package may have several lines, each for its own Python."""
    pinned: dict[str, frozenset[str]] = {}
    for line in _CONSTRAINTS.read_text(encoding="utf-8").splitlines():
        name, equals, rest = line.partition("==")
        if equals:
            pinned[name.strip()] = pinned.get(name.strip(), frozenset()) | {rest.partition(";")[0].strip()}
    return pinned


def _settings() -> Iterator[Finding]:
    known = {f"LIFECYCLE_{name.upper()}" for name in Settings.model_fields} | {MARK}
    unknown = sorted(name for name in os.environ if name.startswith("LIFECYCLE_") and name not in known)
    for name in unknown:
        yield Finding("settings", False, f"{name} is no setting; remove it or mend its name, .env.example lists all")
    cores = os.cpu_count() or 1
    if settings().model_threads > cores:
        yield Finding(
            "settings",
            False,
            f"LIFECYCLE_MODEL_THREADS is {settings().model_threads} on {cores} cores; set it to {cores} or fewer",
        )
    apps = ", ".join(load_app(name).app.name for name in settings().apps)
    yield Finding("settings", True, f"app {apps}, home {settings().home.absolute()}")


def _home() -> Iterator[Finding]:
    home = settings().folder()
    try:
        with TemporaryFile(dir=home) as file:
            file.write(b"x")
    except OSError as error:
        yield Finding("home", False, f"{home} cannot be written ({error.strerror}); mend its rights or LIFECYCLE_HOME")
        return
    free = shutil.disk_usage(home).free / 1e9
    if free < _DISK_FREE_GB:
        yield Finding("home", False, f"{free:.1f} GB free at {home}; make {_DISK_FREE_GB:.0f} GB free")
    else:
        yield Finding("home", True, f"writable, {free:.0f} GB free")


def _weights() -> Iterator[Finding]:
    for find in (chat_weights, embedding_weights):
        yield Finding("weights", True, find().name)


def _calls() -> Iterator[Finding]:
    """Has a model called as an evaluation calls it: whatever keeps this machine from that shows here, not at row 1."""
    try:
        with simulated() as address:
            model = OpenAIModel(kind="openai", model="simulated", base_url=address)
            answered = asyncio.run(_answered(model))
    except LifecycleError as error:
        yield Finding("calls", False, f"a model on this machine cannot be called: {error}")
        return
    yield Finding(
        "calls", answered == _CALLS, f"{answered} of {_CALLS} calls of a simulated model on loopback answered"
    )


async def _answered(model: OpenAIModel) -> int:
    question = (Message("user", "Are you there?"),)
    replies = await asyncio.gather(*(call_model(model, question, Parameters()) for _ in range(_CALLS)))
    return sum(reply.text == question[0].content for reply in replies)


def _ports() -> Iterator[Finding]:
    supervisor = connect()
    processes = supervisor.processes() if supervisor else {}
    for part in parts():
        if part.name in processes and processes[part.name].is_alive:
            yield Finding("ports", True, f"{part.port} is held by {part.name}")
        elif problem := port_problem(part):
            yield Finding("ports", False, problem)
        else:
            yield Finding("ports", True, f"{part.port} is free for {part.name}")


def _servers() -> Iterator[Finding]:
    import httpx

    s = settings()
    asked = {"LIFECYCLE_PREFECT_URL": s.prefect_url and s.prefect_api, "LIFECYCLE_MLFLOW_URL": s.mlflow_url}
    for setting, address in asked.items():
        if not address:
            continue
        try:
            httpx.get(f"{address.rstrip('/')}/health", timeout=5).raise_for_status()
            yield Finding("servers", True, f"{setting} answers")
        except httpx.HTTPError as error:
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            yield Finding(
                "servers", False, f"{setting} does not answer: {reason}; mend the address or start that server"
            )


def _leftovers() -> Iterator[Finding]:
    left = [] if connect() else marked_processes()
    if left:
        yield Finding("leftovers", False, f"{len(left)} processes that nobody supervises; `lifecycle down` ends them")


def _databases() -> Iterator[Finding]:
    home = settings().folder()
    for path in sorted([*home.glob("*.db"), *home.glob("*/*.db")]):
        name = path.relative_to(home)
        if problem := _database_problem(path):
            yield Finding(
                "databases",
                False,
                f"{name}: {problem}; run `lifecycle down`, then put a backup in its place or move it away",
            )
        else:
            yield Finding("databases", True, f"{name} is sound")


def _database_problem(path: Path) -> str | None:
    try:
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=10)) as database:
            (answer,) = database.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.Error as error:
        return str(error)
    return None if answer == "ok" else str(answer)


def _alerts() -> Iterator[Finding]:
    apps = [load_app(name).app for name in settings().apps]
    channels = [(app.name, channel) for app in apps for channel in channels_of(app)]
    named = [(app, name) for app, channel in channels for name in (channel.url_env, channel.secret_env) if name]
    missing = [(app, name) for app, name in named if not os.environ.get(name)]
    for app, name in missing:
        yield Finding("alerts", False, f"{name} is not set, but app {app} names it; set it in .env")
    with outboxes() as every:
        stuck = [each for each in failing(every) if each.stuck]
        for each in stuck:
            yield Finding("alerts", False, f"{each.line}; mend it, then `lifecycle alerts test`")
        if named and not missing and not stuck:
            yield Finding("alerts", True, "every channel is set, and none is behind")


_CHECKS_OF_MACHINE = (_python, _packages, _settings, _weights, _home)
_CHECKS_OF_HOME = (_calls, _ports, _servers, _leftovers, _databases, _alerts)
