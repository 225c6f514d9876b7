"""The process supervisor, supervisord: its configuration, its start, and the connection to it.

It keeps the parts running, restarts what dies, ends whole process groups and rotates the logs. One runs for each
home, and listens on a Unix socket that only its user can open.
"""

import hashlib
import os
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from http.client import HTTPException
from pathlib import Path
from typing import Any, NamedTuple
from xmlrpc.client import Error, ServerProxy

import psutil

from configs.errors import StackError
from configs.settings import Settings, settings
from infra.stack.environment import MARK, mark
from infra.stack.parts import Part, parts

UNREACHABLE = (OSError, HTTPException, Error)
"""What a call raises when supervisord has ended, or ends meanwhile."""

_LONGEST_SOCKET_PATH = 90
"""Bytes. Systems allow 104 or more; supervisord appends its pid while it makes the socket."""


class Process(NamedTuple):
    """What the supervisor knows of a part.

    Attributes:
        state: supervisord's own word: RUNNING, STARTING, BACKOFF, STOPPING, STOPPED, EXITED, FATAL.
        pid: 0 where it does not run.
        started: Unix time of its last start, in seconds.
    """

    state: str
    pid: int
    started: int

    @property
    def is_alive(self) -> bool:
        """Whether it runs, or is about to be started again."""
        return self.state in {"RUNNING", "STARTING", "BACKOFF"}


class Supervisor:
    """A running supervisord."""

    def __init__(self, proxy: Any) -> None:
        self._rpc = proxy.supervisor

    def processes(self) -> dict[str, Process]:
        """Returns every part it knows, by name."""
        return {p["name"]: Process(p["statename"], p["pid"], p["start"]) for p in self._rpc.getAllProcessInfo()}

    def start(self, name: str) -> None:
        """Starts a part and does not wait for it."""
        self._rpc.startProcess(name, False)

    def stop(self, names: frozenset[str]) -> None:
        """Stops the parts that run, all at once, and returns when they have ended."""
        for name, process in self.processes().items():
            if name in names and process.is_alive:
                self._rpc.stopProcess(name, False)
        while any(p.is_alive or p.state == "STOPPING" for name, p in self.processes().items() if name in names):
            time.sleep(0.05)

    def apply_configuration(self, names: frozenset[str]) -> frozenset[str]:
        """Takes up what the configuration file now says of these parts.

        Returns:
            Names of the parts that ran with other settings and were stopped.
        """
        ((added, changed, removed),) = self._rpc.reloadConfig()
        outdated = names.intersection(changed + removed)
        stopped = frozenset(name for name, process in self.processes().items() if name in outdated and process.is_alive)
        self.stop(stopped)
        for name in outdated:
            self._rpc.removeProcessGroup(name)
        for name in names.intersection(added + changed):
            self._rpc.addProcessGroup(name)
        return stopped

    def pid(self) -> int:
        """Returns the process id of supervisord itself."""
        return int(self._rpc.getPID())

    def shut_down(self) -> None:
        """Ends every part, then supervisord itself, and returns when it has ended."""
        process = psutil.Process(self.pid())
        self.stop(frozenset(self.processes()))
        self._rpc.shutdown()
        while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
            with suppress(*UNREACHABLE):
                self.pid()  # any call wakes its loop, which otherwise sleeps for a second at each step
            time.sleep(0.05)


def connect() -> Supervisor | None:
    """Returns the supervisor of this home; None where none runs."""
    from supervisor.xmlrpc import SupervisorTransport

    path = socket_path(settings())
    if not path.exists():
        return None
    proxy = ServerProxy("http://localhost", transport=SupervisorTransport(serverurl=f"unix://{path}"))
    supervisor = Supervisor(proxy)
    try:
        supervisor.pid()
    except UNREACHABLE:
        return None
    return supervisor


def start_supervisor() -> Supervisor:
    """Starts the supervisor with no part running.

    Raises:
        StackError: it does not start.
    """
    s = settings()
    write_configuration()
    command = [sys.executable, "-m", "supervisor.supervisord", "-c", str(_configuration_path(s))]
    # It forks once its socket is open, so that the command's end means that it is ready.
    ended = subprocess.run(  # noqa: S603 (a fixed command)
        command,
        env=os.environ | {MARK: mark(s)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    supervisor = connect()
    if ended.returncode != 0 or supervisor is None:
        reason = (ended.stderr.strip() or ended.stdout.strip() or "no reason given").splitlines()[-1]
        raise StackError(f"the supervisor does not start: {reason}; its log is {s.folder('stack') / 'supervisord.log'}")
    return supervisor


def write_configuration() -> None:
    """Writes the configuration file of supervisord; only its user can read it, for an address may hold a password."""
    path = _configuration_path(settings())
    temporary = path.with_suffix(".new")
    temporary.touch(mode=0o600)
    temporary.write_text(_render(settings(), parts()), encoding="utf-8")
    temporary.replace(path)


def log_path(name: str) -> Path:
    """Returns the path of a part's log."""
    return settings().folder("stack", "logs") / f"{name}.log"


def socket_path(s: Settings) -> Path:
    """Returns the path of the supervisor's socket: under home, or in the temporary folder where that is too deep."""
    path = s.folder("stack") / "supervisor.sock"
    if len(os.fsencode(path)) <= _LONGEST_SOCKET_PATH:
        return path
    folder = Path(tempfile.gettempdir()) / f"lifecycle-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.stat().st_uid != os.getuid():
        raise StackError(f"{folder} belongs to another user; set LIFECYCLE_HOME to a shorter path")
    return folder / f"{hashlib.sha256(os.fsencode(path)).hexdigest()[:16]}.sock"


def _configuration_path(s: Settings) -> Path:
    return s.folder("stack") / "supervisord.conf"


def _render(s: Settings, programs: tuple[Part, ...]) -> str:
    folder = s.folder("stack")
    sections = [
        f"""\
[unix_http_server]
file = {_path(socket_path(s))}
chmod = 0700

[supervisord]
logfile = {_path(folder / "supervisord.log")}
logfile_maxbytes = 1MB
logfile_backups = 1
pidfile = {_path(folder / "supervisord.pid")}

[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
"""
    ]
    sections += [_section(part) for part in programs]
    return "\n".join(sections)


def _section(part: Part) -> str:
    environment = ",".join(f"{name}={_quoted(value)}" for name, value in sorted(part.environment.items()))
    return f"""\
[program:{part.name}]
command = {" ".join(_quoted(word) for word in part.command)}
environment = {environment}
autostart = false
autorestart = true
startsecs = 15
startretries = 5
stopwaitsecs = {part.stop_within_s}
stopasgroup = true
killasgroup = true
redirect_stderr = true
stdout_logfile = {_path(log_path(part.name))}
stdout_logfile_maxbytes = 5MB
stdout_logfile_backups = 2
"""


def _path(path: Path) -> str:
    """Supervisord reads a log's path twice, so that no way of writing `%` survives."""
    if "%" in str(path):
        raise StackError(f"{path} holds a %, which the supervisor cannot be told; set LIFECYCLE_HOME to another folder")
    return _value(str(path))


def _quoted(text: str) -> str:
    return f'"{_value(text)}"'


def _value(text: str) -> str:
    if any(sign in text for sign in ('"', "\\", "\n", " ;", " #")):
        raise StackError(
            f"{text!r} holds a quote, a backslash, a line break, ' ;' or ' #', which the supervisor cannot be told; "
            f"take another folder or value"
        )
    return text.replace("%", "%%")
