from tasks.pages.estimates import estimate_rows


def test_the_difference_comes_first_and_slices_are_left_to_the_page(evaluated, metrics):
    one, other = evaluated({"contains": [1.0, 0.0, 1.0]}), evaluated({"contains": [0.0, 0.0, 1.0]}, "two")
    first, *_ = estimate_rows(one, other, metrics)
    assert list(first) == ["dimension", "metric", "difference", "candidate", "champion", "n", "coverage", "better"]
    assert first["metric"] == "contains"
    assert first["difference"].startswith("0.333 [")
    assert len(estimate_rows(one, other, metrics)) == len(metrics)


def test_a_champion_beside_itself_has_a_value_only(evaluated, metrics):
    one = evaluated({"contains": [1.0, 0.0]})
    assert "value" in estimate_rows(one, one, metrics)[0]
    assert "value" in estimate_rows(one, None, metrics)[0]
