"""What is shown and what is scored have nothing in common."""

from hypothesis import given
from hypothesis import strategies as st

from tasks.data.contract import conversation
from tasks.data.row import Message, Row
from tasks.prompting.search.splitting import cluster_of, ends_of, pool_of, scored_of

ROWS = st.lists(
    st.tuples(st.sampled_from("abcdefgh"), st.integers(0, 30), st.sampled_from([True, False])), max_size=40
).map(
    lambda drawn: [
        Row(f"r{at}", (Message("user", f"Question {text}"),), cluster=cluster, answerable=can, reference="a")
        for at, (cluster, text, can) in enumerate(drawn)
    ]
)


@given(ROWS, st.integers(1, 40), st.sets(st.integers(0, 30)))
def test_no_cluster_and_no_question_is_shown_and_scored_and_no_gates_question_is_either(rows, most, gates):
    shown, barred = pool_of(rows), {f"question {text}" for text in gates}
    scored = scored_of(rows, shown, barred, most)
    assert not {cluster_of(row) for row in shown} & {cluster_of(row) for row in scored}
    assert not {conversation(row) for row in shown} & {conversation(row) for row in scored}
    assert not {conversation(row) for row in scored} & barred
    every = scored_of(rows, shown, barred)
    assert scored == every[: len(scored)]
    assert len(scored) in (0, *ends_of(every))
    assert bool(scored) == bool(every)


@given(ROWS)
def test_a_third_of_the_clusters_may_be_shown_whole_and_something_is_left_to_score(rows):
    shown = pool_of(rows)
    clusters = {cluster_of(row) for row in shown}
    assert [row for row in rows if cluster_of(row) in clusters] == sorted(shown, key=rows.index)
    assert len(clusters) <= len({cluster_of(row) for row in rows}) / 3
    assert not rows or len(shown) < len(rows)


@given(ROWS)
def test_rows_of_a_cluster_stay_together(rows):
    scored = scored_of(rows, ())
    names = [cluster_of(row) for row in scored]
    assert len(scored) == len(rows)
    assert [name for at, name in enumerate(names) if at == 0 or names[at - 1] != name] == list(dict.fromkeys(names))
    assert all(names[end - 1] != names[end] for end in ends_of(scored)[:-1])
