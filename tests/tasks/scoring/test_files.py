"""A scorer of the user's own: a decorated function in a file beside app.yaml."""

import pytest

from configs.errors import ConfigurationError
from tasks.scoring.catalogue import scorers_of
from tasks.scoring.scoring import score

SCORER = '''
from tasks.scoring.scorer import Rating, scorer

@scorer("quality", version="1", needs=("reference",), low=0, high=5, unit="points")
def warm(row, answer, *, words: tuple[str, ...] = ("please",), words_file: str = ""):
    """Points for kind words."""
    kind = words_file.split() or words
    return Rating(float(sum(word in answer.text for word in kind)), "counted")
'''


@pytest.fixture
def named(make_app, tmp_path):
    """Returns the only scorer of an app that names it so, from a file with such code."""

    def make(code, **config):
        (tmp_path / "mine.py").write_text(code, encoding="utf-8")
        loaded = make_app("http://127.0.0.1:9/v1", scorers=[{"name": "warm", "file": "mine.py", **config}])
        return scorers_of(loaded)[0]

    return make


def test_it_is_a_scorer_like_any_other(named, row, answer):
    mine = named(SCORER, name="friendly", scorer="warm", settings={"words": ["thanks", "please"]})
    assert (mine.metric.name, mine.metric.high, mine.metric.unit) == ("friendly", 5, "points")
    (rated,) = score([row(reference="x")], [answer("thanks, please")], [mine])
    assert (rated.metric, rated.value, rated.why) == ("friendly", 2, "counted")
    (unrated,) = score([row()], [answer("thanks")], [mine])
    assert unrated.why == "the row has no reference"


def test_its_identity_is_of_the_files_content(named):
    first, again, edited = named(SCORER), named(SCORER), named(SCORER + "\n# another")
    assert first.identity == again.identity != edited.identity
    assert first.identity.startswith("warm=warm@")


def test_an_edited_file_is_imported_anew(named, row, answer):
    def value(code):
        return score([row(reference="x")], [answer("please")], [named(code)])[0].value

    assert value(SCORER) == 1
    assert value(SCORER.replace("float(sum(", "float(2 * sum(")) == 2


def test_a_setting_may_be_a_file_whose_text_counts(named, row, answer, tmp_path):
    (tmp_path / "kind.txt").write_text("thanks dear", encoding="utf-8")
    mine = named(SCORER, settings={"words_file": "kind.txt"})
    assert score([row(reference="x")], [answer("thanks, dear")], [mine])[0].value == 2
    (tmp_path / "kind.txt").write_text("thanks", encoding="utf-8")
    assert named(SCORER, settings={"words_file": "kind.txt"}).identity != mine.identity
    assert "dear" not in mine.identity


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("", "has no function 'warm'; mend `scorers`"),
        ("def warm(row, answer): ...", "'warm' is no scorer; put `@scorer(…)`"),
        ("import no_such_module", "line 1: cannot be imported: ModuleNotFoundError"),
        ("1 / 0", "line 1: cannot be imported: ZeroDivisionError"),
        ("raise SystemExit", "cannot be imported: SystemExit"),
        ("def warm(:", "line 1: cannot be imported: SyntaxError"),
        (SCORER.replace('"quality"', '"beauty"'), "@scorer: found 'beauty'; allowed are quality, harm"),
        (SCORER.replace('("reference",)', '("truth",)'), "@scorer: found 'truth'; allowed are reference"),
        (SCORER.replace("low=0, high=5", "low=5, high=5"), "@scorer: low is 5 and high 5; high must be more"),
        (SCORER.replace("def warm", "async def warm"), "@scorer: warm is `async`"),
        (SCORER.replace("row, answer, *", "answer, *"), "@scorer: warm must take (row, answer)"),
        (SCORER.replace('words_file: str = ""', "words_file"), "setting 'words_file' of warm needs a default"),
        (SCORER.replace(', version="1"', ""), "line 4: cannot be imported: TypeError: scorer() missing 1 required"),
    ],
)
def test_a_file_that_holds_no_such_scorer_is_one_line(named, code, said):
    with pytest.raises(ConfigurationError) as error:
        named(code)
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_a_file_that_is_no_text_is_one_line(named, tmp_path):
    (tmp_path / "words.bin").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigurationError, match=r"words.bin: cannot be read as text"):
        named(SCORER, settings={"words_file": "words.bin"})
