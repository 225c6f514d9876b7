"""Judges: through the engine, never asked twice, and an error where they say nothing that can be read."""

from dataclasses import replace

import pytest

from configs.errors import ConfigurationError, DataError
from configs.schema.app import Budget
from infra.simulator.behaviour import Behaviour, Fault, Rule
from infra.simulator.running import requests, simulated
from tasks.calling.spend import BudgetUsedUp
from tasks.judging.criteria import CRITERIA
from tasks.judging.judge import judge_of
from tasks.judging.reply import UnreadableReplyError
from tasks.prompting.prompty import read_prompty
from tasks.scoring.scorer import Rating

from .conftest import said

NOWHERE = "http://127.0.0.1:9/v1"


def rules(*pairs):
    return tuple(Rule(contains=contains, answer=answer) for contains, answer in pairs)


async def test_an_answer_is_rated_with_its_reason(make_app, judge, means, answered):
    with simulated(Behaviour(rules=rules(("good", said(5, "On the point.")), ("", said(1))))) as address:
        loaded = make_app(address)
        rated = await judge(loaded).rate(*answered("a good answer", "another"), means(loaded))
        sent = requests(address)[0]
    assert rated == [Rating(5.0, "On the point."), Rating(1.0, "Because.")]
    assert sent["response_format"]["json_schema"]["schema"]["properties"]["score"]["enum"] == [1, 2, 3, 4, 5]
    assert [message["role"] for message in sent["messages"]] == ["system", "user"]


async def test_what_was_asked_is_never_asked_again(make_app, judge, means, answered, chats):
    with simulated(Behaviour(rules=rules(("", said(3))))) as address:
        loaded = make_app(address)
        given = answered("one", "two", "three")
        first = await judge(loaded).rate(*given, means(loaded))
        # A judge made anew, another command, other ids: the journal knows the questions by their content.
        rows = [replace(row, id=f"other {row.id}") for row in given[0]]
        assert await judge(loaded).rate(rows, given[1], means(loaded)) == first
        assert chats(address) == 3
        await judge(loaded).rate(*given, means(loaded, epoch="second"))
        await judge(loaded).rate_again(*given, means(loaded), repeat=1)
        assert chats(address) == 9


async def test_a_judge_that_answers_prose_is_asked_once_more_and_then_has_failed(
    make_app, judge, means, answered, chats
):
    with simulated(Behaviour(rules=rules(("good", "It is good, a 5."), ("", said(2))))) as address:
        loaded = make_app(address)
        prose, other = await judge(loaded).rate(*answered("a good answer", "another"), means(loaded))
        assert isinstance(prose, UnreadableReplyError)
        assert "answered no JSON object: 'It is good, a 5.'" in str(prose)
        assert other.value == 2.0
        assert chats(address) == 3
        assert len({request["seed"] for request in requests(address)}) == 2
        await judge(loaded).rate(*answered("a good answer", "another"), means(loaded))
        assert chats(address) == 3


async def test_a_slip_is_mended_by_asking_once_more(make_app, judge, means, answered):
    slips = Rule(contains="", answer="Hm.", others=(said(4),))
    with simulated(Behaviour(rules=(slips,))) as address:
        loaded = make_app(address)
        rated = await judge(loaded).rate(*answered(*(f"answer {n}" for n in range(40))), means(loaded))
    failed = sum(isinstance(each, UnreadableReplyError) for each in rated)
    # Half the replies are prose: of 40 some 20 at first, some 10 in the end.
    assert 3 <= failed <= 17
    assert {each.value for each in rated if isinstance(each, Rating)} == {4.0}


async def test_an_endpoint_that_takes_no_form_is_asked_for_json_in_words(make_app, judge, means, answered, chats):
    with simulated(Behaviour(response_format=False, rules=rules(("", f"```json\n{said(4)}\n```")))) as address:
        loaded = make_app(address, chat={"concurrency": 1})
        rated = await judge(loaded).rate(*answered("one", "two", "three"), means(loaded))
        assert [each.value for each in rated] == [4.0] * 3
        # Refused once, then never offered again.
        assert chats(address) == 4
        assert "one JSON object and nothing else" in requests(address)[-1]["messages"][0]["content"]


