"""The sample app's row, from documents like those that the stages print."""

from benchmarks.augment.sample_app import figures

_FITTED = {"contains": 0.61, "citation": 0.84, "abstention": 0.71, "over_refusal": 0.2}


def _evaluated(values):
    found = [
        {"metric": name, "value": value, "low": 0.0, "high": 1.0, "n": 138, "slice": slice_, "quantile": None}
        for name, mean in values.items()
        for slice_, value in (("kind=policy", 0.0), (None, mean))
    ]
    return {"estimates": found, "rows": {"used": 178}}


def _figures(verdict="FAIL"):
    looped = {
        "verdicts": [{"gate": "sample", "verdict": verdict, "reason": "contains is too low", "candidate": "c" * 16}],
        "end": "bound reached",
        "calls": {"made": 700},
        "seconds": 900.0,
    }
    tuned = {"steps": 60, "rows_per_s": 2.0, "seconds": 240.0}
    first = _evaluated({**dict.fromkeys(_FITTED, 0.1), "abstention": None})
    return {figure.what: figure for figure in figures(looped, tuned, _evaluated(_FITTED), first)}


def test_the_row_says_which_rule_fell_short_and_by_how_much():
    found = _figures()
    assert found["fine-tuned: facts"].reached is False
    assert found["fine-tuned: facts"].note == "[0.00, 1.00] of 138; falls short by 0.190"
    assert found["fine-tuned: over-refusal"].note.endswith("falls short by 0.050")
    assert found["fine-tuned: right citation"].reached
    assert found["fine-tuned: abstention"].reached


def test_the_first_candidate_is_told_and_not_judged():
    found = _figures()
    assert found["first: facts"].reached is None
    assert found["first: abstention"].shown == "–"


def test_the_first_verdict_is_to_be_no():
    assert _figures()["the sample gate's first verdict is no"].reached
    assert _figures("INCONCLUSIVE")["the sample gate's first verdict is no"].reached is False
