"""Values frozen from rouge-score 0.1.2 and from sacreBLEU's own command."""

import pytest

from tasks.scoring.ngrams import bleu, chrf, rouge_1, rouge_2, rouge_l


@pytest.mark.parametrize(
    ("reference", "text", "values"),
    [
        ("the tent weighs 2 kg and is waterproof", "the tent is waterproof and weighs 2 kg", (1, 0.571428571, 0.625)),
        ("police killed the gunman", "police kill the gunman", (0.75, 0.333333333, 0.75)),
        ("a b c d e", "e d c b a", (1, 0, 0.2)),
        ("the cat sat on the mat", "a cat was on the mat today", (0.615384615, 0.363636364, 0.615384615)),
    ],
)
def test_rouge_is_that_of_rouge_score(row, answer, reference, text, values):
    found = [scorer(row(reference=reference), answer(text)).value for scorer in (rouge_1, rouge_2, rouge_l)]
    assert found == pytest.approx(values, abs=1e-9)


def test_bleu_and_chrf_are_those_of_sacrebleu(row, answer):
    asked, given = row(reference="the cat sat on the mat"), answer("the cat is on a mat")
    assert bleu(asked, given).value == pytest.approx(0.19304869754804482)
    assert bleu.rate(asked, given, tokenizer="13a").value == pytest.approx(0.19304869754804482)
    assert chrf(asked, given).value == pytest.approx(0.35541121381537254)


def test_a_korean_ending_does_not_make_another_word(row, answer):
    asked, given = row(reference="텐트는 방수가 됩니다"), answer("텐트는 방수입니다")
    assert bleu(asked, given).value > 0.5
    assert bleu.rate(asked, given, tokenizer="13a").value < 0.35
    assert rouge_1(asked, given).value > 0.8


@pytest.mark.parametrize("scorer", [bleu, chrf, rouge_1, rouge_2, rouge_l], ids=lambda scorer: scorer.metric.name)
def test_a_text_without_a_word_is_only_like_itself(row, answer, scorer):
    assert scorer(row(reference="tent"), answer("")).value == 0
    assert scorer(row(reference="tent"), answer("Tent")).value == pytest.approx(1)
