"""The newest rows that people have said something of, as whatever learns from them takes them."""

from typing import TYPE_CHECKING

from tasks.curating.versions import REVIEWED, curated_dataset, find_version

if TYPE_CHECKING:
    from tasks.data.row import Dataset
    from tasks.workspace import Workspace


def reviewed_training_rows(workspace: "Workspace") -> "Dataset | None":
    """Returns the rows of the split `train` of the version `production-reviewed`; None where there are none."""
    version = find_version(workspace.home, REVIEWED, workspace.name)
    if version is None or "train" not in version.manifest.splits:
        return None
    return curated_dataset(version, "train", workspace.loaded.app.datasets.columns)
