"""A process that releases, to be killed: `python -m benchmarks.operate.releaser FOLDER WHAT NAME NUMBER`.

It says `ready` once all is imported, begins when it is told to by a line, and says how that ended.
"""

import sys

from benchmarks.operate.released import passed
from configs.errors import LifecycleError
from configs.loading import LoadedApp, load_app
from tasks.candidate import Candidate
from tasks.candidates import read_prompts
from tasks.releasing.promote import promote, release_id
from tasks.releasing.release import parts_of, roll_back
from tasks.rollout.opening import first_step
from tasks.rollout.stages import open_rollout
from tasks.tracking.models import candidate_of, champion_version

WHAT = ("promote", "rollback", "rollout")
_WHO = "benchmark"


def main() -> None:
    """Does what it is asked, once."""
    folder, what, name, number = sys.argv[1:]
    loaded = load_app(folder)
    champion_version(loaded.app.name)  # imports MLflow's client
    print("ready", flush=True)
    sys.stdin.readline()
    try:
        if what == "rollback":
            roll_back(loaded, None, f"rollback {number}")
        else:
            _release(loaded, what, name, int(number))
        print("done", flush=True)
    except LifecycleError as error:
        print(f"refused: {error}", flush=True)


def _release(loaded: LoadedApp, what: str, name: str, number: int) -> None:
    """Does what `deploy` does with a candidate that passed its gates; the number makes it a release of its own."""
    parts = parts_of(loaded)
    version = [prompt.name for prompt in read_prompts(loaded)].index(name) + 1
    candidate: Candidate = candidate_of(loaded.app.name, version)
    verdicts, evidence, why = passed(candidate), {"number": number}, f"release {number}"
    rules = loaded.app.release.rollout
    if what == "promote" or rules is None:
        promote(candidate, version, parts=parts, verdicts=verdicts, evidence=evidence, who=_WHO, why=why)
        return
    first, share = first_step(rules)
    open_rollout(
        parts,
        first,
        release=release_id(candidate, verdicts, evidence),
        candidate=candidate.digest,
        version=version,
        verdicts=verdicts,
        evidence={**evidence, **share},
        who=_WHO,
        why=why,
    )


if __name__ == "__main__":
    main()