async def test_a_dead_endpoint_is_the_instruments_failure_and_the_budget_is_not(make_app, judge, means, answered):
    with simulated(Behaviour(faults=(Fault(kind="server_error", contains="bad"),), rules=rules(("", said(3))))) as a:
        loaded = make_app(a)
        bad, good = await judge(loaded).rate(*answered("a bad one", "a fine one"), means(loaded))
        assert "answered 500" in str(bad)
        assert not isinstance(bad, BudgetUsedUp)
        assert good.value == 3.0
        poor = replace(loaded, app=loaded.app.model_copy(update={"budget": Budget(calls=1)}))
        rated = await judge(poor).rate(*answered("x", "y", "z"), means(poor, epoch="poor"))
    assert sorted(isinstance(each, BudgetUsedUp) for each in rated) == [False, True, True]


async def test_without_context_there_is_nothing_to_be_grounded_in(make_app, judge, means, answered, chats):
    with simulated(Behaviour(rules=rules(("", said(3))))) as address:
        loaded = make_app(address)
        rated = await judge(loaded, "groundedness").rate(*answered("one", context=""), means(loaded))
        assert (rated, chats(address)) == ([Rating(None, "the answer drew on no context")], 0)


async def test_what_a_judge_does_not_read_is_no_part_of_its_question(make_app, judge, means, answered, chats):
    with simulated(Behaviour(rules=rules(("", said(3))))) as address:
        loaded = make_app(address)
        # What was found for one and the same question is the same, whatever was then answered.
        rows, answers = answered("one", "two")
        same = [replace(row, messages=rows[0].messages) for row in rows]
        await judge(loaded, "retrieval").rate(same, answers, means(loaded))
        assert chats(address) == 1


@pytest.mark.parametrize("name", sorted(CRITERIA))
def test_every_judge_has_a_rubric_for_each_score_and_reads_what_it_needs(make_app, judge, name):
    found = judge(make_app(NOWHERE), name)
    low, high = (0, 7) if found.criterion.dimension == "harm" else (1, 5)
    assert (found.metric.low, found.metric.high) == (low, high)
    assert found.metric.direction == ("lower" if found.criterion.dimension == "harm" else "higher")
    rubric = found.prompt.messages[0].template
    assert [f"\n{score}: " in rubric for score in range(low, high + 1)] == [True] * (high - low + 1)
    assert read_prompty(found.criterion.prompt).prompt.name == name.replace("_", "_")
    # Only lines around the texts say which is which, so that their order can be turned.
    assert found.swapped_texts is None or found.swapped_texts[0] == "answer"


@pytest.mark.parametrize(
    ("name", "needs", "columns", "labels"),
    [
        ("groundedness", {"context"}, (), False),
        ("retrieval", {"context"}, (), False),
        ("relevance", set(), (), False),
        ("similarity", {"reference"}, (), True),
        ("response_completeness", {"reference"}, (), True),
        ("intent_resolution", set(), (), False),
        ("tool_call_accuracy", set(), ("tool_definitions",), True),
        ("violence", set(), (), False),
    ],
)
def test_what_a_judge_needs_follows_from_its_prompt(make_app, judge, name, needs, columns, labels, answered):
    found = judge(make_app(NOWHERE), name)
    assert (set(found.needs), found.columns, found.needs_labels) == (needs, columns, labels)
    row = replace(answered("a")[0][0], reference="")
    lacks = "the row has no reference" if "reference" in needs else f"the row has no {columns[0]}" if columns else ""
    assert found.lacking(row) == lacks


