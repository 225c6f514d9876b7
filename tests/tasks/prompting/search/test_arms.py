"""Which combinations are tried."""

from hypothesis import given
from hypothesis import strategies as st

from tasks.candidate import Prompt, TemplateMessage
from tasks.data.row import Message, Row
from tasks.prompting.search.arms import Arm, arms_of


def prompts(n):
    return [Prompt(name=f"p{at}", messages=(TemplateMessage(role="user", template=f"{at}"),)) for at in range(n)]


def shown(n):
    return [(), *((Row(f"r{at}", (Message("user", "q"),)),) for at in range(1, n))]


def keys(arms):
    return [(arm.prompt.name, arm.meta_prompt and arm.meta_prompt.name, arm.shown_ids) for arm in arms]


def test_what_differs_in_one_thing_is_tried_before_what_differs_in_several():
    (one, two), metas = prompts(2), [None, *prompts(1)]
    arms = arms_of([one, two], metas, shown(2), 100, 7)
    assert keys(arms[:4]) == [("p0", None, ()), ("p0", None, ("r1",)), ("p0", "p0", ()), ("p1", None, ())]
    assert len(arms) == 8
    assert arms[0] == Arm(one)


@given(st.integers(1, 5), st.integers(1, 4), st.integers(1, 6), st.integers(1, 60), st.integers(0, 9))
def test_each_arm_is_tried_once_and_each_choice_alone_where_there_is_room(n, metas, sets, most, seed):
    arms = arms_of(prompts(n), [None, *prompts(metas - 1)], shown(sets), most, seed)
    assert len(arms) == min(most, n * metas * sets) == len(set(keys(arms)))
    assert arms == arms_of(prompts(n), [None, *prompts(metas - 1)], shown(sets), most, seed)
    if most >= n + metas + sets - 2:
        assert {arm.prompt.name for arm in arms} == {f"p{at}" for at in range(n)}
        assert len({arm.shown_ids for arm in arms}) == sets
