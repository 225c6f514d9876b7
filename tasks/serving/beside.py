"""The process beside the endpoint: it looks at what was served, judges the candidate on trial, and delivers alerts."""

import asyncio
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable

from configs.errors import LifecycleError
from configs.loading import LoadedApp, load_app
from tasks.alerting.delivering import anything_due, deliver_all
from tasks.releasing.log import ReleaseLog, release_log
from tasks.rollout.alarm import JudgeAlarm
from tasks.rollout.judge import Judge
from tasks.rollout.stages import rollout_of
from tasks.serving.flagging import flag_all
from tasks.serving.record import RecordStore, record_store

_log = logging.getLogger(__name__)

_LOOK_EVERY_S = 1.0
_END_WITHIN_S = 8.0
_NICE = 10
"""Answers come first."""


class Beside:
    """Keeps the process running once there is something for it to do.

    In the endpoint's own process that work would take from each answer the time in which Python lets another thread
    run. What was not done before a crash is done after the next start.

    Args:
        store: the app's served requests.
        loaded: the app.
    """

    def __init__(self, store: RecordStore, loaded: LoadedApp) -> None:
        self._store = store
        self._releases: ReleaseLog = release_log(loaded.app.name)
        self._folder = str(loaded.folder)
        self._problem = ""
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="beside", daemon=True)

    def start(self) -> None:
        """Starts to watch for work."""
        self._thread.start()

    def stop(self) -> None:
        """Ends the process after what it is doing."""
        self._stopped.set()
        self._thread.join(timeout=10)

    def _run(self) -> None:
        while not self._stopped.wait(_LOOK_EVERY_S):
            try:
                if self._waiting():
                    self._work_on()
            except OSError as error:
                _log.warning("the process beside the endpoint does not start: %s", error)

    def _waiting(self) -> bool:
        try:
            to_judge = bool(self._store.unflagged(1)) or rollout_of(self._releases.entries()) is not None
            waiting, problem = to_judge or anything_due(), ""
        except LifecycleError as error:
            waiting, problem = False, str(error)
        if problem and problem != self._problem:
            _log.warning("%s", problem)
        self._problem = problem
        return waiting

    def _work_on(self) -> None:
        """Runs the process until it ends or this is stopped; one that ends by itself is started again."""
        command = [sys.executable, "-m", "tasks.serving.beside", self._folder]
        with subprocess.Popen(command, stdin=subprocess.PIPE) as process:  # noqa: S603 a fixed command
            while process.poll() is None and not self._stopped.wait(_LOOK_EVERY_S):
                pass
            if process.poll() is None:
                process.terminate()
                try:
                    process.wait(timeout=_END_WITHIN_S)
                except subprocess.TimeoutExpired:
                    process.kill()
                return
            _log.warning("the process beside the endpoint ended with %d", process.returncode)


def main() -> None:
    """Works on an app's requests until it is told to end, or whoever started it was killed: then its input ends."""
    stopped = threading.Event()
    # Until here, while all is imported, the signal ends the process at once: there is nothing to be finished yet.
    signal.signal(signal.SIGTERM, lambda *_: stopped.set())
    threading.Thread(target=_wait_for_the_end_of_input, args=(stopped,), daemon=True).start()
    os.nice(_NICE)
    work(load_app(sys.argv[1]), stopped)


def work(loaded: LoadedApp, stopped: threading.Event) -> None:
    """Looks at requests, judges who is on trial, and delivers alerts, again and again until it is stopped."""
    with record_store(loaded.app.name) as store:
        judge = Judge(loaded, store, release_log(loaded.app.name))
        alarm = JudgeAlarm(loaded.app, judge)
        # Each in a thread of its own: a backlog of requests must not hold up what takes a bad candidate away.
        # Alerts are those of all apps: an app that nobody serves has no such process of its own.
        works = (
            lambda: _flagged(store, loaded, stopped),
            judge.look,
            lambda: alarm.look(time.monotonic()),
            lambda: asyncio.run(deliver_all()),
        )
        threads = [threading.Thread(target=_repeat, args=(each, stopped), daemon=True) for each in works]
        for thread in threads:
            thread.start()
        stopped.wait()
        until = time.monotonic() + _END_WITHIN_S / 2
        for thread in threads:
            thread.join(max(0.0, until - time.monotonic()))


def _wait_for_the_end_of_input(stopped: threading.Event) -> None:
    while os.read(sys.stdin.fileno(), 1024):
        pass
    stopped.set()


def _flagged(store: RecordStore, loaded: LoadedApp, stopped: threading.Event) -> None:
    if store.unflagged(1):
        flag_all(store, loaded, stopped)


def _repeat(work: Callable[[], None], stopped: threading.Event) -> None:
    said = ""
    while not stopped.is_set():
        try:
            work()
            said = ""
        except LifecycleError as error:
            if str(error) != said:
                _log.warning("%s", error)
            said = str(error)
        except Exception:  # whatever it is, the next round may succeed
            _log.exception("the process beside the endpoint")
        stopped.wait(_LOOK_EVERY_S)


if __name__ == "__main__":
    main()
