import pytest

from configs.errors import ConfigurationError
from infra.cli.run import _split


def test_set_gives_parameters_of_the_stage_and_keys_of_the_configuration():
    parameters, configuration = _split("evaluate", ["data=full", "loop.max_rounds=1"])
    assert parameters == {"data": "full"}
    assert configuration == ["loop.max_rounds=1"]


@pytest.mark.parametrize("digest", ["12345678", "0123", "1e10"])
def test_a_digest_of_digits_alone_is_a_text(digest):
    assert _split("deploy", [f"candidate={digest}", "why=yes"])[0] == {"candidate": digest, "why": "yes"}


@pytest.mark.parametrize("change", ["max_rounds=0", "max_rounds=[", "nothing=1"])
def test_what_is_not_allowed_is_one_line(change):
    with pytest.raises(ConfigurationError, match="--set") as raised:
        _split("loop", [change])
    assert "\n" not in str(raised.value)
