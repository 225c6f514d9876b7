"""What of the served requests goes before people, and why."""

import pytest

from configs.errors import ConfigurationError
from tasks.calling.answer import Outcome
from tasks.data.tool_turn import ToolTurn
from tasks.harvesting import selecting
from tasks.rollout.placing import Placed


def reasons_of(queue):
    return {each.request: [str(reason) for reason in each.because] for each in queue.pending()}


def test_each_reason_is_said(make_shop, serve, vote, harvest, queue):
    folder = make_shop({"worst": 0.2, "metrics": ["support"]})
    serve("fine", "How dear is the rope of yours?", "The tent costs 40 dollars.")
    serve("voted", "Is your lamp any good at night?", "The tent costs 40 dollars.")
    serve("flagged", "When do you open on Sunday?", "", flags=("error",), outcome=Outcome.APP_ERROR)
    serve("invented", "Does the map show Norway?", "It shows 17 countries.")
    serve("older", "May I return wet boots?", "The tent costs 40 dollars.")
    serve("newer", "May I return wet boots?", "The stove costs 41 dollars.", candidate="d" * 16)
    vote("voted", "mail me at jane@example.com")
    vote("fine", good=True)
    selection, _ = harvest(folder)
    assert reasons_of(queue) == {
        "voted": ["down-voted: mail me at <EMAIL_ADDRESS>"],
        "flagged": ["flagged: error"],
        "invented": ["low score: support 0"],
        "newer": ["disagreed: cccccccc answered otherwise"],
    }
    assert (selection.requests, selection.reached) == (6, 6)


def test_a_copy_that_a_candidate_answered_beside_the_champion_is_nobodys_request(make_shop, serve, harvest, queue):
    folder = make_shop({"random_share": 1.0})
    serve("asked", "May I return wet boots?", "", flags=("error",), placed=Placed("r", "champion", 0.0, "p"))
    serve("copy", "May I return wet boots?", "", flags=("error",), placed=Placed("r", "shadow", 0.0, "p"))
    selection, _ = harvest(folder)
    assert list(reasons_of(queue)) == ["asked"]
    assert selection.requests == 1


def test_a_conversation_with_tools_is_no_row(make_shop, serve, harvest, queue):
    folder = make_shop({"random_share": 1.0})
    serve("asked", "May I return wet boots?", "No.")
    given = ToolTurn("tool", "12 pairs", {"tool_call_id": "c1"})
    called = ToolTurn("assistant", "", {"tool_calls": [{"id": "c1", "function": {"name": "stock", "arguments": "{}"}}]})
    serve("tools", "How many boots are there?", "Twelve.", before=(called, given))
    harvest(folder)
    assert list(reasons_of(queue)) == ["asked"]


def test_run_twice_nothing_is_new(make_shop, serve, vote, harvest, queue):
    folder = make_shop({"random_share": 0.5})
    for number in range(6):
        serve(f"r{number}", f"What of number {number} in your list?", f"It is {number}.", flags=("abstained",))
    vote("r3")
    harvest(folder)
    before = queue.all()
    selection, admitted = harvest(folder)
    assert (selection.requests, admitted.picked, admitted.passed_over) == (0, (), ())
    assert queue.all() == before
    assert len(before) == 6


def test_a_late_vote_is_picked_up_and_one_on_a_waiting_request_is_said(make_shop, serve, vote, harvest, queue):
    folder = make_shop()
    serve("quiet", "How dear is the rope of yours?", "40 dollars.")
    serve("flagged", "Is your lamp any good at night?", "I do not know.", flags=("abstained",))
    harvest(folder)
    assert list(reasons_of(queue)) == ["flagged"]
    vote("quiet", "wrong")
    vote("flagged")
    harvest(folder)
    assert reasons_of(queue) == {"quiet": ["down-voted: wrong"], "flagged": ["down-voted", "flagged: abstained"]}


def test_what_one_has_gone_through_is_not_gone_through_again_and_what_came_late_is(make_shop, serve, harvest, queue):
    folder = make_shop()
    serve("first", "How dear is the rope of yours?", "No.", flags=("abstained",), minute=9)
    harvest(folder)
    # It came before the other one, and was answered after the harvest.
    serve("slow", "Is your lamp any good at night?", "No.", flags=("abstained",), minute=1)
    selection, _ = harvest(folder)
    assert selection.requests == 1
    assert list(reasons_of(queue)) == ["first", "slow"]


def test_a_client_that_went_away_and_an_empty_question_are_no_rows(make_shop, serve, vote, harvest, queue):
    folder = make_shop({"random_share": 1})
    serve("gone", "How dear is the rope of yours?", outcome=Outcome.SKIPPED)
    serve("empty", "  ", "Yes?")
    vote("gone")
    assert harvest(folder)[0].requests == 0
    assert queue.all() == ()


def test_reasons_take_turns_and_votes_come_on_top(make_shop, serve, vote, harvest, queue):
    folder = make_shop({"at_most": 4, "worst": 0.5, "metrics": ["support"]})
    for number in range(8):
        serve(f"flag{number}", f"What of flag {number} in your list?", "I do not know.", flags=("abstained",))
        serve(f"low{number}", f"What of score {number} in your list?", f"It was {number} of 99.")
    vote("flag0")
    vote("low0")
    selection, _ = harvest(folder)
    kinds = [each.because[0].kind for each in queue.all()]
    assert kinds.count("down-voted") == 2
    assert (kinds.count("flagged") <= 2, kinds.count("low score") <= 2) == (True, True)
    assert 4 <= len(kinds) <= 6
    assert selection.flagged == 8


def test_only_the_flags_that_are_named_count(make_shop, serve, harvest, queue):
    folder = make_shop({"flags": ["pii_leak"]})
    serve("unsure", "How dear is the rope of yours?", "I do not know.", flags=("abstained",))
    serve("leak", "Whose number is on the box?", "Jane's.", flags=("pii_leak", "profanity"))
    harvest(folder)
    assert reasons_of(queue) == {"leak": ["flagged: pii_leak"]}


def test_the_random_share_has_its_probability_and_speaks_for_all(make_shop, serve, harvest, queue):
    folder = make_shop({"random_share": 0.25})
    for number in range(20):
        flags = ("abstained",) * (number < 5)
        serve(f"r{number}", f"What of number {number} in your list?", f"It is {number}.", flags=flags)
    harvest(folder)
    drawn = [each for each in queue.all() if each.probability is not None]
    assert len(drawn) == 5
    assert {each.probability for each in drawn} == {0.25}
    assert sum(each.weight for each in queue.all()) == 20
    assert {each.because[-1].kind for each in drawn} == {"random"}
    assert len(queue.all()) <= 10


def test_the_store_is_read_in_parts(make_shop, serve, vote, look, monkeypatch):
    folder = make_shop({"worst": 0.25, "random_share": 0.25, "metrics": ["support"]})
    for number in range(16):
        flags = ("abstained",) * (number % 3 == 0)
        serve(f"r{number}", f"What of number {number} in your list?", f"It is {number}.", flags=flags)
        vote(f"r{number}", good=number % 4 > 0)
    at_once = look(folder)
    monkeypatch.setattr(selecting, "_AT_ONCE", 3)
    assert look(folder) == at_once
    assert len(at_once.reasons) > 6


def test_an_unknown_metric_is_refused(make_shop, harvest):
    folder = make_shop({"metrics": ["latency_total"]})
    with pytest.raises(ConfigurationError, match=r"`harvest.metrics`: 'latency_total' is no metric .* known are exact"):
        harvest(folder)
