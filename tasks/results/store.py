"""The results store: evaluations, candidates and verdicts of an app in one folder, each written whole or not at all."""

import fcntl
import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from configs.errors import DataError
from tasks.candidate import Candidate
from tasks.gating.verdict import Verdict
from tasks.identity import digest
from tasks.results.evaluation import Evaluation
from tasks.results.expected import Expected
from tasks.results.rows_file import NAME, read_frames
from tasks.statistics.estimate import Estimate
from tasks.writing import write_whole, writing


class StoredEvaluation(NamedTuple):
    """What a list of evaluations shows without reading their tables."""

    id: str
    candidate: str
    split: str
    dataset: str
    epoch: str
    saved: float


class Store:
    """Results of one app under one folder (`<home>/results/<app>`).

    Everything is named by its content, so that saving it twice changes nothing, and readers see a thing either whole
    or not at all.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @contextmanager
    def part(self) -> Iterator[Path]:
        """Yields a folder for an evaluation that is being made; what is in it at the end and was not saved is deleted.

        So is what processes that were killed have left.

        Raises:
            DataError: the disk is full or refuses to be written.
        """
        folder = self.folder / "evaluations"
        with writing(folder):
            folder.mkdir(parents=True, exist_ok=True)
            for left in folder.glob(".*"):
                with _held(left) as is_ours:
                    if is_ours:
                        shutil.rmtree(left, ignore_errors=True)
            with _new(folder) as part:
                try:
                    part.chmod(0o755)
                    yield part
                finally:
                    shutil.rmtree(part, ignore_errors=True)

    def save(self, evaluation: Evaluation) -> Evaluation:
        """Saves an evaluation whose file is in a `part`, and returns it as it is stored; saved twice is saved once.

        Raises:
            DataError: the disk is full or refuses to be written.
        """
        if evaluation.file is None:
            raise ValueError("an evaluation is saved with the file of its rows")
        target = self.folder / "evaluations" / evaluation.id
        about = {
            "id": evaluation.id,
            "identity": evaluation.identity,
            "candidate": evaluation.candidate.model_dump(mode="json"),
            "candidate_digest": evaluation.candidate.digest,
            "split": evaluation.split,
            "dataset": evaluation.dataset,
            "epoch": evaluation.epoch,
            "estimates": [estimate.model_dump(mode="json") for estimate in evaluation.estimates],
            "expected": evaluation.expected.model_dump() if evaluation.expected else None,
            "available": evaluation.available,
        }
        if not target.exists():
            with writing(target):
                part = evaluation.file.parent
                write_whole(part / "evaluation.json", json.dumps(about, ensure_ascii=False).encode())
                _move(part, target)
        return replace(evaluation, file=target / NAME)

    def load(self, evaluation_id: str) -> Evaluation | None:
        """Returns a saved evaluation, None where there is none of that id."""
        folder = self.folder / "evaluations" / evaluation_id
        about = _read_json(folder / "evaluation.json")
        if about is None:
            return None
        frames = read_frames(folder / NAME)
        return Evaluation(
            id=about["id"],
            identity=about.get("identity", about["id"]),
            candidate=Candidate.model_validate(about["candidate"]),
            split=about["split"],
            dataset=about["dataset"],
            epoch=about["epoch"],
            rows=frames.rows,
            scores=frames.scores,
            estimates=tuple(Estimate.model_validate(estimate) for estimate in about["estimates"]),
            file=folder / NAME,
            expected=Expected.model_validate(about["expected"]) if about.get("expected") else None,
            available=about.get("available", 0),
        )

    def save_page(self, evaluation: Evaluation, name: str, page: str) -> Path:
        """Saves a page beside an evaluation, in place of one of that name, and returns its file.

        Raises:
            DataError: the disk is full or refuses to be written.
        """
        file = self.folder / "evaluations" / evaluation.id / name
        write_whole(file, page.encode("utf-8", "replace"))
        return file

    def list(self) -> tuple[StoredEvaluation, ...]:
        """Returns what is known of every saved evaluation, the newest first."""
        files = self.folder.glob("evaluations/[!.]*/evaluation.json")
        listed = [_listed(about, file) for file in files if (about := _read_json(file))]
        return tuple(sorted(listed, key=lambda each: (-each.saved, each.id)))

    def save_candidate(self, candidate: Candidate) -> None:
        """Saves a candidate under its digest.

        Raises:
            DataError: the disk is full or refuses to be written.
        """
        self._save_json("candidates", candidate.digest, candidate.model_dump(mode="json"))

    def load_candidate(self, candidate_digest: str) -> Candidate | None:
        """Returns a saved candidate, None where there is none of that digest."""
        content = _read_json(self.folder / "candidates" / f"{candidate_digest}.json")
        return None if content is None else Candidate.model_validate(content)

    def save_verdict(self, verdict: Verdict) -> str:
        """Saves a verdict under the digest of its content, and returns that digest; saved again, it is the newest.

        Raises:
            DataError: the disk is full or refuses to be written.
        """
        content = verdict.model_dump(mode="json")
        self._save_json("verdicts", digest(content), content)
        # Not touch(): the kernel's own clock for files ticks a few milliseconds apart.
        os.utime(self.folder / "verdicts" / f"{digest(content)}.json", ns=(time.time_ns(), time.time_ns()))
        return digest(content)

    def verdicts(self, candidate_digest: str | None = None) -> tuple[Verdict, ...]:
        """Returns the saved verdicts, the newest first: all of them, or those on one candidate."""
        files = sorted(self.folder.glob("verdicts/[!.]*.json"), key=lambda file: file.stat().st_mtime_ns, reverse=True)
        contents = (_read_json(file) for file in files)
        found = (Verdict.model_validate(content) for content in contents if content is not None)
        return tuple(each for each in found if candidate_digest in (None, each.candidate))

    def _save_json(self, kind: str, name: str, content: dict[str, Any]) -> None:
        target = self.folder / kind / f"{name}.json"
        if target.exists():
            return
        write_whole(target, json.dumps(content, ensure_ascii=False).encode())


@contextmanager
def _new(folder: Path) -> Iterator[Path]:
    """Yields a new hidden folder that is held."""
    with ExitStack() as stack:
        while True:
            part = Path(tempfile.mkdtemp(prefix=".", dir=folder))
            # Another process may have taken it for left before it was held.
            if stack.enter_context(_held(part)) and part.exists():
                break
        yield part


@contextmanager
def _held(folder: Path) -> Iterator[bool]:
    """Holds a folder, unless a process does that lives; yields whether it does."""
    try:
        handle = os.open(folder, os.O_RDONLY)
    except FileNotFoundError:
        yield False
        return
    try:
        yield _locked(handle)
    finally:
        os.close(handle)


def _locked(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _listed(about: dict[str, Any], file: Path) -> StoredEvaluation:
    return StoredEvaluation(
        id=about["id"],
        candidate=about["candidate_digest"],
        split=about["split"],
        dataset=about["dataset"],
        epoch=about["epoch"],
        saved=file.stat().st_mtime,
    )


def _move(part: Path, target: Path) -> None:
    try:
        part.replace(target)
    except OSError:
        # Another process saved the same evaluation in the meantime: a folder is not replaced by a folder.
        if not target.exists():
            raise


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except ValueError as error:
        raise DataError(f"{path}: is damaged ({error}); delete it and run again") from None
