from tasks.watching.alerting import is_news


def test_the_same_broken_limits_are_news_once(tmp_path):
    assert is_news(tmp_path, "champion", ("support drops at most 0.1",))
    assert not is_news(tmp_path, "champion", ("support drops at most 0.1",))


def test_another_limit_or_another_champion_is_news(tmp_path):
    is_news(tmp_path, "champion", ("a",))
    assert is_news(tmp_path, "champion", ("a", "b"))
    assert is_news(tmp_path, "next", ("a", "b"))


def test_a_limit_that_held_in_between_is_news_again(tmp_path):
    is_news(tmp_path, "champion", ("a",))
    assert not is_news(tmp_path, "champion", ())
    assert is_news(tmp_path, "champion", ("a",))
