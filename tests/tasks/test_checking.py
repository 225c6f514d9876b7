"""What is wrong with an app is said before anything is started."""

import shutil

import pytest
import yaml

from configs.errors import ConfigurationError
from configs.loading import load_app
from tasks.checking import check_app

HYPOTHESIS = {
    "statement": "A longer prompt is better.",
    "metric": "exact",
    "treatment": "prompt",
    "control": "prompt",
    "expected_difference": 0.1,
}

SEARCH = {"name": "searched", "kind": "search_prompt"}
CUT = {"name": "cut", "kind": "search_retrieval"}
CUT_OF_WORDS = {"retrieval": {"documents": "rows.jsonl"}}

DISTILL = {
    "teacher": "chat",
    "terms": "Apache-2.0, its weights'",
    "split": "production",
    "keep": [{"metric": "exact", "at_least": 1}],
}

FOUND = {
    "a missing dataset": (
        {"datasets": {"sample": "rows.jsonl", "full": "all.jsonl"}},
        "app.yaml: names 'all.jsonl', but .* does not exist; create it or mend the name",
    ),
    "a missing prompt": (
        {"retrieval": None, "prompts": ["bold.prompty"]},
        "names 'bold.prompty', but .* does not exist",
    ),
    "missing documents": ({}, "names 'documents.jsonl', but .* does not exist"),
    "missing code": (
        {"retrieval": None, "target": {"kind": "python", "callable": "mine.py:answer"}},
        "names 'mine.py', but .* does not exist",
    ),
    "missing answers": (
        {"retrieval": None, "target": {"kind": "answers", "path": "answers.csv"}},
        "names 'answers.csv', but .* does not exist",
    ),
    "an unknown scorer": ({"scorers": [{"name": "beauty"}]}, "unknown scorer 'beauty'; known are abstention, "),
    "a rule on an unknown metric": (
        {"gates": {gate: {"rules": [{"metric": "beauty", "at_least": 1}]} for gate in ("sample", "release")}},
        "`gates.sample.rules.0` .*: unknown metric 'beauty'; known are ",
    ),
    "a limit on an unknown metric": (
        {"monitor": {"limits": [{"metric": "beauty", "at_least": 1}]}},
        "key `monitor.limits`: unknown metric 'beauty'; known are ",
    ),
    "a budget of a metric of which more is better": (
        {"monitor": {"budgets": [{"metric": "exact", "at_most": 0.1}]}},
        "key `monitor.budgets`: found 'exact'; allowed is a metric from 0 to 1 of which less is better: ",
    ),
    "a leaderboard by an unknown metric": (
        {"explore": {"rank_by": "beauty"}},
        "app.yaml: key `explore.rank_by`: unknown metric 'beauty'; known are cached_tokens, exact, ",
    ),
    "a hypothesis about an unknown metric": (
        {"retrieval": None, "explore": {"rank_by": "exact", "hypothesis": {**HYPOTHESIS, "metric": "beauty"}}},
        "key `explore.hypothesis.metric`: unknown metric 'beauty'; known are cached_tokens, exact, ",
    ),
    "a hypothesis about an unknown prompt": (
        {"retrieval": None, "explore": {"rank_by": "exact", "hypothesis": {**HYPOTHESIS, "control": "bold"}}},
        "key `explore.hypothesis.control`: unknown prompt 'bold'; known are prompt; mend the key",
    ),
    "a move under an unknown meta-prompt": (
        {"retrieval": None, "augment": {"moves": [{"name": "stricter", "meta_prompt": "strict"}]}},
        "key `augment.moves.0.meta_prompt`: unknown meta-prompt 'strict'; known are none; mend the key",
    ),
    "an exploration under an unknown meta-prompt": (
        {"retrieval": None, "explore": {"rank_by": "exact", "meta_prompts": ["strict"]}},
        "key `explore.meta_prompts`: unknown meta-prompt 'strict'; known are none; mend the key",
    ),
    "a move by tokens whose chunks are of words": (
        {**CUT_OF_WORDS, "augment": {"moves": [{"name": "shorter", "top_k": 1, "chunk_tokens": 60}]}},
        "key `augment.moves.0`: `chunk_tokens` counts only where the chunker is `tokens`, .* set `chunker: tokens`",
    ),
    "a search over tokens whose chunks are of words": (
        {
            **CUT_OF_WORDS,
            "augment": {"moves": [{**CUT, "over": {"chunker": ["words", "heading"], "chunk_tokens": [60]}}]},
        },
        "key `augment.moves.0`: `chunk_tokens` counts only .* or add it to `over.chunker`",
    ),
    "a search over lengths of which one is shorter than the overlap": (
        {
            "retrieval": {"documents": "rows.jsonl", "overlap_tokens": 40},
            "augment": {"moves": [{**CUT, "over": {"chunker": ["tokens"], "chunk_tokens": [80, 40]}}]},
        },
        "`chunk_tokens` 40 is no more than the 40 that a chunk repeats .* or lower `retrieval.overlap_tokens`",
    ),
    "a search for an unknown metric": (
        {"retrieval": None, "augment": {"moves": [{**SEARCH, "objective": {"beauty": 1}}]}},
        "key `augment.moves.0.objective`: unknown metric 'beauty'; known are cached_tokens, exact, ",
    ),
    "a search with a proposer that is too small": (
        {"retrieval": None, "augment": {"moves": [{**SEARCH, "proposer": "smollm2-135m"}]}},
        "proposer 'smollm2-135m' is the embedded model, which is too small to write instructions; name a capable one",
    ),
    "a move with an unknown prompt": (
        {"retrieval": None, "augment": {"moves": [{"name": "bolder", "prompt": "bold"}]}},
        "key `augment.moves.0.prompt`: unknown prompt 'bold'; known are prompt; mend the key",
    ),
    "a fine-tune without training rows": (
        {"retrieval": None, "augment": {"moves": [{"name": "tuned", "kind": "finetune"}]}},
        "key `augment.moves.0`: kind `finetune` needs training rows; name a file of them under `datasets.train`",
    ),
    "a fine-tune without the rows that a teacher answers": (
        {
            "retrieval": None,
            "augment": {"moves": [{"name": "tuned", "kind": "finetune"}]},
            "finetune": {"distill": DISTILL},
            "datasets": {"sample": "rows.jsonl", "full": "rows.jsonl", "train": "rows.jsonl"},
        },
        "kind `finetune` needs training rows; name a file of them under `datasets.production`",
    ),
    "a model without a price": (
        {"retrieval": None},
        "model chat has no price, and the app's budget is capped at 1 US dollars; set its price in a prices.yaml",
    ),
    "two prompts of one name": (
        {"retrieval": None, "prompts": ["prompt.prompty", "more/prompt.prompty"]},
        "prompt.prompty and more/prompt.prompty both hold a prompt named 'prompt'; give one of them another name",
    ),
}


