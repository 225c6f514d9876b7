import asyncio
import shutil
import signal
import subprocess
import sys

import pytest

from configs.errors import ConfigurationError, DataError
from tasks.curating.describing import by_side, manifest_of
from tasks.curating.gathering import gather
from tasks.curating.rows import curate_rows
from tasks.curating.versions import curated_dataset, find_version, save_version, versions
from tasks.data.reading import digest_of
from tasks.workspace import open_workspace


@pytest.fixture
def write():
    """Curates an app and writes the version."""

    def run(folder, *changes):
        with open_workspace(folder, tuple(changes)) as workspace:
            gathered = gather(workspace)
            done = asyncio.run(curate_rows(workspace, gathered))
            manifest = manifest_of(workspace.loaded, gathered, done)
            return save_version(workspace.home, manifest, by_side(done), done.apart, done.broken)

    return run


@pytest.fixture
def shop(make_app, fresh_row):
    rows = [fresh_row(f"p{at:02}", kind=("a", "b")[at % 2], about=f"P{at % 9}") for at in range(30)]
    return make_app(production=[*rows, fresh_row("q", reference="")])


def test_a_version_is_found_again_and_its_rows_are_what_its_digests_say(shop, write, home):
    version = write(shop)
    assert find_version(home, version.digest) == version
    assert find_version(home, version.digest[:6], "shop") == version
    assert find_version(home, "latest", "shop") == version
    assert find_version(home, "ffff") is None
    with open_workspace(shop) as workspace:
        columns = workspace.loaded.app.datasets.columns
    for split, rows in version.manifest.rows.items():
        dataset = curated_dataset(version, split, columns)
        assert len(dataset.rows) == rows > 0
        assert digest_of(dataset.rows, columns) == dataset.digest == version.manifest.splits[split]
        assert {row.columns["curated_from"] for row in dataset.rows} == {"production"}
    assert sum(version.manifest.rows.values()) == 30
    assert version.manifest.apart == {"unanswered": 1}
    assert '"set_apart": "unanswered"' in (version.folder / "apart.jsonl").read_text(encoding="utf-8")


def test_running_again_changes_nothing_and_another_seed_is_another_version(shop, write, home):
    version = write(shop)
    before = {file.name: (file.read_bytes(), file.stat().st_mtime_ns) for file in version.folder.iterdir()}
    assert write(shop) == version
    assert {file.name: (file.read_bytes(), file.stat().st_mtime_ns) for file in version.folder.iterdir()} == before
    other = write(shop, "curate.seed=8")
    assert other.digest != version.digest
    assert find_version(home, "latest", "shop") == other


def test_the_user_s_files_are_left_alone(shop, write, tmp_path):
    before = {file: file.read_bytes() for file in (tmp_path / "shop").iterdir()}
    write(shop)
    assert {file: file.read_bytes() for file in (tmp_path / "shop").iterdir()} == before


def test_a_full_disk_leaves_nothing_half_written(shop, write, home, monkeypatch):
    def full(path, content):
        raise DataError(f"{path}: cannot be written: No space left on device")

    monkeypatch.setattr("tasks.curating.versions.write_whole", full)
    with pytest.raises(DataError, match="No space left"):
        write(shop)
    assert [file.name for file in (home / "curated" / "shop").iterdir()] == []


def test_what_a_killed_process_left_is_written_anew(shop, write, home, tmp_path):
    version = write(shop)
    described = tmp_path / "described.json"
    described.write_bytes((version.folder / "curation.json").read_bytes())
    shutil.rmtree(version.folder)
    script = (
        "import os, pathlib, signal, sys\n"
        "import tasks.curating.versions as versions\n"
        "write = versions.write_whole\n"
        "def killed(path, content):\n"
        "    write(path, content)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "versions.write_whole = killed\n"
        "manifest = versions.Manifest.model_validate_json(pathlib.Path(sys.argv[1]).read_bytes())\n"
        "versions.save_version(pathlib.Path(sys.argv[2]), manifest, {}, [], [])\n"
    )
    ended = subprocess.run([sys.executable, "-c", script, str(described), str(home)], check=False, timeout=280)
    assert ended.returncode == -signal.SIGKILL
    assert sorted(file.name for file in (home / "curated" / "shop").iterdir()) == [f".{version.digest}", "latest"]
    assert write(shop) == version
    assert {file.name for file in (home / "curated" / "shop").iterdir()} == {version.digest, "latest"}


def test_a_beginning_that_two_versions_share_is_refused(shop, write, home):
    version = write(shop)
    twin = version.folder.with_name(version.digest[:8] + "00000000")
    twin.mkdir()
    (twin / "curation.json").write_bytes((version.folder / "curation.json").read_bytes())
    with pytest.raises(ConfigurationError, match="2 curated versions begin with"):
        find_version(home, version.digest[:8])


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('{"app": "sh', "does not describe a curated version: Invalid JSON: "),
        ('{"app": "shop"}', "does not describe a curated version: settings: Field required; remove its folder and run"),
    ],
)
def test_a_damaged_description_is_one_line(shop, write, home, content, said):
    version = write(shop)
    (version.folder / "curation.json").write_text(content, encoding="utf-8")
    for look in (lambda: find_version(home, version.digest), lambda: versions(home, "shop")):
        with pytest.raises(DataError) as error:
            look()
        assert str(error.value).startswith(f"{version.folder / 'curation.json'}: ") and said in str(error.value)
        assert "\n" not in str(error.value)