def test_the_version_names_all_that_decides(make_app, judge, tmp_path):
    loaded = make_app(NOWHERE)
    write(tmp_path, "Rate {{ answer }}.")
    own = {"prompt": "mine.prompty", "low": 1, "high": 5}
    versions = {
        judge(loaded).version,
        judge(loaded, settings={"max_tokens": 100}).version,
        judge(loaded, settings={"temperature": 0.5}).version,
        judge(loaded, settings={"temperature": "default"}).version,
        judge(loaded, settings={"high": 6}).version,
        judge(loaded, direction="lower").version,
        judge(loaded, "mine", settings=own).version,
        judge(make_app("http://127.0.0.1:10/v1")).version,
    }
    assert len(versions) == 8
    assert judge(loaded, "named", scorer="relevance").version in versions
    write(tmp_path, "Judge {{ answer }}.")
    assert judge(loaded, "mine", settings=own).version not in versions
    assert judge(loaded).identity == f"relevance:{judge(loaded).version}"
    assert judge(loaded).metric.version == judge(loaded).version


async def test_a_judge_of_the_users_own(make_app, judge, means, answered, tmp_path):
    write(tmp_path, "Is it friendly?\n\nuser:\nHow friendly is this, {{ mood }}?\n{{ answer }}", "max_tokens: 50")
    settings = {"prompt": "mine.prompty", "low": 0, "high": 10}
    with simulated(Behaviour(rules=rules(("", said(10))))) as address:
        loaded = make_app(address)
        mine = judge(loaded, "friendliness", settings=settings, dimension="harm", direction="lower")
        assert (mine.columns, mine.needs_labels, mine.swapped_texts) == (("mood",), True, None)
        rows, answers = answered("Hello!")
        assert mine.lacking(rows[0]) == "the row has no mood"
        rows = [replace(row, columns={"mood": "sunny"}) for row in rows]
        assert (await mine.rate(rows, answers, means(loaded)))[0].value == 10.0
        sent = requests(address)[0]
    assert (sent["max_tokens"], mine.metric.high, mine.metric.dimension) == (50, 10.0, "harm")
    assert "\nsunny\n" in sent["messages"][1]["content"]


@pytest.mark.parametrize(
    ("name", "settings", "error"),
    [
        ("groundednes", {}, "no judge 'groundednes'; known are groundedness, relevance"),
        ("relevance", {"lowest": 1}, "unknown setting 'lowest'; known are prompt, low, high"),
        ("relevance", {"low": "1"}, "settings.low: found '1'; allowed is a whole number"),
        ("relevance", {"low": 5}, "a scale from 5 to 5; low must be below high"),
        ("relevance", {"high": 200}, "by 100 at most"),
        ("relevance", {"temperature": 9.0}, "parameter temperature: found 9.0"),
        ("relevance", {"temperature": "warm"}, "parameter temperature: found 'warm'"),
        ("preference", {"high": 2}, "a preference has its own scale"),
        ("mine", {"prompt": "mine.prompty"}, "needs settings.low and settings.high"),
        ("mine", {"prompt": "gone.prompty", "low": 1, "high": 5}, "does not exist"),
        ("mine", {"prompt": "mine.prompty", "low": 1, "high": 5}, "the prompt shows nothing of 'answer'"),
    ],
)
def test_what_cannot_be_meant_is_one_line(make_app, judge, tmp_path, name, settings, error):
    loaded = make_app(NOWHERE)
    write(tmp_path, "Rate {{ question }}.")
    with pytest.raises((ConfigurationError, DataError), match=error) as raised:
        judge(loaded, name, settings=settings)
    assert "\n" not in str(raised.value)


def test_a_judge_needs_a_chat_model(make_app):
    loaded = make_app(NOWHERE)
    config = loaded.app.scorers[0].model_copy(update={"name": "relevance", "model": "vectors"})
    with pytest.raises(ConfigurationError, match="model 'vectors' is no chat model; known are chat"):
        judge_of(config, loaded)


def write(folder, template, parameters=""):
    header = f"---\nname: mine\nmodel:\n  api: chat\n  parameters: {{{parameters}}}\n---\n"
    (folder / "mine.prompty").write_text(f"{header}system:\n{template}\n", encoding="utf-8")