def change(folder, changes):
    content = yaml.safe_load((folder / "app.yaml").read_text(encoding="utf-8"))
    (folder / "app.yaml").write_text(yaml.safe_dump(content | changes), encoding="utf-8")
    return load_app(str(folder))


@pytest.mark.parametrize("what", FOUND)
def test_what_does_not_exist_is_named_with_its_key(tmp_path, make_app, what):
    changes, said = FOUND[what]
    make_app("http://127.0.0.1:1/v1")
    (tmp_path / "more").mkdir()
    shutil.copy(tmp_path / "prompt.prompty", tmp_path / "more")
    loaded = change(tmp_path, changes)
    with pytest.raises(ConfigurationError, match=said):
        check_app(loaded)


def test_an_app_that_names_only_what_exists_is_accepted(tmp_path, make_app):
    make_app("http://127.0.0.1:1/v1")
    names = {"retrieval": None, "explore": {"rank_by": "exact", "hypothesis": HYPOTHESIS}}
    check_app(change(tmp_path, names | {"budget": {"unpriced": ["chat"]}}))


def test_lengths_in_tokens_are_accepted_where_chunks_are_of_tokens(tmp_path, make_app):
    make_app("http://127.0.0.1:1/v1")
    over = {"chunker": ["words", "tokens"], "chunk_words": [60], "chunk_tokens": [80, 160]}
    moves = [{**CUT, "over": over}, {"name": "shorter", "top_k": 1, "chunker": "tokens", "chunk_tokens": 60}]
    changes = {**CUT_OF_WORDS, "augment": {"moves": moves}, "budget": {"unpriced": ["chat"]}}
    check_app(change(tmp_path, changes))


def test_rows_that_a_teacher_answers_need_no_other_training_rows(tmp_path, make_app):
    make_app("http://127.0.0.1:1/v1")
    changes = {
        "retrieval": None,
        "augment": {"moves": [{"name": "tuned", "kind": "finetune"}]},
        "finetune": {"distill": DISTILL},
        "datasets": {"sample": "rows.jsonl", "full": "rows.jsonl", "production": "rows.jsonl"},
        "budget": {"unpriced": ["chat"]},
    }
    check_app(change(tmp_path, changes))
