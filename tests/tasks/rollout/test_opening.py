"""What a rollout needs before it begins."""

from types import SimpleNamespace

import pytest

from configs.errors import ConfigurationError
from configs.loading import load_app
from infra.cli.init import write_app
from tasks.rollout.opening import begin_rollout


def test_rules_of_one_run_only_are_refused_as_the_judge_would_not_know_them(tmp_path):
    folder = write_app("helpdesk", tmp_path / "helpdesk")
    loaded = load_app(str(folder), ("release.rollout={shares: [0.2]}",))
    with pytest.raises(ConfigurationError, match=r"`release.rollout`.*write it into the app's app.yaml"):
        begin_rollout(SimpleNamespace(loaded=loaded), None, 1, (), "its gates passed")
