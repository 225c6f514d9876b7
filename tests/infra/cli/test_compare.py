"""`lifecycle compare`: any two evaluations, candidates or releases, from what is stored."""

import json

import pytest

from configs.errors import ConfigurationError
from infra.simulator.running import calls
from tasks.comparing import compared
from tasks.releasing.log import release_log
from tasks.results.marks import mark
from tasks.workspace import open_workspace


def release(app, candidate, version):
    return release_log(app).append(
        "commit", action="promote", release=f"{version:016x}"[::-1], candidate=candidate.digest, version=version,
        who="t", why="t",
    )  # fmt: skip


@pytest.fixture
def both(shop):
    """Both candidates asked the sample and the full rows; the polite one is champion, the plain one the best."""
    shop.evaluations = {
        (name, split): shop.evaluate(name, split) for name in ("plain", "polite") for split in ("sample", "full")
    }
    release("shop", shop.candidates["plain"], 1)
    release("shop", shop.candidates["polite"], 2)
    with open_workspace(shop.path) as workspace:
        mark(workspace.store, "best", shop.candidates["plain"])
    return shop


@pytest.fixture
def found(both):
    def find(one, other, split=None):
        with open_workspace(both.path) as workspace:
            pair = compared(workspace, one, other, split)
        names = {candidate.digest: name for name, candidate in both.candidates.items()}
        return [(names[each.candidate.digest], each.split) for each in pair]

    return find


def test_a_word_a_digest_an_evaluation_or_a_release_name_a_side(both, found):
    plain, evaluation = both.candidates["plain"].digest, both.evaluations["plain", "sample"].id
    assert found("best", "champion") == [("plain", "full"), ("polite", "full")]
    assert found(plain, "champion", "sample") == [("plain", "sample"), ("polite", "sample")]
    assert found(plain[:8], "2") == [("plain", "full"), ("polite", "full")]
    assert found("v1", "v2") == [("plain", "full"), ("polite", "full")]
    assert found(evaluation, "champion") == [("plain", "sample"), ("polite", "sample")], "on the evaluation's data"
    assert found(evaluation[:10], "best") == [("plain", "sample"), ("plain", "sample")]
    assert found("1000000000000000", "2000000000000000") == [("plain", "full"), ("polite", "full")]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("yesterday", "champion"), "'yesterday' names nothing; known are the words champion, best, latest; releases "),
        (("0" * 16, "champion"), "names nothing"),
        (("../*", "champion"), "'../*' names nothing"),
        (("v9", "champion"), "'v9' names nothing"),
    ],
)
def test_an_unknown_name_is_one_line_that_lists_the_known(found, words, said):
    with pytest.raises(ConfigurationError) as error:
        found(*words)
    assert said in str(error.value)
    assert "1 (v1), 2 (v2)" in str(error.value)


def test_what_was_not_evaluated_is_one_line_that_says_how_to(shop, found_error):
    shop.evaluate("plain", "sample")
    plain, polite = (candidate.digest for candidate in shop.candidates.values())
    said = found_error(plain, plain, "full")
    assert (
        f"has not been evaluated on full; run `lifecycle run evaluate --set candidate={plain[:8]} --set data=full`"
        in said
    )
    shop.evaluate("polite", "full")
    said = found_error(plain, polite)
    assert f"{plain} was evaluated on sample (data " in said
    assert f"{polite} on full (data " in said
    assert "only rows of the same data are paired" in said


@pytest.fixture
def found_error(shop):
    def find(*words):
        with open_workspace(shop.path) as workspace, pytest.raises(ConfigurationError) as error:
            compared(workspace, *words)
        return str(error.value)

    return find


def test_the_page_is_shown_written_and_printed(both, lifecycle, tmp_path):
    file = tmp_path / "page.html"
    shown = lifecycle("compare", "best", "champion", "--app", both.path, "--html", str(file))
    assert shown.exit_code == 0, shown.output
    assert shown.output.startswith("best on full: exact +0.5 [")
    assert "] against the champion (60 rows)" in " ".join(shown.output.split())
    assert "Rows that gained most, by exact" in shown.output
    assert "<h1>best on full: exact +0.5 [" in file.read_text(encoding="utf-8")

    small = lifecycle("compare", "best", "champion", "--app", both.path, "--data", "sample")
    assert small.output.startswith("best on sample: exact +0.5 [")

    document = json.loads(lifecycle("compare", "best", "champion", "--app", both.path, "--json").stdout)
    assert document["one"]["candidate"] == both.candidates["plain"].digest
    assert document["decision"] is None
    assert [row["row_id"] for row in document["worst"]] == ["full-0", "full-4", "full-8", "full-12", "full-16"]
    assert document["best"][0]["one"]["answer"] == "full question 1"
    assert document["best"][0]["other"]["answer"] == "Please: full question 1"
    exact = next(each for each in document["metrics"] if each["metric"] == "exact")
    assert exact["differs"] is True
    assert exact["difference"]["n"] == 60


def test_a_candidate_beside_itself_has_no_difference(both, lifecycle):
    shown = lifecycle("compare", "champion", "v2", "--app", both.path)
    assert "the same answers as those of v2" in " ".join(shown.output.split())


def test_nothing_is_asked(both, lifecycle):
    before = calls(both.address)
    lifecycle("compare", "best", "champion", "--app", both.path)
    assert calls(both.address) == before
